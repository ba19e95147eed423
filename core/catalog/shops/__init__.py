"""Layouts of the exports of shops and market places, each in one file."""
