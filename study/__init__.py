"""GAN stability lab.

Which settings of a GAN train reliably, how sure are we, and why do the others fail?

    import study

    plan = study.plan("lsgan-stability", "quick", seeds=5)
    launch = study.run(plan, out="runs")
    launch.cells                                        # success rate, interval and outcomes of every cell

Names are loaded when they are first used: ``import study`` alone loads neither torch nor Ray.
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from study.api.metrics import measure_metrics
    from study.api.planning import explain, plan, plan_confirmation, plan_search, power, reach
    from study.api.recording import judge
    from study.api.running import load, resume, run
    from study.api.statistics import (
        boschloo,
        clopper_pearson,
        confidence_sequence,
        holm,
        kaplan_meier,
        logrank,
        mcnemar,
        newcombe,
        paired_difference,
        wilson,
    )
    from study.api.variance import variance_components
    from study.design.hypotheses import MoreSuccess, SameSuccess, Share
    from study.design.plan import Plan
    from study.design.study import Contrast, Profile, Study, Sweep
    from study.evidence.judging import Judgment, Verdict
    from study.launch import Launch
    from study.outcomes.outcome import Outcome
    from study.outcomes.rule import IMAGE_RULE, MIXTURE_RULE, OutcomeRule, OwnCriterion
    from study.recording.recorder import Recorder
    from study.scheduling.observer import Observer

__all__ = [
    "IMAGE_RULE",
    "MIXTURE_RULE",
    "Contrast",
    "Judgment",
    "Launch",
    "MoreSuccess",
    "Observer",
    "Outcome",
    "OutcomeRule",
    "OwnCriterion",
    "Plan",
    "Profile",
    "Recorder",
    "SameSuccess",
    "Share",
    "Study",
    "Sweep",
    "Verdict",
    "boschloo",
    "clopper_pearson",
    "confidence_sequence",
    "explain",
    "holm",
    "judge",
    "kaplan_meier",
    "load",
    "logrank",
    "mcnemar",
    "measure_metrics",
    "newcombe",
    "paired_difference",
    "plan",
    "plan_confirmation",
    "plan_search",
    "power",
    "reach",
    "resume",
    "run",
    "variance_components",
    "wilson",
]

__version__ = version("gan-stability-lab")

_HOMES = {
    "study.api.metrics": ("measure_metrics",),
    "study.api.planning": ("explain", "plan", "plan_confirmation", "plan_search", "power", "reach"),
    "study.api.recording": ("judge",),
    "study.api.running": ("load", "resume", "run"),
    "study.api.statistics": (
        "boschloo",
        "clopper_pearson",
        "confidence_sequence",
        "holm",
        "kaplan_meier",
        "logrank",
        "mcnemar",
        "newcombe",
        "paired_difference",
        "wilson",
    ),
    "study.api.variance": ("variance_components",),
    "study.design.hypotheses": ("MoreSuccess", "SameSuccess", "Share"),
    "study.design.plan": ("Plan",),
    "study.design.study": ("Contrast", "Profile", "Study", "Sweep"),
    "study.evidence.judging": ("Judgment", "Verdict"),
    "study.launch": ("Launch",),
    "study.outcomes.outcome": ("Outcome",),
    "study.outcomes.rule": ("IMAGE_RULE", "MIXTURE_RULE", "OutcomeRule", "OwnCriterion"),
    "study.recording.recorder": ("Recorder",),
    "study.scheduling.observer": ("Observer",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'study' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
