"""Rows of known metrics as ``study metrics`` writes them, without measuring anything."""

from typing import Any

from study.storage import metrics_table

WEIGHTS = "6726825d" * 8


def row(cell: int = 0, seed: int = 0, **changes: Any) -> dict[str, Any]:
    """A row; the numbers are those of seed and cell unless changed."""
    values: dict[str, Any] = {
        "cell": cell,
        "cell_name": f"cell {cell}",
        "seed": seed,
        "which": "last",
        "step": 300,
        "networks_digest": "0" * 16,
        "features": "inception",
        "weights_digest": WEIGHTS,
        "plugin_digest": "",
        "n": 10_000,
        "n_real": 1797,
        "broken": 0,
        "draw_seed": 0,
        "plan": "",
        "data": "",
        "fid": 10.0 + seed,
        "kid": 0.01,
        "kid_std": 0.001,
        "precision": 0.5,
        "recall": 0.25,
        "density": 0.75,
        "coverage": 0.125,
        "versions": "{}",
    }
    found = values | changes
    if found["broken"]:
        found |= dict.fromkeys(metrics_table.NUMBERS)
    return found
