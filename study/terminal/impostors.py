"""The tables of impostors in ``study outcomes``: the label at every dose, and where it changes."""

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table
from rich.text import Text

from study.outcomes.outcome import Outcome
from study.validation.impostors import results
from study.validation.impostors.impostor import Impostor
from study.validation.impostors.panel import IMPOSTORS
from study.validation.impostors.results import At, Panel


def show(panel: Panel, console: Console) -> None:
    """Print what was measured, and a row per impostor and dose."""
    for line in header(panel):
        console.print(Text(line), soft_wrap=False)
    console.print()
    console.print(_table(panel))


def header(panel: Panel) -> list[str]:
    """Return the lines that say how many labels are right, and where impostors are called converged."""
    impostors = IMPOSTORS[panel.kind]
    wrong = results.errors(panel.trials, impostors)
    right = len(panel.trials) - len(wrong)
    passed = sorted({f"{each.impostor} at {each.dose:g}" for each in wrong if each.decided is Outcome.CONVERGED})
    seeds = sorted({trial.seed for trial in panel.trials})
    fresh = "no threshold was fixed on them" if panel.fresh else "some of them fixed thresholds, so this is no test"
    return [
        f"{panel.kind}: {len(impostors)} impostors; {right} of {len(panel.trials)} labels true",
        f"rule       {panel.rule}",
        f"seeds      {seeds[0]} to {seeds[-1]}; {fresh}",
        f"converged  though a person sees it at first glance: {', '.join(passed) or 'none'}",
        "doses      ! a person sees it at first glance, = as good as the data, else a matter of taste",
    ]


def _table(panel: Panel) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("impostor", "dose", "", "labels", "changes between"):
        table.add_column(name, justify="right" if name == "dose" else "left")
    for impostor in IMPOSTORS[panel.kind]:
        found = results.at_doses(panel.trials, impostor.name)
        turns = {high: f"{low:g} and {high:g} ({impostor.dose})" for low, high, _, _ in results.changes(found)}
        for place, at in enumerate(found):
            title = impostor.name if place == 0 else ""
            table.add_row(title, f"{at.dose:g}", mark(impostor, at.dose), labels(at), turns.get(at.dose, ""))
    return table


def mark(impostor: Impostor, dose: float) -> str:
    """Return the mark of a plain dose, of a sound one, or none."""
    return "!" if dose in impostor.plain else "=" if dose in impostor.sound else ""


def labels(at: At) -> str:
    """Return the labels and their counts, the most frequent first."""
    counts: Mapping[Outcome, int] = at.counts
    text = ", ".join(f"{outcome.value} {count}" for outcome, count in counts.items())
    return f"{text} ({at.borderline} borderline)" if at.borderline else text
