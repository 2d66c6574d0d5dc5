from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from study.design.plan import Selection
from study.evidence.estimates import compare
from study.evidence.judging import judge
from study.launch import Launch
from study.outcomes.outcome import Outcome
from study.outcomes.rule import IMAGE_RULE, MIXTURE_RULE, OutcomeRule
from study.report.methods import described, names_of_tests, paragraphs
from study.report.views import base, view_of
from study.storage.records import Record, Status
from study.storage.store import Store
from trainables.networks.norm import RunningStatistics
from trainables.objectives import LeastSquares
from trainables.optim import Adam
from trainables.penalties import WganGp

C, M, L, O, N, D, U = tuple(Outcome)[:7]  # noqa: E741


def text(store: Store, records: Sequence[Record] | None = None, rule: OutcomeRule | None = None) -> str:
    return " ".join(paragraphs(view_of(Launch(store, records, rule))))


def test_design_names_factors_levels_seeds_and_their_pairing(make: Any) -> None:
    found = text(make([[C, D], [C, C], [M, M], [N, N]]))
    assert "4 configurations, the full factorial of bn (full and no_bn_g) and objective (ls(0,1,1) and ns)" in found
    assert "each with 2 random seeds" in found
    assert "replicas with the same seed are paired across configurations" in found
    assert "The number of seeds was fixed before the run." in found


def test_one_configuration_is_no_factorial(make: Any) -> None:
    found = text(make([[C]]))
    assert "We trained one configuration with 1 random seed (replicas)." in found
    assert "factorial" not in found
    assert "paired" not in found


def test_training_says_nets_objectives_and_optimizers_with_their_numbers(make: Any) -> None:
    found = text(make([[C, D], [C, C]]))
    assert "Objective: least squares (a 0, b 1, c 1) or non-saturating cross-entropy." in found
    assert "Optimizer of both networks: Adam (lr 0.0002, beta1 0.5, beta2 0.999)." in found
    assert "uniform noise in 64 dimensions" in found
    assert "batches of 64 or 65" in found


def test_settings_with_many_values_are_counted_by_kind(make: Any) -> None:
    store = make([[C]])
    plan = store.plan()
    configs = [replace(plan.cells[0].config, objective=LeastSquares(c=c / 10)) for c in range(1, 7)]
    cells = tuple(replace(plan.cells[0], index=i, config=config) for i, config in enumerate(configs))
    store.write_plan(replace(plan, cells=cells))
    found = text(store, ())
    assert "Objective: least squares, 6 variants by the factors of the design." in found


def test_what_samples_are_normalised_by_is_said(make: Any) -> None:
    store = make([[C], [C]])
    assert "uses the statistics of the batch at hand, in training and when samples are drawn." in text(store)
    plan = store.plan()
    running = [
        replace(plan.cells[0].config.evaluation, batch_norm=RunningStatistics(momentum=own)) for own in (0.1, 0.05)
    ]
    configs = [replace(cell.config, evaluation=own) for cell, own in zip(plan.cells, running, strict=True)]
    for used, words in (
        (configs, "running statistics (momentum 0.1) or running statistics (momentum 0.05)"),
        ([configs[0], plan.cells[1].config], "running statistics (momentum 0.1) or those of the batch of samples"),
    ):
        cells = tuple(replace(cell, config=config) for cell, config in zip(plan.cells, used, strict=True))
        store.write_plan(replace(plan, cells=cells))
        found = text(store, ())
        assert f"uses the statistics of the batch at hand in training, and {words} when samples are drawn." in found


def test_values_are_described_by_what_is_not_their_default() -> None:
    assert described(WganGp(weight=0.1)) == "WGAN-GP (weight 0.1)"
    assert described(Adam(lr=1e-3, weight_decay=0.1)) == "Adam (lr 0.001, beta1 0.5, beta2 0.999, weight decay 0.1)"
    assert described((16, 32)) == "16-32"
    assert described(None) == "none"


def test_the_rule_is_said_with_its_thresholds(make: Any) -> None:
    found = text(make([[C]], images=False))
    assert MIXTURE_RULE.label() in found
    for part in (
        "at least 75 % of the modes are covered (by 20 % of their due share or more)",
        "the modes are balanced to at least 0.6",
        "nearer to a mode than an eighth of the distance between the closest modes is at least"
        f" {100 * MIXTURE_RULE.quality_min:g} % of the way from what points without modes reach",
        "misses a threshold by at most 2 standard errors",
        "last 3 snapshots were all good and if, from its first 3 good ones in a row on, it had changed between good and"
        " other snapshots at most 2 times or at least 90 % of them were good",
        "balance higher by more than 0.1",
    ):
        assert part in found
    assert "real images" not in found


