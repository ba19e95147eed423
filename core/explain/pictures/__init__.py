"""Maps over pictures, and whether they can be trusted."""
