"""``study.measure_metrics``: what it returns and refuses, and that the report has whatever was measured."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import study
from study.metrics import extractors
from study.report import build
from study.storage.store import Store
from tests.study import kept_launches

pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return kept_launches.train(kept_launches.plan(kept_launches.RING, keep="last"), tmp_path_factory.mktemp("kept"))


@pytest.fixture(autouse=True)
def _points(kept: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extractors, "_plugins", {"points": (lambda weights: lambda samples: samples, "0123")})
    kept.metrics_path.unlink(missing_ok=True)
    build(kept)


def test_it_returns_what_it_measured_and_writes_the_report_again(kept: Store) -> None:
    assert "Known metrics" not in kept.report_path.read_text("utf-8")
    told: list[Mapping[str, Any]] = []
    study.measure_metrics(kept.root, "points", n=20)
    found = study.measure_metrics(kept.root.name, "points", n=30, cells=["cell a"], tell=told.append, out=kept.out)
    assert (list(found.seed), set(found.n), len(told)) == ([0, 1], {30}, 2)
    assert len(study.load(kept.root).metrics) == 4
    page = kept.report_path.read_text("utf-8")
    assert "points, plugin 0123, last networks, n = 20" in page
    assert "points, plugin 0123, last networks, n = 30" in page


def test_what_was_measured_before_an_interruption_stands_in_the_report(kept: Store) -> None:
    def interrupt(row: Mapping[str, Any]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        study.measure_metrics(kept.root, "points", n=20, tell=interrupt)
    assert list(study.load(kept.root).metrics.seed) == [0]
    assert "1 of 2" in kept.report_path.read_text("utf-8").partition('<section id="metrics">')[2]


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"n": 20.5}, "n must be a whole number, got 20.5"),
        ({"features": Path("points")}, "features must be a name, got "),
        ({"draw_seed": "0"}, "draw_seed must be a whole number, got '0'"),
        ({"cells": "cell a"}, "cells must be a list of numbers or names, got 'cell a'"),
        ({"cells": ["cell b"]}, "cell must be a number, 0, or a name of .*, got 'cell b': did you mean cell a"),
        ({"cells": [0], "which": "best"}, "the best weights of cell 0, seed 0 were not kept"),
        ({"which": "first"}, "which must be last or best, got 'first'"),
        ({"weights": "absent.pth"}, "weights must be a file, got absent.pth: there is none"),
    ],
)
def test_a_mistake_is_one_sentence(values: dict[str, Any], rule: str, kept: Store) -> None:
    with pytest.raises(ValueError, match=f"^{rule}"):
        study.measure_metrics(kept.root, **{"features": "points", "n": 20, **values})
    assert not kept.metrics_path.exists()
