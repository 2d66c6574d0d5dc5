"""What the panel of impostors found: the file, the labels by dose, and where the label changes."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

from study.outcomes.outcome import Outcome
from study.validation.confusion import FIXING, SHIPPED
from study.validation.impostors.impostor import Impostor, Kind

__all__ = ["SHIPPED", "At", "Panel", "Trial", "at_doses", "changes", "errors", "read", "write"]

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One impostor at one dose, with one seed.

    Attributes:
        decided: the outcome by the rule.
        borderline: whether it is within a standard error of another one.
        evidence: means of what was measured over the last window, rounded.
    """

    impostor: str
    dose: float
    seed: int
    decided: Outcome
    borderline: bool
    evidence: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """All trials of one kind of data."""

    kind: Kind
    rule: str
    versions: Mapping[str, str]
    seconds: float
    trials: tuple[Trial, ...]

    @property
    def fresh(self) -> bool:
        """Whether no threshold was fixed on any of the seeds."""
        return not any(trial.seed in FIXING for trial in self.trials)


@dataclass(frozen=True, slots=True, kw_only=True)
class At:
    """The labels of an impostor at one dose.

    Attributes:
        counts: number of trials by outcome, the most frequent first.
        borderline: number of borderline trials.
        evidence: means over the trials.
    """

    dose: float
    counts: Mapping[Outcome, int]
    borderline: int
    evidence: Mapping[str, float]

    @property
    def label(self) -> Outcome:
        """The most frequent outcome."""
        return next(iter(self.counts))


def at_doses(trials: Sequence[Trial], impostor: str) -> tuple[At, ...]:
    """Return what an impostor is called at each of its doses, ascending."""
    own = sorted((trial for trial in trials if trial.impostor == impostor), key=lambda trial: trial.dose)
    return tuple(_at(dose, list(group)) for dose, group in groupby(own, key=lambda trial: trial.dose))


def _at(dose: float, trials: Sequence[Trial]) -> At:
    names = trials[0].evidence.keys()
    return At(
        dose=dose,
        counts=dict(Counter(trial.decided for trial in trials).most_common()),
        borderline=sum(trial.borderline for trial in trials),
        evidence={name: sum(trial.evidence.get(name, 0.0) for trial in trials) / len(trials) for name in names},
    )


def changes(found: Sequence[At]) -> tuple[tuple[float, float, Outcome, Outcome], ...]:
    """Return the pairs of neighboring doses between which the label changes, with both labels."""
    return tuple((a.dose, b.dose, a.label, b.label) for a, b in pairwise(found) if a.label is not b.label)


def errors(trials: Sequence[Trial], impostors: Sequence[Impostor]) -> tuple[Trial, ...]:
    """Return the trials whose label does not tell the truth about the impostor at its dose."""
    by_name = {impostor.name: impostor for impostor in impostors}
    return tuple(
        trial
        for trial in trials
        if not by_name[trial.impostor].right(trial.dose, trial.decided, borderline=trial.borderline)
    )


def write(panels: Sequence[Panel], folder: Path) -> Path:
    """Write ``impostors.json``, a line per trial; return its path. Panels of other kinds in the file stay."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "impostors.json"
    stored = {each.kind: each for each in (read(folder) if path.is_file() else ())} | {p.kind: p for p in panels}
    parts = ",\n".join(_text(each) for each in stored.values())
    path.write_text(f'{{"schema": {SCHEMA}, "panels": [\n{parts}\n]}}\n', encoding="utf-8")
    return path


def _text(panel: Panel) -> str:
    head = {"kind": panel.kind, "rule": panel.rule, "versions": dict(panel.versions), "seconds": panel.seconds}
    rows = (
        [each.impostor, each.dose, each.seed, each.decided.value, int(each.borderline), dict(each.evidence)]
        for each in panel.trials
    )
    lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
    return f'{{"header": {json.dumps(head)},\n"trials": [\n{lines}\n]}}'


def read(folder: Path) -> tuple[Panel, ...]:
    """Read ``impostors.json``.

    Raises:
        ValueError: if it is missing, is no panel, or has an unknown schema.
    """
    path = folder / "impostors.json"
    if not path.is_file():
        raise ValueError(f"--folder must hold {path.name}, got {folder}")
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        if stored["schema"] != SCHEMA:
            raise ValueError(f"{path} has schema {stored['schema']}, this version reads {SCHEMA}")
        return tuple(
            Panel(**panel["header"], trials=tuple(_trial(row) for row in panel["trials"])) for panel in stored["panels"]
        )
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is no measurement of impostors: {error!r}") from None


def _trial(row: Sequence[Any]) -> Trial:
    impostor, dose, seed, decided, borderline, evidence = row
    return Trial(
        impostor=impostor,
        dose=dose,
        seed=seed,
        decided=Outcome(decided),
        borderline=bool(borderline),
        evidence=evidence,
    )
