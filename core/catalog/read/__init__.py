"""From a file of any supported format to a table of text."""
