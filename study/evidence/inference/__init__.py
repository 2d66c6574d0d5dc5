"""Statistics of success: numbers in, numbers out. Nothing here knows cells, records or files; nothing is ever NaN."""
