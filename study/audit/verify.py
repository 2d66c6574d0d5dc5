"""Verification: whether the files of a launch follow from one another, from the plan to the last number on the page.

Traces are what was measured; all else is computed from them and from the plan, and is computed here once more:

    spec.json -> configurations, seeds, plan digest        as in every record and every trace
    traces, records, log, checkpoints, kept networks       their own SHA-256
    traces                                                 the same images and edition of random numbers for all
    traces, rule.json -> records.parquet                   field by field
    traces -> search.jsonl                                 of a search: early ends and the decisions for them
    metrics.parquet                                        of the plan's replicas and of the kept networks
    records, traces -> report/                             word by word, then shapes, pictures and markup
"""

import dataclasses
import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from study.audit import reproduce
from study.audit.integrity import check_bytes, check_data, check_streams, check_weights
from study.audit.known_metrics import check_metrics
from study.audit.reproduce import Check
from study.design import plugin_use
from study.design.plan import Plan
from study.outcomes.rule import OutcomeRule
from study.scheduling import until_decided
from study.scheduling.ledger import redecide
from study.storage import metrics_table, search_log
from study.storage.records import Record, Status, of_other_plans
from study.storage.store import Store
from study.validation.competence import Competence
from trainables import plugins
from trainables.config import digest_of
from trainables.files import DamagedFile
from trainables.trace import Trace

_CLOSE = 1e-9
"""Relative difference of floats that other versions of numpy may make; what is shown has at most four digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    """What a block's trace says of itself, without its rows; ``seeds`` are those that have rows."""

    meta: Mapping[str, Any]
    seeds: frozenset[int]


def verify(store: Store, page: Path | None = None) -> tuple[Check, ...]:
    """All checks in order; what comes after a plan or traces that do not fit cannot be computed, and is left out.

    Args:
        page: a copy of the report elsewhere, to be compared instead of the launch's own.

    Raises:
        ValueError: if there is no launch, one of its files, or the copy, cannot be read, or a plugin is not loaded.
    """
    plan, stored, rule = store.plan(), store.records(of_any_plan=True), store.rule()
    for own in plan.plugins:
        if own.name not in plugins.loaded():
            raise ValueError(plugin_use.absent(own.name))
    if rule.own_rule is not None and rule.own_rule.plugin not in plugins.loaded():
        raise ValueError(plugin_use.absent(rule.own_rule.plugin))
    left = store.settled()
    store.judges(Competence)  # nothing follows from them, and they have to be readable
    headers, unreadable = _headers(plan, store)
    metas = {name: header.meta for name, header in headers.items()}
    checks = [
        _plan(plan, stored, headers),
        _rule(plan, store, rule),
        _configurations(plan, store, stored, headers),
        _seeds(plan, stored, headers),
        check_data(plan, metas),
        *([check_streams(metas)] if plan.recording is None else []),
        check_bytes(plan, store),
        *_plugins(plan, store),
        *([check_weights(plan, store)] if store.weights_path.exists() else []),
        *([check_metrics(plan, store)] if store.metrics_path.exists() else []),
        _traces(plan, stored, headers, unreadable),
    ]
    if unreadable or checks[0].differences or checks[-1].differences:
        return tuple(checks)
    try:
        computed = redecide(plan, store, rule).records
    except ValueError as error:
        return (*checks, Check(name="records", compared="none", differences=(str(error),)))
    ahead = _ahead(store, stored, computed)
    checks.append(_records(stored, computed, ahead))
    if plan.until_decided:
        checks.append(_stopping(plan, store, left))
    if plan.search is not None:
        checks.append(_early_stops(store, computed))
    if _readable(store):
        checks += reproduce.checks(store, computed, len(ahead), page)
    return tuple(checks)


def _readable(store: Store) -> bool:
    """Whether the page can be written again: it shows the known metrics, whose own check says what is wrong."""
    try:
        metrics_table.read(store)
    except DamagedFile:
        return False
    return True


def _plugins(plan: Plan, store: Store) -> Iterator[Check]:
    """Compare the plugins of the plan with those that are loaded, and with the source that the launch keeps."""
    if not plan.plugins:
        return
    differences, here = [], plugins.loaded()
    for own in plan.plugins:
        if here[own.name].digest != own.digest:
            differences.append(plugin_use.changed(own, here[own.name]))
            continue
        for name, text in here[own.name].files.items():
            kept = store.plugins_path / name
            if not kept.is_file() or kept.read_text(encoding="utf-8") != text:
                differences.append(f"{kept} must be the source that the launch was planned with, and is another one")
    compared = ", ".join(f"{own.name} {own.digest}" for own in plan.plugins)
    yield Check(name="plugins", compared=compared, differences=tuple(differences))


