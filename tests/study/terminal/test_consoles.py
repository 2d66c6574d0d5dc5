"""Text of others on the terminal: no markup, no emoji, no control characters."""

import io

import pytest
from rich.table import Table
from rich.text import Text

from study.terminal.consoles import PlainConsole


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("x [/y]", "x [/y]"),
        ("[bold]x[/]", "[bold]x[/]"),
        ("[link=http://x]y[/link]", "[link=http://x]y[/link]"),
        (":smile:", ":smile:"),
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("\ud800", "\\ud800"),
        ("two\nlines", "two\nlines"),
    ],
)
def test_text_is_printed_as_it_is(text: str, printed: str, capsys: pytest.CaptureFixture[str]) -> None:
    console = PlainConsole()
    console.print(text)
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_row(text)
    console.print(table)
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines == [*printed.split("\n")] * 2


def test_control_characters_of_a_text_are_escaped_and_those_of_rich_are_kept() -> None:
    file = io.StringIO()
    console = PlainConsole()
    console.file, console._force_terminal = file, True
    console.print(Text.assemble(("name ", "bold"), "a\x1b]0;title\x1b\\ b\u202ec"))
    assert "\x1b]0" not in file.getvalue()
    assert "a\\x1b]0;title\\x1b\\ b\\u202ec" in file.getvalue()
