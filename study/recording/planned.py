"""The plan of a recorded launch, and what measures its reports."""

import os
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from study.design.hypotheses import Hypothesis
from study.design.plan import Plan
from study.design.plugin_use import uses
from study.design.recording import RecordingSpec
from study.design.study import Contrast
from study.outcomes.rule import OutcomeRule
from study.recording.given import Given
from trainables import features
from trainables.config import Evaluation, RecordedConfig
from trainables.data import ImageTruth
from trainables.recording import Meter
from trainables.versions import versions

PROFILE = "recorded"
NOTE = (
    "Recorded from loops of the user's own: their code is not known here and in no digest, nothing is stacked, and"
    " replicas of one seed need not share noise, data order or initial weights between cells."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a recorder says of its launch.

    Attributes:
        rule: how outcomes are decided; absent: the rule for the kind of the data.
        samples: number of samples of a report.
    """

    study: str
    launch: str
    question: str
    hypotheses: tuple[Hypothesis, ...]
    contrasts: tuple[Contrast, ...]
    rule: OutcomeRule | None
    samples: int


def planned(wanted: Wanted, real: Given) -> Plan:
    """Return the plan of a launch that has no cells yet.

    Raises:
        ValueError: if there are fewer real points than samples are measured.
    """
    count = getattr(real.config, "count", None)
    if count is not None and count < wanted.samples:
        raise ValueError(f"data must have {wanted.samples} samples or more, as a report has (samples=), got {count}")
    now = datetime.now().astimezone()
    base = RecordedConfig(data=real.config, settings={}, evaluation=Evaluation(every=1, samples=wanted.samples))
    rule = real.rule if wanted.rule is None else wanted.rule
    return Plan(
        launch=wanted.launch,
        study=wanted.study,
        title=wanted.study,
        question=wanted.question,
        sources=(),
        hypotheses=wanted.hypotheses,
        contrasts=(),
        profile=PROFILE,
        note=NOTE,
        factors=(),
        cells=(),
        seeds=(),
        block=1,
        rule=rule,
        created=f"{now:%Y-%m-%dT%H:%M:%S%z}",
        versions=versions(),
        recording=RecordingSpec(base=base, data=real.source.digest, contrasts=wanted.contrasts),
        plugins=uses(rule) if rule.own_rule is not None else (),
        folder=os.getcwd(),
    )


@dataclass(frozen=True, slots=True)
class _Key:
    """What a meter depends on: of real samples their digest."""

    digest: str
    samples: int
    real: Given = field(compare=False)


def meter(plan: Plan, real: Given, cache: Path) -> Meter:
    """Return what measures the reports; recorders of one process on the same data share it.

    Args:
        plan: of the launch.
        real: the real samples.
        cache: folder of trained feature nets.
    """
    return _meter(_Key(real.source.digest, plan.configs()[0].evaluation.samples, real), cache)


@lru_cache(maxsize=2)
def _meter(key: _Key, cache: Path) -> Meter:
    source = key.real.source
    own = features.obtain(source.truth, source.digest, cache) if isinstance(source.truth, ImageTruth) else None
    config = RecordedConfig(data=key.real.config, settings={}, evaluation=Evaluation(every=1, samples=key.samples))
    return Meter(config, source, own)
