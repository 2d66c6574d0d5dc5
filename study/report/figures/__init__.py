"""Figures of a launch: one file per figure, found by name in ``registry``."""
