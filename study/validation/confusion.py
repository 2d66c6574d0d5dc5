"""Measured cases as a file, and what they amount to: the confusion matrix, recall and precision of every class."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from study.evidence.inference.proportions import Rate, clopper_pearson
from study.outcomes.outcome import Outcome

SCHEMA = 1
SHIPPED = Path(__file__).parent / "measured"
KINDS = ("ring", "digits")
CLASSES = tuple(outcome for outcome in Outcome if outcome.decided)
FIXING = range(4_000)
"""The seeds that thresholds and injections were fixed on. A measurement on others is a test.

Those from 2,000 on were meant for the test. The ring (17 of 320 wrong) and the digits (14 of 255) had injections that
were too short for what they claimed: oscillations that began before the replica was good, ends that were still on their
way. They also showed that a mean of the spacing misses a collapse with a few far points. All that was mended, and the
seeds count among these.
"""
FRESH = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One injected replica.

    Attributes:
        injection, severity: what was done.
        truth: where ``expected`` comes from.
        expected: the true outcome.
        decided: the rule's.
        states: what was measured densely at the looks and at the end, values of ``states.State``.
        confirmed: whether those agree with ``expected``.
        rule: label of the rule that decided.
    """

    injection: str
    severity: str
    seed: int
    truth: Literal["construction", "measured"]
    expected: Outcome
    decided: Outcome
    states: tuple[str, ...]
    confirmed: bool
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """All cases of one kind of data, and what made them.

    Attributes:
        kind: of the data.
        seconds: what it took.
    """

    kind: str
    device: str
    versions: Mapping[str, str]
    seconds: float
    cases: tuple[Case, ...]

    @property
    def rules(self) -> tuple[str, ...]:
        """Labels of the rules that decided, in order of first use."""
        return tuple(dict.fromkeys(case.rule for case in self.cases))

    @property
    def fresh(self) -> bool:
        """Whether no seed is one that thresholds were fixed on."""
        return not any(case.seed in FIXING for case in self.cases)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How a class was told.

    Attributes:
        recall: of the replicas whose true outcome it is, those that got it.
        precision: of the replicas that got it, those whose true outcome it is; depends on how many of each class there
            were to be confused.
    """

    outcome: Outcome
    recall: Rate
    precision: Rate


Matrix = Mapping[tuple[Outcome, Outcome], int]
"""How often (true, decided) occurred; 0 is left out."""


def confusion(cases: Sequence[Case]) -> Matrix:
    return Counter((case.expected, case.decided) for case in cases)


def scores(matrix: Matrix) -> tuple[Score, ...]:
    """One for each class, with exact 95 % intervals (Clopper & Pearson 1934)."""
    found = []
    for outcome in CLASSES:
        right = matrix.get((outcome, outcome), 0)
        true = sum(count for (expected, _), count in matrix.items() if expected is outcome)
        told = sum(count for (_, decided), count in matrix.items() if decided is outcome)
        recall, precision = clopper_pearson(right, true), clopper_pearson(right, told)
        found.append(Score(outcome=outcome, recall=recall, precision=precision))
    return tuple(found)


def write(measurement: Measurement, folder: Path) -> Path:
    """Writes ``KIND.json``: a header, then one line for each case."""
    folder.mkdir(parents=True, exist_ok=True)
    header = {name: getattr(measurement, name) for name in ("kind", "device", "seconds")}
    header |= {"versions": dict(measurement.versions), "schema": SCHEMA, "columns": [f.name for f in fields(Case)]}
    lines = ",\n".join(json.dumps([_plain(value) for value in asdict(case).values()]) for case in measurement.cases)
    path = folder / f"{measurement.kind}.json"
    path.write_text(f'{{"header": {json.dumps(header)},\n"cases": [\n{lines}\n]}}\n', encoding="utf-8")
    return path


def read(folder: Path, kind: str) -> Measurement:
    """Reads ``KIND.json``.

    Raises:
        ValueError: if there is none, or it is no measurement, or one of another schema.
    """
    path = folder / f"{kind}.json"
    if not path.is_file():
        raise ValueError(f"--folder must hold {path.name}, got {folder}")
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        header = stored["header"]
        if header["schema"] != SCHEMA:
            raise ValueError(f"{path} has schema {header['schema']}, this version reads {SCHEMA}")
        cases = tuple(_case(dict(zip(header["columns"], row, strict=True))) for row in stored["cases"])
        own = {name: header[name] for name in ("kind", "device", "versions", "seconds")}
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is no measurement of outcomes: {error!r}") from None
    return Measurement(**own, cases=cases)


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Outcome) else value


def _case(row: dict[str, Any]) -> Case:
    outcomes = {name: Outcome(row[name]) for name in ("expected", "decided")}
    return Case(**{**row, **outcomes, "states": tuple(row["states"])})
