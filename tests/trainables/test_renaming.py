"""Renamed fields: digests are those of the first names, and what was stored under them is read under today's."""

import dataclasses
from typing import Any, get_args

import pytest

from tests.trainables.made_autoencoders import KINDS, config
from trainables import renaming
from trainables.autoencoding import LabelUse, Unlabeled
from trainables.config import AaeConfig, digest, digest_of, to_dict
from trainables.renaming import current_names, first_names

STORED = {
    "kind": "aae",
    "labels": {"kind": "semi_supervised", "labelled": 20},
    "regulariser": {"kind": "adversarial", "objective": {"kind": "least_squares"}},
    "labels.labelled_share": 0.5,
    "labels.kind": "unlabelled",
    "regulariser.objective.kind": "minimax",
}
TODAY = {
    "kind": "aae",
    "labels": {"kind": "semi_supervised", "labeled": 20},
    "regularizer": {"kind": "adversarial", "objective": {"kind": "least_squares"}},
    "labels.labeled_share": 0.5,
    "labels.kind": "unlabeled",
    "regularizer.objective.kind": "minimax",
}


def test_stored_names_become_those_of_today_and_back() -> None:
    assert current_names(STORED) == TODAY
    assert first_names(TODAY) == STORED


@pytest.mark.parametrize("names", [STORED, TODAY])
def test_names_that_are_due_are_left_alone(names: dict[str, Any]) -> None:
    assert (current_names if names is TODAY else first_names)(names) == names


@pytest.mark.parametrize("values", [
    {"kind": "gan", "data": {"labelled": 1, "kind": "unlabelled"}, "penalty": {"regulariser": 1}},
    {"labels": 3, "regularisers": {}},
])  # fmt: skip
def test_the_same_words_elsewhere_are_no_renamed_fields(values: dict[str, Any]) -> None:
    assert current_names(values) == values == first_names(values)


@pytest.mark.parametrize("kind", KINDS)
def test_a_configuration_has_one_digest_under_all_its_names(kind: str) -> None:
    values = to_dict(config(kind))
    stored = first_names(values)
    assert stored != values
    assert digest_of(stored) == digest_of(values) == digest(config(kind))
    assert current_names(stored) == values


def test_every_renamed_field_is_one_of_today() -> None:
    own = {(field.name,) for field in dataclasses.fields(AaeConfig)}
    uses = {("labels", field.name) for use in get_args(LabelUse) for field in dataclasses.fields(use)}
    assert set(renaming._NAMES) <= own | uses
    assert not {(*path[:-1], first) for path, first in renaming._NAMES.items()} & (own | uses)
    assert list(renaming._VALUES["labels", "kind"]) == [Unlabeled().kind]
