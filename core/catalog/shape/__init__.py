"""From the columns and cells of a table to items that are checked."""
