"""Figures: one file each, with its data, its drawing, its words and its name. ``registry`` finds them."""
