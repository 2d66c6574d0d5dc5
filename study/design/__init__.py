"""What is decided before the first seed: studies, plans, hypotheses, searches, and reading them from text."""
