"""Failures injected into real training, whose outcome is known beforehand, and what the outcome rules make of them."""
