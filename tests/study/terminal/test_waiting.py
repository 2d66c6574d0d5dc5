"""Signs of life: a spinner that leaves nothing behind on a terminal, one line in a log."""

import io

from rich.console import Console

from study.terminal.waiting import Waiting

SHOW, HIDE = "\x1b[?25h", "\x1b[?25l"


def test_a_log_gets_one_line_and_nothing_else() -> None:
    text = io.StringIO()
    with Waiting(Console(file=text)) as waiting:
        waiting.on("loading ...")
        waiting.on("planning ...", logged=False)
    assert text.getvalue() == "loading ...\n"


def test_a_terminal_moves_and_has_its_cursor_back_after_an_error() -> None:
    text = io.StringIO()
    try:
        with Waiting(Console(file=text, force_terminal=True, width=60)) as waiting:
            waiting.on("loading ...")
            waiting.on("starting ...")
            raise ValueError
    except ValueError:
        pass
    shown = text.getvalue()
    assert "starting ..." in shown
    assert shown.count(HIDE) == shown.count(SHOW) == 2
    assert shown.rindex(SHOW) > shown.rindex(HIDE)
    assert shown.endswith("\x1b[1A\x1b[2K"), "the line is taken away"
