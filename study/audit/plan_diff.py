"""List the settings on which two launches of a study differ, as dotted paths with both values."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from study.design.plan import Plan
from study.design.values import differences, exact, leaves
from study.launch import Launch
from trainables.config import to_dict


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A difference of the plans: a dotted path with its values; a side that lacks it is empty."""

    path: str
    before: str
    after: str


def changes(before: Launch, after: Launch) -> tuple[Change, ...]:
    """Return what differs in the plans and in where they ran, then in the configurations of cells that both have."""
    declared = [{hypothesis.name for hypothesis in own.plan.hypotheses} for own in (before, after)]
    one, other = (_plan(own, declared[0] & declared[1]) for own in (before, after))
    differing = [path for path in one | other if one.get(path) != other.get(path)]
    own = (Change(path=path, before=one.get(path, ""), after=other.get(path, "")) for path in differing)
    return (*own, *_configurations(before.plan, after.plan))


def _plan(own: Launch, shared: Collection[str]) -> dict[str, str]:
    """Dotted path to text, of all but the configurations and what names the launch.

    Args:
        shared: names of the hypotheses that both launches declare; the others are not told field by field.
    """
    plan = own.plan
    parts: dict[str, object] = {
        "profile": plan.profile,
        "note": plan.note,
        "seeds": _span(plan.seeds),
        "block": plan.block,
        "until_decided": plan.until_decided,
        "least": plan.least,
        "selection": plan.selection,
        "rule": own.rule,
        "hypotheses": {own.name: own if own.name in shared else "declared" for own in plan.hypotheses},
        "versions": _listed(record.versions for record in own.replicas if record.steps) or plan.versions,
        "device": ", ".join(sorted({record.device for record in own.replicas if record.device})),
        "mode": ", ".join(sorted({record.mode for record in own.replicas if record.mode})),
        "cells": {cell.name: "planned" for cell in plan.cells},
    }
    return {path: exact(value) for path, value in leaves(parts)}


def _configurations(before: Plan, after: Plan) -> Iterator[Change]:
    """Yield the differences of configurations; one that several cells share is listed once."""
    earlier = {cell.name: cell for cell in before.cells}
    common = [(earlier[cell.name], cell) for cell in after.cells if cell.name in earlier]
    changed: dict[tuple[str, str, str], list[str]] = {}
    for one, other in common:
        for path, (a, b) in differences(to_dict(one.config), to_dict(other.config)).items():
            changed.setdefault((path, exact(a), exact(b)), []).append(other.name)
    for (path, old, new), names in changed.items():
        where = "in all cells" if len(names) == len(common) else f"in {', '.join(names)}"
        yield Change(path=f"{path} {where}", before=old, after=new)


def _span(seeds: Sequence[int]) -> str:
    """``0 to 19``, or all of them where they do not follow one another."""
    whole = len(seeds) > 1 and list(seeds) == list(range(seeds[0], seeds[0] + len(seeds)))
    return f"{seeds[0]} to {seeds[-1]}" if whole else ", ".join(map(str, seeds))


def _listed(versions: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Library to the versions that replicas ran with."""
    found: dict[str, dict[str, None]] = {}
    for own in versions:
        for name, version in own.items():
            found.setdefault(name, {})[version] = None
    return {name: ", ".join(all_of) for name, all_of in found.items()}
