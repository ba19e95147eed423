"""From a messy file and a pile of pictures to items that can be trusted."""
