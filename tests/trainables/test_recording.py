"""Samples of any origin, measured as those of our own trainings are."""

from math import inf, nan

import pytest
import torch

from trainables.config import Evaluation, RecordedConfig
from trainables.data import Ring
from trainables.recording import Meter, decides

CONFIG = RecordedConfig(data=Ring(), settings={}, evaluation=Evaluation(every=1, samples=64))


@pytest.fixture(scope="module")
def meter() -> Meter:
    return Meter(CONFIG, CONFIG.data.load(device=torch.device("cpu"), dtype=torch.float32), None)


@pytest.mark.parametrize(
    ("name", "says"),
    [("d_loss", True), ("loss", True), ("g_grad_norm", True), ("penalty", True), ("d_param_norm", True),
     ("fid", False), ("lossless", False), ("loss_scale", False)],
)  # fmt: skip
def test_which_numbers_say_that_a_training_has_blown_up(name: str, says: bool) -> None:
    assert decides(name) is says


@pytest.mark.parametrize(
    ("values", "finite"),
    [
        ({}, True),
        ({"d_loss": 1.0}, True),
        ({"d_loss": nan}, False),
        ({"g_grad_norm": inf}, False),
        ({"fid": nan}, True),
    ],
)
def test_a_row_is_finite_if_samples_and_deciding_numbers_are(
    meter: Meter, values: dict[str, float], finite: bool
) -> None:
    samples = torch.randn(64, 2)
    assert meter.row(3, 100, samples, values)["finite"] is finite
    assert meter.row(3, 100, samples * nan, values)["finite"] is False


def test_a_row_has_the_seed_the_step_and_the_numbers(meter: Meter) -> None:
    row = meter.row(3, 100, torch.zeros(64, 2), {"d_loss": 0.5})
    assert (row["seed"], row["step"], row["d_loss"], row["diversity"]) == (3, 100, 0.5, 0.0)
    assert meter.constants["samples"] == [64.0]
    with pytest.raises(ValueError, match="diversity must have another name: a measurement is called so"):
        meter.row(3, 100, torch.zeros(64, 2), {"diversity": 0.5})
