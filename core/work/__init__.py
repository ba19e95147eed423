"""Use cases: what pages, jobs and the command line do with a data folder."""
