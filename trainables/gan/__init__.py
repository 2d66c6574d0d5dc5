"""The two-player game: the game, its play on one data set, what a step draws, and how samples are scored."""
