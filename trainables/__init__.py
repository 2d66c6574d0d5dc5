"""The torch core: objectives, networks, data, the training loop, and one Ray Tune adapter.

Everything but ``tune_trainable`` runs with torch, numpy and pyarrow alone.
"""
