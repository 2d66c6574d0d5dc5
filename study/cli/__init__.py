"""The command ``study``: names of studies and launches in, tables and paths out. Science lives in the study files."""

import sys

from study.cli.app import app

# The order of the commands in the help: a study before its run, a launch, then what it says.
from study.cli import studies, power, spaces, launches, search, confirm, best  # isort: skip
from study.cli import figures, verify, compare, claims, outcomes, data  # isort: skip

__all__ = [
    "app",
    "best",
    "claims",
    "compare",
    "confirm",
    "data",
    "figures",
    "launches",
    "main",
    "outcomes",
    "power",
    "search",
    "spaces",
    "studies",
    "verify",
]


def main() -> None:
    """Entry point of the script ``study``."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
