"""What of the trained networks is kept: as the plan says, or of the replicas that the report shows."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from study.outcomes.outcome import Outcome
from study.scheduling import keeping
from study.scheduling.ledger import Ledger
from study.storage import kept_weights
from study.storage.records import Record, Status
from study.storage.store import Store
from tests.study import kept_launches
from trainables import weights

C, M, N, U = Outcome.CONVERGED, Outcome.MODE_COLLAPSED, Outcome.NOT_LEARNED, Outcome.UNDECIDED


def told(keep: Any) -> tuple[bool, bool] | None:
    planned = kept_launches.plan(kept_launches.RING, keep=keep)
    own = keeping.keep_of(planned, Store(Path("runs/s/l")), planned.blocks()[0])
    return None if own is None else (own.last, own.score is not None)


def test_a_worker_is_told_what_the_plan_says() -> None:
    assert {keep: told(keep) for keep in (None, "none", "last", "best", "both")} == {
        None: (True, False),
        "none": None,
        "last": (True, False),
        "best": (False, True),
        "both": (True, True),
    }


@pytest.mark.parametrize(
    ("keep", "profile", "prunes"),
    [
        (None, "smoke", True),
        (None, "quick", True),
        (None, "search", True),
        (None, "standard", False),
        (None, "paper", False),
        ("last", "quick", False),
        ("both", "quick", False),
    ],
)
def test_only_the_default_of_small_profiles_keeps_what_is_shown(keep: Any, profile: str, prunes: bool) -> None:
    planned = replace(kept_launches.plan(kept_launches.RING, keep=keep), profile=profile)
    assert planned.keeps_shown is prunes


def test_what_is_kept_is_not_part_of_the_digest_and_survives_in_the_plan(tmp_path: Path) -> None:
    planned = kept_launches.dirac()
    assert planned.digest() == replace(planned, keep="both").digest()
    store = Store(tmp_path / "launch")
    store.write_plan(replace(planned, keep="best"))
    assert store.plan().keep == "best"
    with pytest.raises(ValueError, match="keep must be one of none, last, best, both, got all"):
        replace(planned, keep="all")  # type: ignore[arg-type]


def record(seed: int, outcome: Outcome, status: Status = Status.FINISHED) -> Record:
    return Record(
        launch="l", study="s", profile="p", cell=0, cell_name="c", levels={}, digest="d", config={}, block="b",
        replica=seed, seed=seed, status=status, outcome=outcome, outcome_step=None, ever_good=False, evidence={},
        rule="r", steps=1, planned_steps=1, seconds=0.0, mode="", device="", versions={},
    )  # fmt: skip


def test_of_a_cell_stay_the_first_seed_and_the_first_of_each_outcome() -> None:
    records = [record(seed, outcome) for seed, outcome in enumerate([U, M, C, M, N, C])]
    assert kept_weights.candidates(records) == {0, 1, 2, 4}
    assert kept_weights.candidates([record(5, U, Status.PLANNED), record(6, C)]) == {5, 6}


def test_a_block_that_has_ended_leaves_what_may_be_shown(tmp_path: Path) -> None:
    planned = kept_launches.plan(kept_launches.RING, kept_launches.LABELED, seeds=4)
    store = kept_launches.train(planned, tmp_path)
    ledger = Ledger(planned, store)
    (watcher,) = keeping.observers(ledger)
    assert len(kept_weights.replicas(store)) == 8
    watcher.block_ended(planned.blocks()[0])
    wanted = kept_weights.candidates(ledger.of_cell(0))
    assert len(wanted) < 4
    assert kept_weights.replicas(store) == (*((0, seed) for seed in sorted(wanted)), *((1, seed) for seed in range(4)))
    keeping.prune_cells(ledger, {1})
    assert kept_weights.replicas(store) == tuple((1, seed) for seed in range(4))


def test_everything_stays_where_that_is_asked_for(tmp_path: Path) -> None:
    planned = kept_launches.plan(kept_launches.RING, keep="both")
    store = kept_launches.train(planned, tmp_path)
    assert keeping.observers(Ledger(planned, store)) == ()
    assert all(weights.described(store.weight_folder(0, seed)) == ("last", "best") for seed in planned.seeds)
