.PHONY: check test quick long browser lint lock

check: lint test

lint:
	ruff check .
	ruff format --check .
	mypy

test:
	pytest

quick:
	pytest -m "not slow and not browser"

long:
	pytest -m long

browser:
	pytest -m browser

# Needs uv. Every version anew, within the ranges of requirements*.txt, for all systems and Pythons at once.
lock:
	uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make lock" \
		requirements-dev.txt --output-file requirements.lock
