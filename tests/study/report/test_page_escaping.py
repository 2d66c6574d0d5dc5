"""Whatever somebody has named stands on the page, in its pictures and in its files as it was written."""

import csv
from dataclasses import replace
from typing import Any

import pytest

from study.design.hypotheses import Share
from study.outcomes.outcome import Outcome
from study.report import build
from tests.study.report.read_page import Page, section

C, D = Outcome.CONVERGED, Outcome.DIVERGED


@pytest.mark.usefixtures("undrawn")
def test_text_is_escaped_everywhere(make: Any) -> None:
    evil = '<script>alert("x")</script> & $\\frac{1$'
    claim = Share(name="evil", claim=evil, source=evil, where={}, outcomes=(C,), side="below", threshold=0.5)
    named = {"title": evil, "question": evil, "note": evil, "sources": (evil,), "hypotheses": (claim,)}
    source = build(make(plan=named))
    read = Page(source)
    assert len(list(read.all("script"))) == 1
    assert read.text.count('<script>alert("x")</script> & $\\frac{1$') >= 5


def test_names_of_cells_are_escaped_in_pictures(make: Any) -> None:
    store = make([[C, D]])
    records = tuple(_renamed(record, 'a < "b" & $\\x$') for record in store.records())
    store.write_records(records)
    read = Page(build(store))
    assert 'a < "b" & $\\x$' in read.text
    labels = [attrs.get("aria-label") or "" for attrs in read.all("svg")]
    assert any('a < "b" & $\\x$' in label for label in labels)


def _renamed(record: Any, name: str) -> Any:
    return replace(record, cell_name=name)


def test_names_that_look_like_the_text_of_a_picture_stay_as_they_are(make: Any) -> None:
    store = make([[C, D]])
    name = "font: 12px #0a005e url(x) {{ plan }} {% raw %}"
    store.write_records(tuple(_renamed(record, name) for record in store.records()))
    read = Page(build(store))
    assert name in read.text
    assert f">{name}</text>" in read.source


@pytest.mark.usefixtures("undrawn")
def test_names_of_levels_and_folders_are_escaped(make: Any) -> None:
    evil = "<b>&amp;</b>"
    store = make([[C, D]], plan={"changes": {"data.root": evil}})
    records = tuple(replace(record, levels={"bn": evil}, cell_name=evil) for record in store.records())
    store.write_records(records)
    read = Page(build(store))
    assert evil not in read.source
    assert read.text.count(evil) >= 2
    with (store.report_path.parent / "cells.csv").open(encoding="utf-8", newline="") as file:
        assert next(csv.DictReader(file))["cell_name"] == evil


def test_numbers_in_labels_keep_their_digits(make: Any) -> None:
    store = make([[C, D]])
    store.write_records(tuple(_renamed(record, "clip 0.000125") for record in store.records()))
    assert ">clip 0.000125</text>" in section(Page(build(store)).source, "outcomes")