def _headers(plan: Plan, store: Store) -> tuple[dict[str, _Header], list[str]]:
    """Block name to what its trace says, and a sentence for each trace that cannot be read."""
    found: dict[str, _Header] = {}
    unreadable = []
    for block in plan.blocks():
        try:
            trace = store.trace(block)
        except ValueError as error:
            unreadable.append(str(error))
            continue
        if trace is not None:
            found[block.name] = _Header(meta=trace.meta, seeds=_seeds_of(trace))
    return found, unreadable


def _seeds_of(trace: Trace) -> frozenset[int]:
    return frozenset(trace.table.column("seed").unique().to_pylist()) if trace.table.num_rows else frozenset()


def _plan(plan: Plan, stored: Sequence[Record], headers: Mapping[str, _Header]) -> Check:
    """Check that what was declared is what ran: compare the digest of the plan with that of each block and record."""
    own = plan.digest()
    made = {name: header.meta.get("plan", "") for name, header in headers.items()}
    differences = [
        f"spec.json is the plan {own}, the trace of block {name} was made under the plan {other}"
        for name, other in made.items()
        if other not in ("", own)
    ]
    if any(made.values()):
        differences += [
            f"the trace of block {name} does not say of which plan it is" for name, of in made.items() if not of
        ]
    differences += of_other_plans(stored, own)
    if any(made.values()) or any(record.plan for record in stored):
        compared = f"digest {own} in {len(stored)} records and {len(headers)} traces"
        return Check(name="plan", compared=compared, differences=tuple(differences))
    note = "no digest of the plan is recorded: whether spec.json was changed after the first seed cannot be told"
    return Check(name="plan", compared=f"digest {own}, not recorded anywhere else", notes=(note,))


def _rule(plan: Plan, store: Store, rule: OutcomeRule) -> Check:
    """Note where the outcomes are decided by another rule than the one that was declared: that is no contradiction."""
    note = (
        f"outcomes were decided again after the run by {rule.label()}; the rule declared before the first replica is"
        f" {plan.rule.label()}: study decide {store.root} decides by it again"
    )
    again = rule != plan.rule
    declared = "another one than declared" if again else "as declared"
    return Check(name="rule", compared=f"{rule.label()}, {declared}", notes=(note,) if again else ())


def _configurations(plan: Plan, store: Store, stored: Sequence[Record], headers: Mapping[str, _Header]) -> Check:
    """Check that every stored configuration has its recorded digest, and that of its cell in the plan.

    The cells of a search are not in spec.json: they are the points of its log, set in the base.
    """
    planned = {cell.index: cell.digest for cell in plan.cells}
    raw = json.loads(store.plan_path.read_bytes())["cells"]
    held = [(f"cell {cell.index} in spec.json", own["config"], cell.digest, cell.digest)
            for cell, own in zip(plan.cells[: len(raw)], raw, strict=True)]  # fmt: skip
    held += [(_place(record), record.config, record.digest, planned.get(record.cell, "")) for record in stored]
    for block in plan.blocks():
        if block.name in headers:
            meta = headers[block.name].meta
            held.append((f"the trace of block {block.name}", meta["config"], meta["digest"], block.cell.digest))
    differences = []
    for place, config, claimed, due in held:
        found = digest_of(config)
        if not found == claimed == due:
            words = f"a configuration with digest {found}" + (f" under the digest {claimed}" * (claimed != found))
            differences.append(f"{place}: {words}, the plan's cell has {due or 'none'}")
    compared = f"{len(held)} configurations of {len(plan.cells)} cells"
    return Check(name="configurations", compared=compared, differences=tuple(differences))


def _seeds(plan: Plan, stored: Sequence[Record], headers: Mapping[str, _Header]) -> Check:
    """Check that the records are the planned replicas, each once, and that every trace holds its block's seeds."""
    planned = Counter((b.cell.index, b.first + i, seed) for b in plan.blocks() for i, seed in enumerate(b.seeds))
    found = Counter((record.cell, record.replica, record.seed) for record in stored)
    differences = [f"{_replica(*key)} is planned and has no record" for key in planned - found]
    differences += [f"{_replica(*key)} has a record too many" for key in found - planned]
    for block in plan.blocks():
        header = headers.get(block.name)
        if header is not None and not set(block.seeds) == set(header.meta["seeds"]) == header.seeds:
            seeds = ", ".join(map(str, sorted(header.seeds)))
            differences.append(f"the trace of block {block.name} holds the seeds {seeds}, planned are {block.seeds}")
    return Check(name="seeds", compared=f"{len(stored)} replicas", differences=tuple(differences))


