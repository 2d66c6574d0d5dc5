"""The rule for names that become folders, and for text that is printed."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from search_spaces import Factor, Level
from study.design import names
from study.design.planning import plan_study
from study.design.study import Profile
from study.studies import find

BAD = (
    "",
    "../x",
    "a/b",
    "/a",
    ".",
    "..",
    ".hidden",
    "-x",
    "a b",
    "x [/y]",
    "a\x1b[31m",
    "é",
    "a\\b",
    "x" * 101,
    "a\n",
    None,
    3,
)


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_name_of_a_folder_is_refused_in_one_sentence(name: object) -> None:
    with pytest.raises(ValueError, match=r"^name of a study must be 1 to 100 letters, digits, .* got ") as refused:
        names.check("name of a study", name)
    assert len(str(refused.value)) < 350


@pytest.mark.parametrize("name", ["a", "lsgan-stability", "search-wgan-clip+mlp-size", "v1.2_x", "x" * 100])
def test_a_name_of_a_folder_is_taken(name: str) -> None:
    names.check("name of a study", name)


@pytest.mark.parametrize("name", ["../x", "a/b", ""])
def test_studies_profiles_and_plans_have_names_of_folders(name: str) -> None:
    study = find("dirac")
    with pytest.raises(ValueError, match=r"^name of a study must be"):
        replace(study, name=name)
    with pytest.raises(ValueError, match=r"^name of a profile of study dirac must be"):
        replace(study, profiles={name: study.profiles["smoke"]})
    plan = plan_study(study, "smoke", now=datetime(2026, 1, 1, tzinfo=UTC), seeds=1)
    for field in ("study", "launch", "profile"):
        with pytest.raises(ValueError, match=f"^{field} must be 1 to 200 letters"):
            replace(plan, **{field: name})


def test_text_has_no_control_characters() -> None:
    study = find("dirac")
    names.check_text("title", "β-VAE [/x] :smile:\nover two lines")
    for field in ("title", "question"):
        with pytest.raises(ValueError, match=rf"^{field} of study dirac must be a text without control characters"):
            replace(study, **{field: "a\x1b[31mb"})
    with pytest.raises(ValueError, match=r"^note of a profile must be a text"):
        replace(study.profiles["smoke"], note="\x07")


@pytest.mark.parametrize("label", ["a\x1b[31m", "two\nlines", "x" * 1_001])
def test_labels_and_factors_can_be_printed_in_a_line(label: str) -> None:
    with pytest.raises(ValueError, match=r"^label of a level must be at most 1000 printable characters in one line"):
        Level(label=label, assign={"steps": 1})
    with pytest.raises(ValueError, match=r"^name of a factor must be at most"):
        Factor(name=label, levels=(Level(label="a", assign={"steps": 1}),), source="test")


WRONG = {
    "sources": ("a text", "sources of study dirac must be a tuple of str"),
    "hypotheses": (3, "hypotheses of study dirac must be a tuple of Hypothesis, got 3"),
    "contrasts": ((1,), "contrasts of study dirac must be a tuple of Contrast"),
    "profiles": ([], r"profiles of study dirac must be a Mapping, got \[\]"),
    "first_seed": (-1, r"first_seed of study dirac must be a whole number in \[0, 2147483648\], got -1"),
}


@pytest.mark.parametrize("field", WRONG)
def test_a_study_of_something_else_is_refused(field: str) -> None:
    value, sentence = WRONG[field]
    with pytest.raises(ValueError, match=f"^{sentence}"):
        replace(find("dirac"), **{field: value})


@pytest.mark.parametrize("field", ["base", "factors", "rule"])
def test_a_profile_of_something_else_is_refused(field: str) -> None:
    profile: Profile = find("dirac").profiles["smoke"]
    with pytest.raises(ValueError, match=rf"^{field} of a profile must be a .*, got 'x'"):
        replace(profile, **{field: "x"})
