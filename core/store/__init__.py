"""The system of record (SQLite) and what is derived from it (vector and word indexes)."""
