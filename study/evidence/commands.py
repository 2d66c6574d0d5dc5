"""Commands that a launch proposes, as a user would type them."""

import json
import shlex
from math import ceil

from study.design.plan import Plan
from study.studies import studies

_MINUTES_MORE = 5
"""For starting, and for a machine that is busier than it was."""


class Command(str):
    """A text to be typed, which is shown as it is, on a line of its own: pages and terminals ask for ``typed``."""

    typed = True


def run_until_decided(plan: Plan, seeds: int, seconds: float) -> Command:
    """Return the command that trains the launch's cells with more seeds.

    It is empty for what is not trained here or was selected. A study in a file stands in it as ``STUDY``. Where the
    launch had a budget the command has one, too, that does not end it.

    Args:
        seconds: what it takes at most on one device.
    """
    if plan.recording is not None or plan.selection is not None:
        return Command("")
    options = ["--profile", plan.profile, "--until-decided", "--seeds", str(seeds)]
    if plan.budget is not None:
        options += ["--budget", f"{ceil(seconds / 60) + _MINUTES_MORE}m"]
    for path, value in plan.changes.items():
        options += ["--set", f"{path}={value if isinstance(value, str) else json.dumps(value)}"]
    return Command(shlex.join(["study", "run", plan.study if plan.study in studies() else "STUDY", *options]))
