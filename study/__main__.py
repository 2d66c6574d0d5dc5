"""``python -m study``, which is the script ``study``."""

from study.cli import main

main()
