"""Long work: a table of jobs in the database, and a detached worker that outlives the page and the server."""
