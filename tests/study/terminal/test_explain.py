"""What `study explain` says: of every cell of every study, and in detail of cells made by hand."""

import dataclasses
import re
from dataclasses import replace
from datetime import datetime
from io import StringIO
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from study.cli import app
from study.design.description import Statement, effective, statements
from study.design.plan import Plan
from study.design.planning import plan_study
from study.studies import find, studies
from study.terminal import explain
from trainables.autoencoding import NormalPrior, SemiSupervised, Variational
from trainables.conditioning import AuxiliaryClassifier, ByLabel
from trainables.config import AaeConfig, BurnIn, Config, Evaluation, GanConfig, Latent, Updates
from trainables.data import Digits, Ring
from trainables.networks import Mlp
from trainables.networks.norm import RunningStatistics
from trainables.objectives import LeastSquares, Wasserstein
from trainables.optim import Adam, RMSprop, RMSpropTf1, Sgd
from trainables.penalties import AroundReal, WganLp

CONFIG = GanConfig(
    data=Ring(),
    generator=Mlp(),
    discriminator=Mlp(),
    latent=Latent(dim=256, distribution="normal"),
    g_optimizer=Adam(lr=1e-3),
    d_optimizer=RMSpropTf1(lr=2e-4),
    steps=3_000,
)
AAE = AaeConfig(
    data=Digits(),
    encoder=Mlp(),
    decoder=Mlp(output="tanh"),
    discriminator=Mlp(),
    prior=NormalPrior(dim=2),
    optimizer=Adam(lr=1e-3),
    d_optimizer=Adam(lr=1e-3),
    g_optimizer=Adam(lr=1e-3),
    class_optimizer=Sgd(lr=0.1),
    steps=10,
)


def said(config: Config, section: str) -> dict[str, str]:
    return {fact.name: fact.text for fact in statements(config) if fact.section == section}


def planned(name: str, profile: str = "smoke", **changes: Any) -> Plan:
    return plan_study(find(name), profile, now=datetime(2026, 1, 2), changes=changes)


def here(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["explain", *arguments], env={"COLUMNS": "100"})


# Formulas


def test_formulas_have_their_numbers() -> None:
    config = replace(CONFIG, objective=LeastSquares(a=-1, b=1, c=0), penalty=WganLp(weight=5, points=AroundReal()))
    losses = said(config, "Losses")
    assert "d = 1/2 E[(D(x) - 1)^2] + 1/2 E[(D(G(z)) + 1)^2]" in losses["objective"]
    assert "at p_g = p_d with the best D: d = 1, g = 0" in losses["objective"]
    assert "least_squares(a=-1, b=1, c=0), Mao et al. 2017" in losses["objective"]
    assert "d += 5 E[max(0, |grad D(p)| - 1)^2], one-sided" in losses["penalty"]
    assert "p = x + e 0.5 std(x) u" in losses["penalty.points"]
    assert "no labels" in losses["conditioning"]


def test_a_wasserstein_generator_has_any_loss_at_equilibrium() -> None:
    assert "d = 0, g = any" in said(replace(CONFIG, objective=Wasserstein()), "Losses")["objective"]


def test_a_class_head_is_told_on_one_line_per_player() -> None:
    config = replace(CONFIG, conditioning=AuxiliaryClassifier(weight=0.5))
    lines = said(config, "Losses")["conditioning"].splitlines()
    assert lines[0] == "d += 0.5 (CE(C(x), y) + CE(C(G(z, c)), c))"
    assert lines[1] == "g += 0.5 CE(C(G(z, c)), c)"
    assert "8 classes, used (G reads them, D names them)" in said(config, "Data")["labels"]
    assert said(replace(CONFIG, conditioning=ByLabel()), "Data")["labels"] == "8 classes, used"


def test_noise_and_packing_are_told_where_there_are_any() -> None:
    config = replace(CONFIG, instance_noise=0.25, packing=2)
    assert "N(0, 0.25^2)" in said(config, "Losses")["instance noise"]
    assert "2 samples" in said(config, "Losses")["packing"]
    assert "64 inputs of D of each kind, 128 samples" in said(config, "Batches")["size"]
    assert not {"instance noise", "packing"} & set(said(CONFIG, "Losses"))


# Updates


@pytest.mark.parametrize(
    ("updates", "orders"),
    [
        (Updates(), {"order": "d, then g"}),
        (Updates(d_steps=5), {"order": "5 x d, then g"}),
        (Updates(order="g_first", d_steps=2), {"order": "g, then 2 x d"}),
        (Updates(order="simultaneous"), {"order": "d and g, gradients at the same parameters"}),
        (
            Updates(d_steps=5, burn_in=BurnIn()),
            {
                "in steps 25 to 499, 501 to 999, ...": "5 x d, then g",
                "in steps 0 to 24, 500, 1000, ...": "100 x d, then g",
            },
        ),
        (
            Updates(burn_in=BurnIn(d_steps=3, first=2, every=None)),
            {"in steps 2 to 1000, ...": "d, then g", "in steps 0 to 1, ...": "3 x d, then g"},
        ),
    ],
    ids=lambda value: str(value)[:60],
)
def test_the_order_of_the_updates(updates: Updates, orders: dict[str, str]) -> None:
    told = said(replace(CONFIG, updates=updates), "A step")
    assert {name: text for name, text in told.items() if not name.startswith("phase")} == orders


