"""The command line: `python -m core --help`."""

from core.cli.command import end_process
from core.cli.main import main

if __name__ == "__main__":
    end_process(main())
