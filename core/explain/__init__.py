"""Why an item was suggested, and whether that explanation can be trusted."""
