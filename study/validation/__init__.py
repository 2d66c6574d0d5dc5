"""The validation of outcome rules: failures with known outcomes are injected into real training and classified."""
