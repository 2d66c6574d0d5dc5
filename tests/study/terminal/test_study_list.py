"""The list of studies: a table where it has room, else two lines per study."""

from io import StringIO

from rich.console import Console

from study.studies import studies
from study.terminal import study_list


def listed(width: int) -> list[str]:
    out = StringIO()
    study_list.show(tuple(studies().values()), (), Console(file=out, width=width))
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_a_wide_terminal_has_a_row_per_study() -> None:
    lines = listed(200)
    assert lines[0].split() == ["study", "question", "profiles"]
    assert len(lines) == 1 + len(studies())


def test_a_narrow_terminal_has_the_question_below_the_name() -> None:
    lines = listed(80)
    assert lines[0] == "aae  smoke, quick, hour, standard"
    assert lines[1].startswith("  Which ways of tying")
    assert max(map(len, lines)) <= 80
    assert len(lines) < 3 * len(studies())
