"""Generators that cheat, at doses, and the label that the rule gives to each."""
