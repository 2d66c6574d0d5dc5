"""A small study, its profiles and its plans."""

import dataclasses
from datetime import UTC, datetime
from typing import Any

from search_spaces import OBJECTIVE, Factor, Level
from study.design.hypotheses import MoreSuccess, Share
from study.design.plan import Plan
from study.design.planning import plan_study
from study.design.study import Contrast, Profile, Study
from study.outcomes.outcome import Outcome
from study.outcomes.rule import MIXTURE_RULE
from trainables.config import Evaluation, GanConfig, Latent
from trainables.data import Ring
from trainables.networks import Mlp
from trainables.optim import Adam

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
BASE = GanConfig(
    data=Ring(),
    generator=Mlp(),
    discriminator=Mlp(),
    latent=Latent(dim=2),
    g_optimizer=Adam(lr=1e-3),
    d_optimizer=Adam(lr=1e-3),
    steps=10,
    evaluation=Evaluation(every=2),
)
RATE = Factor(
    name="rate",
    levels=(
        Level(label="slow", assign={"d_optimizer.lr": 1e-4}),
        Level(label="fast", assign={"d_optimizer.lr": 1e-2}),
    ),
    source="a test",
)
FACTORS = (OBJECTIVE.pick("ls(-1,1,0)", "ns"), RATE)


def profile(**changes: Any) -> Profile:
    """Return a profile of four cells with five seeds each, in blocks of two."""
    base = Profile(base=BASE, factors=FACTORS, seeds=5, block=2, rule=MIXTURE_RULE, note="a note")
    return dataclasses.replace(base, **changes)


def study(**profiles: Profile) -> Study:
    """Return a study with two hypotheses; by default with one profile, ``quick``."""
    return Study(
        name="test-study",
        title="A title",
        question="A question?",
        sources=("a paper",),
        hypotheses=(
            MoreSuccess(name="m", claim="c", source="s", better={"rate": "slow"}, worse={"rate": "fast"}),
            Share(
                name="h",
                claim="c",
                source="s",
                where={"objective": "ns"},
                outcomes=(Outcome.CONVERGED, Outcome.OSCILLATING),
                side="below",
                threshold=0.5,
            ),
        ),
        contrasts=(Contrast(factor="rate", a="slow", b="fast"),),
        profiles=profiles or {"quick": profile()},
    )


def planned(**options: Any) -> Plan:
    """Return the plan of its profile ``quick``."""
    return plan_study(study(), "quick", now=NOW, **options)
