"""A launch held against itself (verify), another launch (comparison) and the papers (claims)."""
