.PHONY: check test browser lint

check: lint test

lint:
	ruff check .
	ruff format --check .
	mypy

test:
	pytest

browser:
	pytest -m browser
