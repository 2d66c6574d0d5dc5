"""What is tried before a plan is trained."""

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from study import plan
from study.outcomes.rule import MIXTURE_RULE
from study.validation.judges import judged, try_judges


def test_every_data_set_is_tried_once(tmp_path: Path) -> None:
    launch = plan("mixture-modes", "smoke")
    found = try_judges(launch, tmp_path)
    assert list(found) == list(dict.fromkeys(map(judged, launch.configs())))
    assert all(judge.passes for judge in found.values())


def test_a_rule_that_real_data_do_not_meet_is_refused_with_what_to_change(tmp_path: Path) -> None:
    launch = plan("mixture-modes", "smoke")
    strict = replace(launch, rule=replace(MIXTURE_RULE, balance_min=1.0))
    with pytest.raises(ValueError, match=r"^This rule cannot judge these data: .* balance_min 1 .*study mixture-modes"):
        try_judges(strict, tmp_path)


def test_relative_folders_are_those_of_the_plan(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for number in range(12):
        Image.new("L", (8, 8), 20 * number).save(tmp_path / "photos" / f"{number}.png")
    changes = {"data.kind": "image_folder", "data.root": "photos", "data.side": 16}
    launch = replace(plan("lsgan-stability", "smoke", set=changes), folder=str(tmp_path))
    with pytest.raises(
        ValueError, match=r"12 images are few.*\(study lsgan-stability, image_folder \(root photos, side"
    ):
        try_judges(launch, tmp_path)


def test_a_name_says_what_is_judged() -> None:
    names = {judged(config) for config in plan("acgan", "quick").configs()}
    assert all("512 samples" in name for name in names)
    assert any(name.endswith(", by label") for name in names)
    assert any(not name.endswith(", by label") for name in names)
