"""What a search runs on: data, with the nets, the length of training and the outcome rule of a study's profile.

A name of data stands for a profile whose configuration makes no choice of a method: what the space leaves open is the
non-saturating GAN without penalty and clipping. Any other profile is named ``study/profile``, and taken as it is.
"""

from dataclasses import dataclass, replace

from study.outcomes.rule import OutcomeRule
from study.studies import find, names, of_plugins
from trainables.config import Config, GanConfig
from trainables.objectives import NonSaturating
from trainables.penalties import NoPenalty

GROUNDS = {
    "ring": ("wgan-clip", "quick"),
    "digits": ("lsgan-stability", "quick"),
    "low-variability": ("lsgan-stability", "standard"),
    "lsun-bedroom": ("lsgan-stability", "paper"),
}
"""Data to the study and the profile whose configuration they are searched with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Data and scale: the base configuration, how outcomes are decided, and where both come from in a sentence."""

    name: str
    base: Config
    rule: OutcomeRule
    note: str


def ground(name: str) -> Ground:
    """Return the ground of a name.

    Raises:
        ValueError: if there is none, or the profile's networks take no ``GanConfig``.
    """
    study_name, _, profile_name = name.partition("/")
    known = name in GROUNDS
    if known:
        study_name, profile_name = GROUNDS[name]
    elif not profile_name or study_name not in (*names(), *of_plugins()):
        raise ValueError(f"--on must be one of {', '.join(GROUNDS)}, or study/profile, got {name!r}")
    study = find(study_name)
    if profile_name not in study.profiles:
        raise ValueError(f"--on must name a profile of {study_name} ({', '.join(study.profiles)}), got {name!r}")
    profile = study.profiles[profile_name]
    base = _neutral(profile.base) if known else profile.base
    return Ground(
        name=name.replace("/", "-"),
        base=base,
        rule=profile.rule,
        note=f"Nets, data, length of training and outcome rule of {study_name}, profile {profile_name}.",
    )


def _neutral(config: Config) -> Config:
    if not isinstance(config, GanConfig):
        return config
    return replace(config, objective=NonSaturating(), penalty=NoPenalty(), clip=None)
