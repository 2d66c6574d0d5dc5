"""Searches: settings proposed while a launch runs, raced over seeds, and explained."""
