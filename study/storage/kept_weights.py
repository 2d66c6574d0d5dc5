"""The kept networks of a launch's replicas: which there are, reading them, and removing those that are not wanted."""

import shutil
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from study.design.plan import Plan
from study.outcomes.outcome import Outcome
from study.storage.records import Record
from study.storage.store import Store
from trainables import weights
from trainables.files import DamagedFile

if TYPE_CHECKING:
    from trainables.weights import Kept


def replicas(store: Store) -> tuple[tuple[int, int], ...]:
    """Return cell and seed of every replica with kept networks, in order."""
    folders = store.weights_path.glob("cell=*/seed=*")
    return tuple(
        sorted((_number(folder.parent.name), _number(folder.name)) for folder in folders if weights.described(folder))
    )


def read(store: Store, plan: Plan, cell: int, seed: int, which: str) -> "Kept":
    """Return the kept networks of a replica.

    Args:
        store: the launch's folder.
        plan: its plan.
        cell: index of the cell.
        seed: the replica's seed.
        which: ``last`` or ``best``.

    Raises:
        ValueError: if none were kept of it.
        DamagedFile: if their description is damaged.
    """
    if which not in weights.WHICH:
        raise ValueError(f"which must be {' or '.join(weights.WHICH)}, got {which!r}")
    folder = store.weight_folder(cell, seed)
    try:
        found = weights.read(folder, which)
    except FileNotFoundError:
        raise ValueError(_none(store, plan, cell, seed, which)) from None
    except DamagedFile as error:
        raise DamagedFile(f"{error}; reports and verdicts do not need it (launch {plan.launch})") from None
    return found


def _none(store: Store, plan: Plan, cell: int, seed: int, which: str) -> str:
    """Say that a replica has no such networks, and how there would be some."""
    other = weights.described(store.weight_folder(cell, seed))
    if other:
        has = f"its {other[0]} ones were"
    elif own := [str(seed) for at, seed in replicas(store) if at == cell]:
        has = f"of this cell they were of seed{'s' * (len(own) > 1)} {', '.join(own)}"
    else:
        has = "and none of this cell"
    wanted = "both" if which == weights.BEST else which
    again = "; outcomes were decided again since, by which the report may show other replicas than those kept"
    return (
        f"the {which} weights of cell {cell}, seed {seed} were not kept, {has} (launch {plan.launch}): a run with"
        f" --keep {wanted} keeps them of every replica{again if plan.keeps_shown and store.rule() != plan.rule else ''}"
    )


def files(store: Store, cell: int, seed: int) -> list[Path]:
    """Return the paths of a replica's files, the descriptions last."""
    folder = store.weight_folder(cell, seed)
    return [path for suffix in ("safetensors", "json") for path in sorted(folder.glob(f"*.{suffix}"))]


def prune(store: Store, cell: int, wanted: Collection[int]) -> None:
    """Remove the kept networks of a cell's replicas, all but those of the wanted seeds."""
    for folder in store.cell_weights(cell).glob("seed=*"):
        if _number(folder.name) not in wanted:
            shutil.rmtree(folder, ignore_errors=True)


def candidates(records: Sequence[Record]) -> frozenset[int]:
    """Return the seeds of a cell's replicas that its report may show yet.

    These are its first seed, which nobody has chosen, and the first replica of each outcome: whichever failure turns
    out to be the most common one, its first replica is among them.

    Args:
        records: those of the cell, in order.
    """
    firsts: dict[Outcome, int] = {}
    for record in records:
        if record.status.trained and record.outcome is not Outcome.UNDECIDED:
            firsts.setdefault(record.outcome, record.seed)
    return frozenset({records[0].seed, *firsts.values()})


def configurations(store: Store) -> Iterator[tuple[int, int, str]]:
    """Yield cell, seed and digest of the configuration of all kept networks whose description is whole."""
    for cell, seed in replicas(store):
        folder = store.weight_folder(cell, seed)
        for which in weights.described(folder):
            with suppress(DamagedFile):  # which `damage` names
                yield cell, seed, weights.read(folder, which).about["digest"]


def damage(store: Store) -> Iterator[str]:
    """Yield a sentence for each file of kept networks that is missing or damaged."""
    for cell, seed in replicas(store):
        folder = store.weight_folder(cell, seed)
        for which in weights.described(folder):
            try:
                yield from weights.read(folder, which).damage()
            except DamagedFile as error:
                yield str(error)


def _number(name: str) -> int:
    return int(name.partition("=")[2])