def test_the_rule_for_images_is_said_with_its_thresholds(make: Any) -> None:
    found = text(make([[C]]))
    for part in (
        "not Inception FID) is at most 10 % of the variance",
        "nearest-neighbor coverage of the data, in features and in pixels, is at least 25 % of the way",
        "recall in pixels is at least 40 %",
        "in projected pixels is at least 75 %",
        f"in all pixels is at most {100 * IMAGE_RULE.spacing_max:.3g} %",
        "outside the data's principal components is at most 225 % of the same of held-out images",
        "at most 50 % of the way from by chance to always",
        "at least 80 % of the classes are covered",
    ):
        assert part in found
    assert "a classifier reads" not in found


def test_thresholds_that_a_rule_lacks_are_not_said(make: Any) -> None:
    store = make([[C]])
    bare = replace(store.rule(), balance_min=None, memorization_max=None, support_min=None, label_accuracy_min=0.9)
    found = text(store, rule=bare)
    assert "reads the intended class in at least 90 % of the samples" in found
    for part in ("balanced", "training images, and not one held out", "nearest-neighbor coverage"):
        assert part not in found


def test_a_rule_of_edition_1_is_said_as_it_decided(make: Any) -> None:
    old = replace(MIXTURE_RULE, edition=1, radius="r30", quality_min=0.5)
    found = text(make([[C]], images=False), rule=old)
    assert "at least 50 % of the samples lie within 30 standard deviations of a mode" in found
    assert "it had changed between good and collapsed at most 2 times;" in found
    for part in ("balanced", "standard errors", "borderline", "points without modes"):
        assert part not in found


def test_a_rule_chosen_after_the_run_is_said_to_be(make: Any) -> None:
    store = make([[C]])
    assert "chosen after it" not in text(store)
    assert "chosen after it" in text(store, rule=replace(store.rule(), window=5))


def test_recall_of_the_rule_is_said_where_it_is_known(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert text(make([[C]], images=False)).count("has a recall of at least") == 1
    monkeypatch.setattr(base, "trust", lambda rule, cells: None)
    assert "has a recall" not in text(make([[C]], images=False))


def test_statistics_name_tests_corrections_and_the_plan(make: Any) -> None:
    store = make([[C, D], [C, C]])
    found = text(store)
    assert "Tests: exact McNemar test;" in found
    assert "Two hypotheses were declared before the first seed (alpha 0.05)" in found
    assert store.plan().digest() in found
    assert "in two places of the design" in text(make([[C, D], [C, C], [C, C], [D, D]]))


def test_the_stopping_rule_is_said_with_what_it_saved(make: Any) -> None:
    store = make([[C, C, U], [D, U, U]], plan={"until_decided": True, "least": 1})
    skipped = [replace(r, status=Status.SKIPPED) if r.outcome is U else r for r in store.records()]
    found = text(store, skipped)
    assert "at least 1 and at most 3 each; 3 of 6 replicas that it allowed were not run" in found
    assert "hold at any stopping time" in found
    assert "fixed before the run" not in found


def test_a_confirmation_names_its_selection(make: Any) -> None:
    chosen = Selection(launch="before", plan="", cell="x", successes=5, n=5, of_cells=8)
    found = text(make([[C]], plan={"selection": chosen}))
    assert "selected in the launch before among 8, by its success there, and is confirmed here on seeds that" in found


def test_software_and_device_are_those_of_the_replicas(make: Any) -> None:
    assert "Software: torch 2.15.0, ray 2.60.0. Device: cpu; training time 25 s in all." in text(make([[C, D]]))
    nothing = text(make([[U, U]]))
    assert "Device" not in nothing
    assert "0 of 2 planned replicas have an outcome" in nothing


def test_tests_are_named_once_in_order_of_use(make: Any) -> None:
    store = make([[C, D], [C, C]])
    judged = judge(store.plan().hypotheses, store.records())
    assert names_of_tests(judged, compare(store.plan().contrasts, store.records())) == ("exact McNemar test",)
