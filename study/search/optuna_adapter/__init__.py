"""Everything that is asked of Optuna, and the only place that imports it."""
