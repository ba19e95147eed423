"""Wishlight's core: catalogues, encoders, search and explanations, without any user interface."""

__version__ = "0.1.0"
