"""A page of a large launch stays readable: it says what it leaves out, and draws and lists no more than that."""

from typing import Any

import pytest

from study.outcomes.outcome import Outcome
from study.report import build, page
from study.report.figures import curves
from study.report.views import grid

C, M, *_ = Outcome


def built(make: Any, monkeypatch: pytest.MonkeyPatch, **limits: int) -> str:
    rooms = {"MOST": curves, "PICTURED": grid, "LISTED": page}
    for name, most in limits.items():
        monkeypatch.setattr(rooms[name], name, most)
    return build(make([[C, C, C, M], [C, M, M, M], [M, M, M, M]], images=False)).read_text(encoding="utf-8")


def test_a_small_launch_shows_everything(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    text = built(make, monkeypatch)
    assert text.count('<figure class="cell">') == 3
    for words in ("Too many to list here", "first seeds of each outcome", "Shown are the"):
        assert words not in text


def test_a_large_launch_shows_less_and_says_so(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    text = built(make, monkeypatch, MOST=3, PICTURED=2, LISTED=11)
    assert "Of a cell with more than 3 replicas the first seeds of each outcome are drawn" in text
    assert "Shown are the 2 cells with the highest and the lowest rates" in text
    assert "Too many to list here" in text
    assert text.count('<figure class="cell">') == 2
