"""One launch on disk: its folder, its records and the log of its search."""
