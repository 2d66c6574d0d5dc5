"""From a trace and a rule to an outcome. Pure: NumPy in, an outcome out, decided again whenever the rule changes."""
