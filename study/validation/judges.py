"""The judges of a plan, tried before it is trained."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

from study.design.plan import Plan
from study.outcomes.rule import IMAGE_RULE, MIXTURE_RULE
from study.validation.competence import Competence, competence
from trainables.conditioning import Unconditional
from trainables.config import Config, GanConfig, Latent
from trainables.data import DataConfig, is_images
from trainables.networks.mlp import Mlp
from trainables.optim import Adam


def try_judges(plan: Plan, cache: Path) -> Mapping[str, Competence]:
    """Try the plan's rule on real data and on generators that cheat, once for each data set and way to measure it.

    Args:
        plan: what is to be trained.
        cache: folder of trained feature nets.

    Returns:
        What was found, by the name of what was judged.

    Raises:
        ValueError: if the rule cannot judge one of them, with what to change.
    """
    judges: dict[str, Competence] = {}
    for config, given in zip(plan.located(), plan.configs(), strict=True):
        name = judged(given)
        if name not in judges:
            judges[name] = competence(config, plan.rule, cache)
            if not judges[name].passes:
                raise ValueError(f"{judges[name].sentence.removesuffix('.')} (study {plan.study}, {name})")
    return judges


def judge_of(data: DataConfig) -> Competence:
    """Try the default rule of its kind on a data set, before there is a study of it.

    Raises:
        ValueError: if the data cannot be loaded.
    """
    still, images = Adam(lr=1e-3), is_images(data)
    config = GanConfig(
        data=data,
        generator=Mlp(output="tanh" if images else "linear"),  # fits every shape, and is not trained
        discriminator=Mlp(),
        latent=Latent(dim=16),
        g_optimizer=still,
        d_optimizer=still,
        steps=1,
    )
    return competence(config, IMAGE_RULE if images else MIXTURE_RULE, None)


def judged(config: Config) -> str:
    """Return the name of what a judge has to judge; configurations of one name have one judge."""
    data = config.data
    set_here = [
        f"{field.name} {getattr(data, field.name)}"
        for field in fields(data)
        if field.name != "kind" and getattr(data, field.name) != field.default
    ]
    named = f"{data.kind} ({', '.join(set_here)})" if set_here else data.kind
    labels = "" if isinstance(getattr(config, "conditioning", Unconditional()), Unconditional) else ", by label"
    return f"{named}, {config.evaluation.samples:,} samples{labels}"
