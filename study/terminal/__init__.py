"""The output on the terminal: progress, tables and explanations. Observes launches and decides nothing."""