def test_a_short_run_is_looked_at_whole() -> None:
    told = said(replace(CONFIG, steps=30, updates=Updates(burn_in=BurnIn(d_steps=3))), "A step")
    assert {"in steps 25 to 29", "in steps 0 to 24"} <= set(told)


@pytest.mark.parametrize("when", ["after", "before"])
def test_phases_say_what_they_update_and_clip(when: Any) -> None:
    told = said(replace(CONFIG, clip=0.01, clip_when=when), "A step")
    assert told["phase g"] == "updates generator, minimises g_loss"
    first, second = told["phase d"].splitlines()
    assert first == "updates discriminator, minimises d_loss"
    assert second == f"every parameter clamped to [-0.01, 0.01] {when} each of these updates"
    assert "d_loss + d_penalty" in said(replace(CONFIG, penalty=WganLp()), "A step")["phase d"]


def test_noise_and_batches() -> None:
    told = said(CONFIG, "Batches")
    assert told["z"] == "standard normal in 256 dimensions"
    assert told["z of G's update"] == "that of D's last update"
    assert "two passes" in told["real and generated"]
    other = said(replace(CONFIG, updates=Updates(reuse_latents=False, d_batches="joined")), "Batches")
    assert other["z of G's update"] == "fresh"
    assert "one pass" in other["real and generated"]


# Optimisers


def test_an_optimizer_shows_the_numbers_of_the_built_one() -> None:
    assert effective(Adam(lr=1e-3)) == "Adam: lr 0.001, betas (0.5, 0.999), eps 1e-08, weight_decay 0"
    assert effective(RMSprop(lr=1e-3)) == "RMSprop: lr 0.001, momentum 0, alpha 0.99, eps 1e-08, weight_decay 0"
    assert effective(RMSpropTf1(lr=1e-3)) == "Tf1RMSprop: lr 0.001, decay 0.9, eps 1e-10"


def test_the_accumulator_of_tensorflow_1_starts_at_one() -> None:
    assert "\ns = 1\n" in said(CONFIG, "Optimisers")["phase d"]
    assert "\nm = s = 0\n" in said(CONFIG, "Optimisers")["phase g"]


# Networks


def test_networks_have_the_published_parameter_counts() -> None:
    told = said(CONFIG, "Networks")
    assert told["generator"] == "49,666 parameters, start orthogonal(gain=1.4)"
    assert told["discriminator"].startswith("17,025 parameters")
    assert re.search(r"^4  Linear\(in_features=128, out_features=2, bias=True\)  258$", told["generator layers"], re.M)


@pytest.mark.parametrize(
    ("norm", "text"),
    [
        ("none", "none"),
        ("batch", "BatchNorm, eps 0.001, scale and offset, behind 3"),
        ("layer", "LayerNorm, eps 0.001, scale and offset, behind 3"),
        ("spectral", "weights over their largest singular value (one power iteration per update) in 1, 3, 5"),
    ],
)
def test_norms_say_where_they_stand(norm: Any, text: str) -> None:
    told = said(replace(CONFIG, discriminator=Mlp(norm=norm, norm_eps=1e-3)), "Networks")
    assert told["discriminator norm"] == text
    assert told["generator norm"] == "none"


@pytest.mark.parametrize("name", ["mixture-modes", "lsgan-stability", "difficult-architectures"])
def test_the_parameters_of_the_layers_add_up(name: str) -> None:
    """A layer that was left out would be missing."""
    told = said(find(name).profiles["smoke"].base, "Networks")
    for player in ("generator", "discriminator"):
        listed = re.findall(r"  ([\d,]+)$", told[f"{player} layers"], re.M)
        assert f"{sum(int(count.replace(',', '')) for count in listed):,} parameters" in told[player]


def test_what_samples_are_normalised_by_is_told() -> None:
    assert said(CONFIG, "Run")["statistics"] == ("batch norm always uses those of the batch at hand, when sampling too")
    running = Evaluation(batch_norm=RunningStatistics(momentum=0.05))
    assert said(replace(CONFIG, evaluation=running), "Run")["statistics"] == (
        "batch norm uses those of the batch at hand in training, running ones of momentum 0.05 when sampling"
    )


def test_a_norm_without_scale_says_so() -> None:
    told = said(replace(CONFIG, generator=Mlp(norm="batch", norm_affine=False)), "Networks")
    assert told["generator norm"] == "BatchNorm, eps 1e-05, no scale, behind 0, 3"


# Everything


def test_every_field_is_told() -> None:
    sections = ("Losses", "Data", "Settings")
    told = {name for section in sections for name in said(CONFIG, section)}
    optimizers = {"g_optimizer", "d_optimizer"}  # under the names of their phases
    assert {field.name for field in dataclasses.fields(GanConfig)} - told == optimizers


