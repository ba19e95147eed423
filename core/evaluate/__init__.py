"""Protocols, baselines and the report that says whether training helped."""
