"""What the networks of a plan need at least, against the memory of this machine."""

import os
from collections.abc import Iterable
from math import prod

from study.design.plan import Cell
from study.formatting import plural
from trainables import games
from trainables.config import Trained, trained

_COPIES = 2
"""Of every weight: itself and its gradient."""
_BYTES = {"float32": 4, "float64": 8}


def least_bytes(config: Trained) -> int:
    """Return a lower bound of the memory of one replica in bytes.

    Weights and gradients, and the larger of a batch of real samples and the samples of a report; an optimizer's moments
    and the activations come on top.
    """
    modules = [player.module for player in games.build(config).players.values()]
    weights = sum(parameter.numel() for module in modules for parameter in module.parameters())
    samples = max(config.batch_size, config.evaluation.samples) * prod(config.data.shape)
    return (_COPIES * weights + samples) * _BYTES[config.dtype]


def check(cells: Iterable[Cell], replicas: int, study: str) -> None:
    """Raise ValueError if a block of a cell cannot fit into the memory of this machine.

    Args:
        cells: what is to be trained.
        replicas: the number of replicas that are trained together.
        study: the study's name, for the sentence.
    """
    has = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for cell in cells:
        needs = least_bytes(trained(cell.config)) * replicas
        if needs > has:
            raise ValueError(
                f"a block must fit into this machine's memory of {_shown(has)}, got at least {_shown(needs)} of"
                f" weights, gradients and samples for {plural(replicas, 'replica')} of cell {cell.name} (study {study})"
            )


def _shown(size: int) -> str:
    return f"{size / 2**30:,.1f} GiB"
