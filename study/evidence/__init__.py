"""Evidence: from records to rates, comparisons and verdicts. Reads records and traces; writes and draws nothing."""
