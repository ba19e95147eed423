"""The steps of the import page, one module a step."""
