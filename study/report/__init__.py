"""The report of a launch: one HTML file that needs nothing else, and tables for the terminal."""

from study.report.page import build

__all__ = ["build"]
