"""Protocol distance: what a launch changed against the published protocol, read off the configurations of its cells."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from study.design.plan import Cell
from study.design.values import ABSENT, brief, differences
from study.outcomes.rule import OutcomeRule
from trainables.config import to_dict

_KINDS = 2
"""A field that differs in more ways than this over the cells is only said to differ."""
_NETS = ("generator", "discriminator")
_RULES = ("g_optimizer", "d_optimizer")
_UNSEEN = ("evaluation.every", "evaluation.samples")  # what is measured changes no training
_WORDS = {"lr": "learning rate", "latent.dim": "noise dimensions", "batch_size": "batch"}
_FIRST = ("data", "steps", "batch_size", "networks", "generator", "discriminator", "latent", "optimizers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """What decides a result: the cells, how many seeds each has, and the rule for outcomes."""

    cells: tuple[Cell, ...]
    seeds: int
    rule: OutcomeRule


def distance(ours: Protocol, published: Protocol) -> str | None:
    """Say in short what ``ours`` changed: ``digits 16x16 for lsun bedroom 64x64; 1,000 of 200,000 steps; ...``.

    Cells that correspond by their levels are compared, field by field of their configurations. Empty if nothing
    differs; None if no two cells correspond.
    """
    twins = ((cell, _twin(cell, published.cells)) for cell in ours.cells)
    pairs = [(cell, twin) for cell, twin in twins if twin is not None]
    if not pairs:
        return None
    found: dict[str, dict[str, None]] = {}
    for one, other in pairs:
        for name, text in _merged(_changes(_plain(one), _plain(other))).items():
            found.setdefault(name, {})[text] = None
    parts = [_said(name, list(texts)) for name, texts in sorted(found.items(), key=_order)]
    if ours.seeds != published.seeds:
        parts.append(f"{ours.seeds} for {published.seeds} seeds")
    if ours.rule != published.rule:
        parts.append(f"outcome rule {ours.rule.name} for {published.rule.name}")
    return "; ".join(parts)


def _twin(cell: Cell, published: Sequence[Cell]) -> Cell | None:
    """Return the published cell of the same name, or else the first that agrees in every level that both name."""
    for other in published:
        if other.name == cell.name:
            return other
    for other in published:
        common = cell.levels.keys() & other.levels.keys()
        if common and all(cell.levels[name] == other.levels[name] for name in common):
            return other
    return None


def _plain(cell: Cell) -> dict[str, Any]:
    values, shape = to_dict(cell.config), cell.config.data.shape
    if len(shape) == 3:
        values["data"] = {**values["data"], "size": f"{shape[1]}x{shape[2]}", "side": None}
    return values


def _changes(ours: Any, theirs: Any) -> dict[str, tuple[Any, Any]]:
    """Return the differences of two configurations that a reader wants to know."""
    found = differences(ours, theirs, by_kind=True)
    unseen = (*_UNSEEN, *(path for path in found if "data" in found and path.startswith("data.")))
    return {path: both for path, both in found.items() if path not in unseen and any(map(_given, both))}


def _given(value: Any) -> bool:
    return value is not None and value is not ABSENT


def _merged(changes: Mapping[str, tuple[Any, Any]]) -> dict[str, str]:
    """Path to text; what holds for both nets, or both optimisers, alike is said once."""
    texts = {path: _text(path, *both) for path, both in changes.items()}
    for (one, other), name in ((_NETS, "networks"), (_RULES, "optimizers")):
        for path in [path for path in texts if f"{path}.".startswith(f"{one}.")]:
            twin = other + path.removeprefix(one)
            if texts.get(twin) == texts[path]:
                texts[name + path.removeprefix(one)] = texts.pop(path)
                del texts[twin]
    return texts


def _text(path: str, ours: Any, theirs: Any) -> str:
    if path == "steps" and ours < theirs:
        return f"{ours:,} of {theirs:,} steps"
    if path == "data":
        return f"{_data(ours)} for {_data(theirs)}"
    return f"{brief(ours)} for {brief(theirs)}"


def _said(path: str, texts: Sequence[str]) -> str:
    """Put the field's name before its values, where they do not speak for themselves."""
    shown = ", ".join(texts) if len(texts) <= _KINDS else "several"
    if path in ("data", "networks") or (path == "steps" and " of " in shown):
        return shown if len(texts) <= _KINDS else f"several {path}"
    words = path.removeprefix("networks.").removeprefix("optimizers.")
    words = _WORDS.get(words, words.replace("optimizer", "optimiser").replace(".", " ").replace("_", " "))
    return f"{words} {shown}"


def _order(found: tuple[str, Iterable[str]]) -> int:
    """As a reader asks: data, steps, batch, nets, noise, optimisers; then the rest, in its order."""
    root = found[0].partition(".")[0]
    return _FIRST.index(root) if root in _FIRST else len(_FIRST)


def _data(values: Mapping[str, Any]) -> str:
    return f"{brief(values)} {values.get('size', '')}".strip()
