"""The adversarial autoencoder: its game, its play on one data set, what a step draws, and the codes.

The values that tell one autoencoder from another (priors, label uses, regularizers) stay in
``trainables.autoencoding``, beside objectives, penalties and conditioning: ``trainables.config`` imports all of these,
and this room imports the configuration.
"""