@pytest.mark.parametrize("name", sorted(studies()))
def test_every_study_is_explained(name: str) -> None:
    for config in dict.fromkeys(profile.base for profile in find(name).profiles.values()):
        found = statements(config)
        keys = [(fact.section, fact.name) for fact in found]
        assert len(set(keys)) == len(keys)
        assert all(fact.text.strip() for fact in found)


# Autoencoders


def test_an_autoencoder_s_phases_and_losses() -> None:
    assert said(AAE, "A step")["order"] == "reconstruction, then d, then g"
    assert said(AAE, "A step")["phase reconstruction"].startswith("updates encoder and decoder, minimises")
    assert said(AAE, "Losses")["reconstruction_loss"].startswith("1 E[(x - dec(enc(x)))^2]")
    assert not {"kl_loss", "class_loss", "d_cat_loss"} & set(said(AAE, "Losses"))
    assert "softplus" in said(AAE, "Losses")["regularizer.objective"]
    assert {"prior", "labels", "regularizer", "held_out"} <= set(said(AAE, "Settings"))


def test_other_autoencoders_have_other_phases() -> None:
    semi = replace(AAE, labels=SemiSupervised(labeled=50))
    assert said(semi, "A step")["order"] == "reconstruction, then d, then g, then class"
    assert said(semi, "Optimisers")["phase class"].startswith("SGD: lr 0.1")
    assert "label_discriminator" in said(semi, "Networks")
    assert {"reconstruction_loss", "d_loss", "d_cat_loss", "class_loss"} <= set(said(semi, "Losses"))
    variational = replace(AAE, regularizer=Variational(beta=0.01))
    assert said(variational, "A step")["order"] == "reconstruction"
    assert said(variational, "Losses")["kl_loss"].startswith("0.01 E[KL(q(z|x) || p(z))]")


# Cells


def test_cells_are_told_apart_by_the_factor_that_does_it() -> None:
    plan = planned("mixture-modes")
    named = {cell.index: cell.levels for cell in plan.cells}
    ns = [index for index, levels in named.items() if levels["objective"] == "ns"]
    squares = [index for index in named if index not in ns]
    assert explain.where(ns, plan.cells) == "objective ns"
    assert explain.where(squares, plan.cells) == "objective ls(0,1,1), ls(-1,1,0)"
    assert explain.where([0], plan.cells) == plan.cells[0].name
    assert explain.where([0, 5], plan.cells).splitlines() == [plan.cells[0].name, plan.cells[5].name]


def test_differences_are_what_not_all_share() -> None:
    def fact(name: str, text: str) -> Statement:
        return Statement(section="S", name=name, text=text)

    explained = {
        0: [fact("same", "x"), fact("other", "one"), fact("some", "here")],
        1: [fact("same", "x"), fact("other", "two")],
        2: [fact("same", "x"), fact("other", "one")],
    }
    assert explain.differences(explained) == {
        "S: other": {"one": [0, 2], "two": [1]},
        "S: some": {"here": [0]},
    }


def test_nothing_of_any_cell_is_left_out_of_what_is_shared_and_what_differs() -> None:
    plan = planned("mixture-modes")
    console = Console(width=200, record=True, file=StringIO())
    explain.show(plan, console)
    text = " ".join(console.export_text().split())
    for cell in plan.cells:
        for fact in statements(cell.config):
            assert all(" ".join(line.split()) in text for line in fact.text.splitlines()), fact


# The command


def test_one_cell_by_number_and_by_name() -> None:
    by_number = here("mixture-modes", "--profile", "smoke", "--cell", "2")
    assert by_number.exit_code == 0, by_number.output
    assert "cell 2: official / ns" in by_number.stdout
    assert "g = E[softplus(-D(G(z)))]" in by_number.stdout
    assert "Where the cells differ" not in by_number.stdout
    assert here("mixture-modes", "--profile", "smoke", "--cell", "official / ns").stdout == by_number.stdout


def test_all_cells_fit_a_terminal_of_100_columns() -> None:
    done = here("wgan-clip")
    assert done.exit_code == 0, done.output
    assert "Where the cells differ" in done.stdout
    assert "clip 0.01" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100


def test_changes_are_explained() -> None:
    done = here("mixture-modes", "--cell", "0", "--set", "latent.dim=7", "--set", "g_optimizer.beta1=0.25")
    assert "standard normal in 7 dimensions" in done.stdout
    assert "betas (0.25, 0.999)" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["mixture-mode"], "study must be one of"),
        (["mixture-modes", "--cell", "77"], "cell must be a number, 0 to "),
        (["mixture-modes", "--set", "latent.dim=0"], "dim must be >= 1, got 0"),
    ],
    ids=str,
)
def test_a_mistake_is_one_sentence(arguments: list[str], sentence: str) -> None:
    done = here(*arguments)
    assert done.exit_code == 2
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
