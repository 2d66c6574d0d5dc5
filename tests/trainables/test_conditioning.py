"""Conditionings beyond the formulas (those are checked in ``test_mutants``): bad input, replicas, parsing."""

from dataclasses import replace
from math import inf, nan
from typing import Any, get_args

import pytest
import torch

from study.design.parsing import assign_config, config_from
from tests.trainables.mutants.checks_games import DIRAC, RING
from trainables.conditioning import AuxiliaryClassifier, ByLabel, Conditioning, cross_entropy
from trainables.config import to_dict

LABELED = [ByLabel(), ByLabel(embedding=2, fake_labels="uniform"), AuxiliaryClassifier(weight=0.5, embedding=3)]
labeled = pytest.mark.parametrize("conditioning", LABELED, ids=str)


@pytest.mark.parametrize("kind", get_args(Conditioning), ids=lambda kind: kind.__name__)
def test_a_kind_alone_assigns_its_defaults(kind: Any) -> None:
    assert assign_config(RING, {"conditioning.kind": kind().kind}).conditioning == kind()
    assert kind.source.strip()


@labeled
def test_configurations_survive_parsing(conditioning: Conditioning) -> None:
    config = replace(RING, conditioning=conditioning)
    assert config_from(to_dict(config)) == config


@labeled
def test_unlabeled_data_have_no_labels_to_give(conditioning: Conditioning) -> None:
    with pytest.raises(ValueError, match=r"^conditioning must be unconditional for unlabelled data, got"):
        replace(DIRAC, conditioning=conditioning)


@labeled
def test_packs_have_no_label(conditioning: Conditioning) -> None:
    with pytest.raises(ValueError, match=r"^packing must be 1 with conditioning"):
        replace(RING, conditioning=conditioning, packing=2)


@pytest.mark.parametrize("kind", [ByLabel, AuxiliaryClassifier], ids=lambda kind: kind.__name__)
def test_embeddings_have_a_width(kind: Any) -> None:
    with pytest.raises(ValueError, match=r"^embedding must be >= 1, got 0"):
        kind(embedding=0)


@pytest.mark.parametrize("weight", [-1.0, nan, inf])
def test_the_weight_is_finite_and_not_negative(weight: float) -> None:
    with pytest.raises(ValueError, match=rf"^weight must be >= 0, got {weight}"):
        AuxiliaryClassifier(weight=weight)


def test_cross_entropies_are_per_replica_and_a_mean() -> None:
    logits = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    labels = torch.tensor([[0, 3, 1], [2, 2, 0]])
    both = cross_entropy(logits, labels)
    for i in range(2):
        torch.testing.assert_close(both[i : i + 1], cross_entropy(logits[i : i + 1], labels[i : i + 1]))
    torch.testing.assert_close(cross_entropy(logits.repeat(1, 2, 1), labels.repeat(1, 2)), both)


@pytest.mark.parametrize(("logits", "labels"), [((3, 4), (3,)), ((1, 3, 4), (1, 2)), ((1, 3, 4), (3,))], ids=str)
def test_logits_and_labels_of_other_axes_are_refused(logits: tuple[int, ...], labels: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"^logits and labels must be \[R, B, K\] and \[R, B\], got"):
        cross_entropy(torch.zeros(logits), torch.zeros(labels, dtype=torch.int64))
