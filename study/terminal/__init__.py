"""Everything that is printed: progress, tables and explanations. Watches launches, decides nothing."""
