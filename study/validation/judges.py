"""The judges of a plan, tried before it is trained."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

from study.design.plan import Plan
from study.outcomes.rule import IMAGE_RULE, MIXTURE_RULE, OutcomeRule
from study.validation.competence import Competence, competence
from trainables.conditioning import Unconditional
from trainables.config import Config, Evaluation, GanConfig, Latent, RecordedConfig
from trainables.data import DataConfig, Source, is_images
from trainables.networks.mlp import Mlp
from trainables.optim import Adam


def try_judges(plan: Plan, cache: Path | None) -> Mapping[str, Competence]:
    """Try the plan's rule on real data and on generators that cheat, once for each data set and way to measure it.

    Args:
        plan: what is to be trained.
        cache: folder of trained feature nets, if they are to be kept.

    Returns:
        What was found, by the name of what was judged.

    Raises:
        ValueError: if the rule cannot judge one of them, with what to change.
    """
    judges: dict[str, Competence] = {}
    for config, given in zip(plan.located(), plan.configs(), strict=True):
        name = judged(given)
        if name not in judges:
            judges[name] = _passed(competence(config, plan.rule, cache), plan.study, name)
    return judges


def try_recorded(config: RecordedConfig, source: Source, rule: OutcomeRule, cache: Path, study: str) -> Competence:
    """Try a rule on the real data of recorded trainings, and on generators that cheat.

    Raises:
        ValueError: if the rule cannot judge them, with what to change.
    """
    return _passed(competence(untrained(config.data, config.evaluation), rule, cache, source), study, judged(config))


def _passed(found: Competence, study: str, name: str) -> Competence:
    """Raise ValueError if a judge cannot judge."""
    if not found.passes:
        raise ValueError(f"{found.sentence.removesuffix('.')} (study {study}, {name})")
    return found


def judge_of(data: DataConfig) -> Competence:
    """Try the default rule of its kind on a data set, before there is a study of it.

    Raises:
        ValueError: if the data cannot be loaded.
    """
    rule = IMAGE_RULE if is_images(data) else MIXTURE_RULE
    return competence(untrained(data, Evaluation()), rule, None)


def untrained(data: DataConfig, evaluation: Evaluation) -> GanConfig:
    """Return a GAN whose untrained generator is the baseline: a net that fits every side, and is not trained."""
    still = Adam(lr=1e-3)
    return GanConfig(
        data=data,
        generator=Mlp(output="tanh" if is_images(data) else "linear"),
        discriminator=Mlp(),
        latent=Latent(dim=16),
        g_optimizer=still,
        d_optimizer=still,
        steps=1,
        evaluation=evaluation,
    )


def judged(config: Config) -> str:
    """Return the name of what a judge has to judge; configurations of one name have one judge."""
    data = config.data
    set_here = [
        f"{field.name} {_short(getattr(data, field.name))}"
        for field in fields(data)
        if field.name != "kind" and getattr(data, field.name) != field.default
    ]
    named = f"{data.kind} ({', '.join(set_here)})" if set_here else data.kind
    labels = "" if isinstance(getattr(config, "conditioning", Unconditional()), Unconditional) else ", by label"
    return f"{named}, {config.evaluation.samples:,} samples{labels}"


def _short(value: object) -> str:
    """Return a value, of a list its length."""
    return str(len(value)) if isinstance(value, tuple) else str(value)
