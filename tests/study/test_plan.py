"""Planning: a study and a profile become cells, seeds and blocks, fixed before the first seed is trained."""

import dataclasses
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from search_spaces import OBJECTIVE, Factor, Level
from study.hypotheses import MoreSuccess, Share
from study.outcome import MIXTURE_RULE, Outcome
from study.plan import plan
from study.spec import Contrast, LaunchSpec, Profile, Study
from study.store import Store
from trainables.config import GanConfig, Latent, digest
from trainables.data import Ring
from trainables.networks import Mlp
from trainables.objectives import LeastSquares, NonSaturating
from trainables.optim import Adam
from trainables.versions import versions

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
BASE = GanConfig(
    data=Ring(),
    generator=Mlp(),
    discriminator=Mlp(),
    latent=Latent(dim=2),
    g_optimizer=Adam(lr=1e-3),
    d_optimizer=Adam(lr=1e-3),
    steps=10,
)
RATE = Factor(
    name="rate",
    levels=(
        Level(label="slow", assign={"d_optimizer.lr": 1e-4}),
        Level(label="fast", assign={"d_optimizer.lr": 1e-2}),
    ),
    source="a test",
)
FACTORS = (OBJECTIVE.pick("ls(-1,1,0)", "ns"), RATE)


def profile(**changes: Any) -> Profile:
    own = Profile(base=BASE, factors=FACTORS, seeds=5, block=2, rule=MIXTURE_RULE, note="a note")
    return dataclasses.replace(own, **changes)


def study(**profiles: Profile) -> Study:
    return Study(
        name="test-study",
        title="A title",
        question="A question?",
        sources=("a paper",),
        hypotheses=(
            MoreSuccess(name="m", claim="c", source="s", better={"rate": "slow"}, worse={"rate": "fast"}),
            Share(
                name="h",
                claim="c",
                source="s",
                where={"objective": "ns"},
                outcomes=(Outcome.CONVERGED, Outcome.OSCILLATING),
                side="below",
                threshold=0.5,
            ),
        ),
        contrasts=(Contrast(factor="rate", a="slow", b="fast"),),
        profiles=profiles or {"quick": profile()},
    )


def planned(**options: Any) -> LaunchSpec:
    return plan(study(), "quick", now=NOW, **options)


# Cells


def test_cells_are_the_product_of_the_factors() -> None:
    cells = planned().cells
    assert [cell.name for cell in cells] == ["ls(-1,1,0) / slow", "ls(-1,1,0) / fast", "ns / slow", "ns / fast"]
    assert [cell.index for cell in cells] == [0, 1, 2, 3]
    assert cells[1].levels == {"objective": "ls(-1,1,0)", "rate": "fast"}
    assert cells[1].config == dataclasses.replace(
        BASE, objective=LeastSquares(a=-1.0, b=1.0, c=0.0), d_optimizer=Adam(lr=1e-2)
    )
    assert cells[2].config == dataclasses.replace(BASE, objective=NonSaturating(), d_optimizer=Adam(lr=1e-4))


def test_digests_belong_to_the_configurations_and_differ() -> None:
    cells = planned().cells
    assert [cell.digest for cell in cells] == [digest(cell.config) for cell in cells]
    assert len({cell.digest for cell in cells}) == 4


def test_without_factors_there_is_one_cell() -> None:
    (cell,) = plan(study(quick=profile(factors=())), "quick", now=NOW).cells
    assert cell.config == BASE


def test_changes_are_set_in_every_cell() -> None:
    cells = planned(changes={"steps": 77, "generator.kind": "mlp", "generator.hidden": [3]}).cells
    assert all(cell.config.steps == 77 and cell.config.generator == Mlp(hidden=(3,)) for cell in cells)
    assert [cell.config.d_optimizer.lr for cell in cells] == [1e-4, 1e-2, 1e-4, 1e-2]


@pytest.mark.parametrize(
    ("path", "factor"),
    [
        ("objective", "objective"),
        ("objective.kind", "objective"),
        ("objective.a", "objective"),
        ("d_optimizer.lr", "rate"),
        ("d_optimizer", "rate"),
    ],
)
def test_a_path_that_a_factor_varies_cannot_be_set(path: str, factor: str) -> None:
    sentence = rf"^{path} is varied by the factor {factor} and cannot be set \(study test-study, profile quick\)$"
    with pytest.raises(ValueError, match=sentence):
        planned(changes={path: 1})


def test_a_path_that_only_begins_alike_can_be_set() -> None:
    assert planned(changes={"d_optimizer.beta1": 0.9}).cells[0].config.d_optimizer == Adam(lr=1e-4, beta1=0.9)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"changes": {"stepz": 1}}, "stepz is no field: the configuration has kind, data"),
        ({"changes": {"steps": 0}}, "steps must be >= 1, got 0"),
        (
            {"changes": {"data.kind": "digits", "generator.kind": "dcgan"}},
            "channels must have 2 entries for 16x16 images",
        ),
        ({"seeds": 0}, "seeds must be >= 1, got 0"),
    ],
    ids=str,
)
def test_mistakes_name_the_study_and_the_profile(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=rf"^{sentence}.* \(study test-study, profile quick\)$"):
        planned(**options)


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^profile must be one of quick, got 'slow' "):
        plan(study(), "slow", now=NOW)


# Seeds


def test_seeds_do_not_depend_on_profile_clock_or_number() -> None:
    few = planned(seeds=3).seeds
    later = plan(study(other=profile(factors=())), "other", now=NOW.replace(year=2030), seeds=40).seeds
    assert len(few) == 3
    assert later[:3] == few
    assert len(planned().seeds) == 5


def test_seeds_count_up_from_the_studys_first_one() -> None:
    """If this fails, a stored launch can no longer be extended by further seeds."""
    assert planned(seeds=3).seeds == (0, 1, 2)
    later = plan(dataclasses.replace(study(), first_seed=1_000), "quick", now=NOW, seeds=2)
    assert later.seeds == (1_000, 1_001)


# The rest of a launch


def test_a_launch_says_what_it_is() -> None:
    spec = planned()
    assert spec.launch == "20260304-050607-quick"
    assert spec.created == "2026-03-04T05:06:07+0000"
    assert (spec.study, spec.title, spec.question, spec.profile) == ("test-study", "A title", "A question?", "quick")
    assert (spec.note, spec.rule, spec.block, spec.factors) == ("a note", MIXTURE_RULE, 2, FACTORS)
    assert (spec.hypotheses, spec.contrasts) == (study().hypotheses, study().contrasts)
    assert spec.versions == versions()


def test_blocks_hold_every_replica_of_every_cell_once() -> None:
    spec = planned()
    assert [(block.name, block.first, len(block.seeds)) for block in spec.blocks()][3:6] == [
        ("c003-b000", 0, 2),
        ("c000-b001", 2, 2),
        ("c001-b001", 2, 2),
    ]
    assert spec.blocks()[-1].seeds == spec.seeds[4:]
    for cell in spec.cells:
        own = [block for block in spec.blocks() if block.cell == cell]
        assert tuple(seed for block in own for seed in block.seeds) == spec.seeds
        assert all(spec.seeds[block.first] == block.seeds[0] for block in own)


def test_a_launch_comes_back_from_its_file(tmp_path: Path) -> None:
    spec = planned(changes={"generator.kind": "mlp", "generator.hidden": [3], "clip": 0.5})
    Store(tmp_path).write_spec(spec)
    found = Store(tmp_path).spec()
    assert found == spec
    assert [digest(cell.config) for cell in found.cells] == [cell.digest for cell in spec.cells]
