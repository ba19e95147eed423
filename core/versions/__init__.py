"""A trained version: what it is on disk, how it is opened, and its card."""
