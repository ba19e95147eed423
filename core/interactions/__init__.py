"""Who did what with which item, when: reading logs, their columns, splits in time."""
