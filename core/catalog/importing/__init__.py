"""An import as data: its recipe, its draft, and what it does with each row."""
