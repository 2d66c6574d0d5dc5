"""The axes of a space as Optuna's distributions; ends are included in both."""

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import Trial

from search_spaces import Float, Int, Options, Range, Value


def distribution(axis: Options | Range) -> BaseDistribution:
    """Return the distribution that Optuna draws an axis from; options are drawn by their labels."""
    if isinstance(axis, Options):
        return CategoricalDistribution([level.label for level in axis.levels])
    domain = axis.domain
    if isinstance(domain, Float):
        return FloatDistribution(domain.low, domain.high, log=domain.log)
    return IntDistribution(domain.low, domain.high, log=domain.log)


def suggested(trial: Trial, axis: Options | Range) -> Value:
    """Return the sampler's value for an axis: a label, or a number in 6 digits (so that machines agree)."""
    if isinstance(axis, Options):
        return str(trial.suggest_categorical(axis.name, [level.label for level in axis.levels]))
    domain = axis.domain
    if isinstance(domain, Int):
        return trial.suggest_int(axis.name, domain.low, domain.high, log=domain.log)
    found = trial.suggest_float(axis.name, domain.low, domain.high, log=domain.log)
    return axis.rounded(found)
