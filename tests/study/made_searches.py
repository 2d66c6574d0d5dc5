"""Searches that never trained but could have: a made-up truth says how often a point converges, all else is real."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from search_spaces import Float, Level, Options, Range, Space
from study.design.plan import Block, Plan
from study.design.search import Point, SearchSpec, TriedPoint, WarmStart
from study.outcomes.columns import Reference
from study.outcomes.outcome import Outcome
from study.outcomes.rule import MIXTURE_RULE
from study.scheduling.adaptive import Searching
from study.scheduling.ledger import Ledger
from study.search.candidates import Candidate
from study.search.optuna_adapter.dashboard import Mirror, NoMirror
from study.search.planning import plan_search
from study.search.problem import Ground
from study.storage.records import Status
from study.storage.search_log import read
from study.storage.store import Store
from tests.study.conftest import STEPS, draw_grid, trace_of
from trainables import trace
from trainables.config import GanConfig, Latent
from trainables.data import Ring
from trainables.networks import Mlp
from trainables.optim import Adam

NOW = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)
BOTH = ("g_optimizer", "d_optimizer")
BASE = GanConfig(
    data=Ring(modes=2),
    generator=Mlp(),
    discriminator=Mlp(),
    latent=Latent(dim=2),
    g_optimizer=Adam(lr=1e-3),
    d_optimizer=Adam(lr=1e-3),
    steps=STEPS[-1],
)
SPACE = Space(
    name="tiny",
    title="A tiny space",
    axes=(
        Options(
            name="optimizer",
            levels=tuple(
                Level(label=kind, assign={f"{player}.kind": kind for player in BOTH}) for kind in ("adam", "sgd")
            ),
            default="adam",
            source="test",
        ),
        Range(
            name="lr",
            domain=Float(low=1e-5, high=1e-1, log=True),
            paths=tuple(f"{player}.lr" for player in BOTH),
            default=1e-3,
            source="test",
        ),
        Range(
            name="beta1",
            domain=Float(low=0.0, high=0.9),
            paths=tuple(f"{player}.beta1" for player in BOTH),
            default=0.5,
            when={"optimizer": ("adam",)},
            source="test",
        ),
    ),
    source="test",
)
GROUND = Ground(name="ring", base=BASE, rule=MIXTURE_RULE, note="made up")


def truth(point: Point) -> float:
    """Converges nearly always with Adam and a rate of 1e-4 to 1e-2, else hardly ever."""
    return 0.95 if point["optimizer"] == "adam" and 1e-4 <= float(point["lr"]) <= 1e-2 else 0.1


def told_of(known: Sequence[Candidate]) -> WarmStart:
    """What a sampler learns from candidates of another launch."""
    points = (
        TriedPoint(point=own.point, successes=own.successes, n=own.n, quality=own.quality, near=own.near)
        for own in known
    )
    return WarmStart(launch="another", plan="0" * 16, points=tuple(points))


def plan(blocks: int = 12, seeds: int = 6, **fields: Any) -> Plan:
    """A search of the tiny space, in blocks of two."""
    return plan_search(
        SearchSpec(space=SPACE, base=BASE, blocks=blocks, **fields), GROUND, now=NOW, seeds=seeds, block=2
    )


def begin(out: Path, planned: Plan | None = None) -> tuple[Store, Ledger]:
    """The launch's folder and ledger, nothing proposed yet."""
    planned = plan() if planned is None else planned
    store = Store(out / planned.study / planned.launch)
    store.write_plan(planned)
    return store, Ledger(planned, store)


def searching(
    ledger: Ledger,
    mirror: Mirror | None = None,
    clock: Callable[[], float] = lambda: 0.0,
    reference: Reference | None = None,
) -> Searching:
    search = ledger.plan.search
    assert search is not None
    return Searching(ledger, search, NoMirror() if mirror is None else mirror, lambda block: reference or {}, clock)


def train(store: Store, ledger: Ledger, block: Block, converges: Callable[[Point], float] = truth) -> None:
    """Stores what became of a block: the same, whoever trains it and when."""
    point = read(store.search_path).points[block.cell.index]
    ends = [_end(point, seed, converges) for seed in block.seeds]
    trace.write(trace_of(ledger.plan, block, ends, 0, {"plan": ledger.plan_digest}), store.trace_path(block))
    for seed, end in zip(block.seeds, ends, strict=True):
        draw_grid(store.sample_folder(block.cell.index, seed), end)
    ledger.end(block, Status.FINISHED)


def go(
    store: Store,
    ledger: Ledger,
    search: Searching,
    *,
    at_most: int | None = None,
    converges: Callable[[Point], float] = truth,
) -> Sequence[str]:
    """Runs a search, one block at a time, to its end or for so many blocks; returns their names."""
    names: list[str] = []
    while len(names) != at_most and (block := search.next()) is not None:
        names.append(block.name)
        train(store, ledger, block, converges)
        search.block_ended(block)
    return names


def searched(out: Path, planned: Plan | None = None, *, converges: Callable[[Point], float] = truth) -> Store:
    """A search that is over, without a report."""
    store, ledger = begin(out, planned)
    go(store, ledger, searching(ledger), converges=converges)
    ledger.write()
    return store


def _end(point: Point, seed: int, converges: Callable[[Point], float]) -> Outcome:
    rng = Random(f"{sorted(point.items())}/{seed}")
    if rng.random() < converges(point):
        return Outcome.CONVERGED
    return rng.choice([Outcome.MODE_COLLAPSED, Outcome.NOT_LEARNED, Outcome.DIVERGED])


def stop(store: Store, ledger: Ledger, block: Block) -> None:
    """Store a block that the search stopped at step 300."""
    whole = trace_of(ledger.plan, block, [Outcome.NOT_LEARNED] * len(block.seeds), 0, {"plan": ledger.plan_digest})
    meta = {**whole.meta, "steps": 300, "stopped": {"rule": "asha", "step": 200}}
    rows = [row for row in whole.rows if row["step"] <= 300]
    trace.write(trace.Trace(meta=meta, rows=rows), store.trace_path(block))
    ledger.end(block, Status.FINISHED)