def _traces(plan: Plan, stored: Sequence[Record], headers: Mapping[str, _Header], unreadable: Sequence[str]) -> Check:
    """Every replica that was trained to its end, or stopped before, has its trace."""
    finished = Counter(record.block for record in stored if record.status.trained)
    differences = [*unreadable]
    if not unreadable:
        differences += [f"block {name} has no trace, and {n} finished replicas in records.parquet"
                        for name, n in finished.items() if name not in headers]  # fmt: skip
    compared = f"{len(headers)} of {len(plan.blocks())} blocks have one"
    return Check(name="traces", compared=compared, differences=tuple(differences))


def _ahead(store: Store, stored: Sequence[Record], computed: Sequence[Record]) -> set[tuple[int, int]]:
    """Cell and seed of replicas that have ended since the records were written, while the launch is not done."""
    if not store.tune_path.exists():
        return set()
    waiting = {(record.cell, record.seed) for record in stored if not record.status.trained}
    ended = {(record.cell, record.seed) for record in computed if record.status.trained}
    return waiting & ended


def _records(stored: Sequence[Record], computed: Sequence[Record], ahead: set[tuple[int, int]]) -> Check:
    known = {(record.cell, record.seed): record for record in stored if (record.cell, record.seed) not in ahead}
    pairs = [(own, other) for other in computed if (own := known.get((other.cell, other.seed))) is not None]
    rules = Counter(own.rule for own, other in pairs if own.rule != other.rule)
    differences = [f"{n} records were decided by {rule}, rule.json is {computed[0].rule}" for rule, n in rules.items()]
    compared = 0
    for own, other in pairs:
        a, b = _fields(own), _fields(other)
        compared += len(b)
        differences += [
            f"{_place(own)}: records.parquet has {name} {_said(a.get(name))}, traces and plan give {_said(b.get(name))}"
            for name in a | b
            if not _equal(a.get(name), b.get(name))
        ]
    notes = (f"{len(ahead)} replicas have ended since records.parquet was written; the launch is not done",)
    return Check(
        name="records",
        compared=f"{compared} values of {len(pairs)} replicas, decided again",
        differences=tuple(differences),
        notes=notes if ahead else (),
    )


def _stopping(plan: Plan, store: Store, left: frozenset[int]) -> Check:
    """Cells got no more seeds only where the rule that was declared for it says so, or the budget was spent."""
    due = until_decided.settled(plan, redecide(plan, store, plan.rule).records)
    over = plan.budget is not None and store.spent() >= plan.budget
    differences = [f"cell {cell} got no more seeds, though a hypothesis that speaks of it is not decided"
                   for cell in sorted(left - due) if not over]  # fmt: skip
    notes = ("the budget was spent: all cells stopped there, as planned",) if over else ()
    compared = f"{len(left)} of {len(plan.cells)} cells got no more seeds"
    return Check(name="stopping", compared=compared, differences=tuple(differences), notes=notes)


def _early_stops(store: Store, computed: Sequence[Record]) -> Check:
    """Blocks of a search ended early only where its log says so, and does not say that they were to run on."""
    history = search_log.read(store.search_path)
    said = {stop.block for stop in history.stops if not stop.audited}
    stopped = {record.block for record in computed if record.status is Status.STOPPED}
    differences = [f"block {name} ended early, and search.jsonl does not say so" for name in sorted(stopped - said)]
    compared = f"{len(stopped)} blocks that ended early, {len(history.stops)} decisions in search.jsonl"
    return Check(name="search", compared=compared, differences=tuple(differences))


_APART = ("config", "plan", "rule")
"""Fields of a record that checks of their own compare: a digest says more than the text that it is of."""


def _fields(record: Record) -> dict[str, object]:
    """Dotted name to plain value; mappings entry by entry."""
    found: dict[str, object] = {}
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        if isinstance(value, Mapping):
            found |= {f"{field.name}.{key}": inner for key, inner in value.items() if field.name not in _APART}
        elif field.name not in _APART:
            found[field.name] = value.value if isinstance(value, Enum) else value
    return found


def _equal(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=_CLOSE, abs_tol=_CLOSE)
    return one == other


def _said(value: object) -> str:
    return "nothing" if value is None else str(value)


def _place(record: Record) -> str:
    return _replica(record.cell, record.replica, record.seed)


def _replica(cell: int, replica: int, seed: int) -> str:
    return f"cell {cell}, replica {replica} (seed {seed})"
