"""Commands that a launch proposes, as a user would type them."""

import json
import shlex

from study.design.plan import Plan
from study.studies import studies


class Command(str):
    """A text to be typed, which is shown as it is, on a line of its own: pages and terminals ask for ``typed``."""

    typed = True


def run_until_decided(plan: Plan, seeds: int) -> Command:
    """Return the command that trains the launch's cells with more seeds.

    It is empty for what is not trained here or was selected. A study in a file stands in it as ``STUDY``.
    """
    if plan.recording is not None or plan.selection is not None:
        return Command("")
    options = ["--profile", plan.profile, "--until-decided", "--seeds", str(seeds)]
    for path, value in plan.changes.items():
        options += ["--set", f"{path}={value if isinstance(value, str) else json.dumps(value)}"]
    return Command(shlex.join(["study", "run", plan.study if plan.study in studies() else "STUDY", *options]))
