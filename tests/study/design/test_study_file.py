from pathlib import Path

import pytest

from study.design import study_file

GOOD = """
from helper import NAME
from study import MIXTURE_RULE, Profile, Study
from study.studies import find

base = find("mixture-modes").profiles["smoke"]
STUDY = Study(name=NAME, title="t", question="q", sources=(), hypotheses=(), contrasts=(), profiles={"smoke": base})
"""


def test_a_file_is_run_as_a_script_with_its_folder_on_the_path(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text('NAME = "mine"')
    (tmp_path / "mine.py").write_text(GOOD)
    assert study_file.read(tmp_path / "mine.py").name == "mine"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", r"must define STUDY, a study\.Study, and defines none"),
        ("STUDY = 'mixture-modes'", "must define STUDY, a study.Study, got str"),
        ("x = 1\nraise ValueError('steps must be > 0')", "got ValueError in line 2: steps must be > 0"),
        ("x = 1\n\nx = (", "got SyntaxError in line 3"),
        ("import nothing_of_that_name", "got ModuleNotFoundError in line 1"),
        ("import sys\nsys.exit(3)", "got SystemExit in line 2: 3"),
        ("raise RuntimeError('boom\\nagain')", "got RuntimeError in line 1: boom again"),
    ],
)
def test_what_is_wrong_in_a_file_is_one_sentence_with_its_line(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(text)
    with pytest.raises(ValueError, match=message) as error:
        study_file.read(file)
    assert str(file) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no such file"):
        study_file.read(tmp_path / "none.py")
