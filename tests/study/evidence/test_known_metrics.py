"""Medians and ranges of known metrics by cell, with what is in none of them."""

from collections.abc import Callable

import pytest

from study.evidence.known_metrics import Spread, known_metrics
from study.storage.store import Store
from tests.study import made_metrics

Make = Callable[..., Store]
SEED = 4_503_599_627_370_000
"""The first seed of the launch; the next ones follow by 7."""
pytestmark = pytest.mark.usefixtures("undrawn")


def test_medians_and_ranges_are_of_the_measured_replicas(make: Make) -> None:
    records = make().records()
    numbers = {0: 30.0, 1: 10.0, 2: 14.0, 3: 12.0}
    rows = [made_metrics.row(0, SEED + 7 * seed, fid=fid) for seed, fid in numbers.items()]
    rows += [made_metrics.row(0, SEED + 28, broken=2, n_real=100), made_metrics.row(2, SEED + 7, fid=11.0)]
    (found,) = known_metrics(rows, records)
    assert (found.features, found.which, found.n) == ("inception", "last", 10_000)
    first, second = found.cells
    assert (first.cell, first.name, first.replicas, first.planned, first.broken) == (0, records[0].cell_name, 5, 5, 1)
    assert first.spreads["fid"] == Spread(median=13.0, low=10.0, high=30.0)
    assert first.n_real == [100, 1797]
    assert (second.cell, second.replicas, second.planned) == (2, 1, 5)
    assert second.spreads["fid"] == Spread(median=11.0, low=11.0, high=11.0)
    assert "kid_std" not in first.spreads


def test_a_cell_whose_samples_are_all_broken_has_no_numbers(make: Make) -> None:
    (found,) = known_metrics([made_metrics.row(1, SEED, broken=1)], make().records())
    assert (found.cells[0].broken, found.cells[0].spreads) == (1, {})


@pytest.mark.parametrize(
    "other", [{"n": 50}, {"which": "best"}, {"weights_digest": "other"}, {"plugin_digest": "p"}, {"features": "f"}]
)
def test_what_does_not_compare_is_kept_apart(other: dict[str, object], make: Make) -> None:
    found = known_metrics([made_metrics.row(0, SEED), made_metrics.row(0, SEED + 7, **other)], make().records())
    assert [len(own.cells) for own in found] == [1, 1]


def test_rows_of_no_replica_are_left_out(make: Make) -> None:
    records = make().records()
    assert known_metrics([made_metrics.row(99, SEED), made_metrics.row(0, 99)], records) == ()
