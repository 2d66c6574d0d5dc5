"""The outcome rule in sentences, for the page's account of methods."""

from collections.abc import Iterable, Sequence

from study import formatting
from study.outcomes.rule import OutcomeRule
from trainables.config import Config


def sentences(rule: OutcomeRule, configs: Sequence[Config], *, labeled: bool) -> Iterable[str]:
    """Say when a snapshot is good, and when a replica has converged.

    Args:
        rule: the outcome rule.
        configs: what was trained.
        labeled: whether the data have labels.
    """
    if rule.own_rule is not None:
        yield (
            f"Outcomes are decided by the rule {rule.own_rule.title}, digest {rule.own_rule.digest}, of the user's own:"
            " what it calls converged, and how it classes failures, is its own affair. Only replicas whose numbers were"
            " not finite or out of bounds count as diverged before it is asked. Processes that crashed are no"
            " observations. The thresholds below decide no outcome."
        )
    yield f"A snapshot is good if {formatting.joined(_criteria(rule, configs, labeled=labeled))}."
    if rule.applied and rule.classification_error_max is None:
        yield (
            f"After a good snapshot, one that misses a threshold by at most {rule.tolerance:g} standard errors of the"
            " measurement is good as well."
        )
    if rule.own_rule is not None:
        return
    yield (
        f"A replica converged if its last {rule.window} snapshots were all good and {_settled(rule)}; all other"
        " replicas count as failures of training and are classed by how they failed. Processes that crashed are no"
        " observations."
    )
    if rule.applied:
        yield (
            "A replica is borderline if its outcome would be another one with every quantity one standard error better,"
            " or worse, than it was measured."
        )


def _settled(rule: OutcomeRule) -> str:
    if not rule.applied:
        return f"it had changed between good and collapsed at most {rule.tolerated_alternations} times"
    hopping = (
        f", and if its last {2 * rule.window} together do not show more modes or classes than the best of them"
        f" (balance higher by more than {rule.hopping_max:g})"
    )
    return (
        f"if, from its first {rule.window} good ones in a row on, it had changed between good and other snapshots at"
        f" most {rule.tolerated_alternations} times or at least {_percent(rule.steadiness_min)} of them were good"
        f"{hopping if rule.classification_error_max is None else ''}"
    )


def _criteria(rule: OutcomeRule, configs: Sequence[Config], *, labeled: bool) -> list[str]:
    if rule.classification_error_max is not None:
        return [f"the classification error on held-out images is at most {rule.classification_error_max:g}"]
    images = all(len(config.data.shape) == 3 for config in configs)
    modes = "classes" if images else "modes"
    labeled = not images or labeled or not rule.applied
    return [
        *([_covered(rule, modes)] if labeled else []),
        *([_balanced(rule.balance_min, modes)] if labeled and rule.applied and rule.balance_min is not None else []),
        *(_of_images(rule) if images else [_near(rule)]),
        f"the samples' mean pairwise distance is at least {_percent(rule.diversity_min)} of that of the data",
        *(
            f"the column {own.column} is at {'least' if own.at_most is None else 'most'} {own.threshold:g}"
            for own in rule.own_criteria
        ),
        f"quality is above that of the untrained generator by more than {rule.baseline_margin:g}",
    ]


def _covered(rule: OutcomeRule, modes: str) -> str:
    due = f"by {_percent(rule.share_floor)} of their due share or more"
    return f"at least {_percent(rule.coverage_min)} of the {modes} are covered ({due})"


def _balanced(least: float, modes: str) -> str:
    return f"the {modes} are balanced to at least {least:g} (one over the sum of squared shares over true weights)"


def _near(rule: OutcomeRule) -> str:
    if not rule.applied:
        return (
            f"at least {_percent(rule.quality_min)} of the samples lie within {rule.radius[1:]} standard deviations of"
            " a mode"
        )
    within = (
        "an eighth of the distance between the closest modes"
        if rule.radius == "eighth"
        else f"{rule.radius[1:]} standard deviations"
    )
    return (
        f"the share of samples that lie nearer to a mode than {within} is at least {_percent(rule.quality_min)} of the"
        " way from what points without modes reach to what the data have"
    )


def _of_images(rule: OutcomeRule) -> list[str]:
    frechet = (
        "the Fréchet distance in the features of a small classifier trained on the same data (not Inception FID) is at"
        f" most {_percent(1 - rule.quality_min)} of the variance of the data's features"
    )
    optional = (
        (rule.label_accuracy_min, "a classifier reads the intended class in at least {} of the samples"),
        (
            rule.support_min,
            "the samples' nearest-neighbor coverage of the data, in features and in pixels, is at least {} of the way"
            " from that of images without structure to that of other real images",
        ),
        (
            rule.precision_min if rule.applied else None,
            "their precision in pixels, the share of them within the data's support, is at least {} of that of other"
            " real images",
        ),
        (rule.recall_min, "their recall in pixels is at least {} of that of other real images"),
        (
            rule.distinctness_min,
            "the distance to the nearest other sample in projected pixels is at least {} of that of the data",
        ),
        (rule.spacing_max, "that distance in all pixels is at most {} of that of the data"),
        (
            rule.residue_max,
            "what lies outside the data's principal components is at most {} of the same of held-out images",
        ),
        (
            rule.memorization_max,
            "the nearest real image is one of the training images, and not one held out, at most {} of the way from by"
            " chance to always",
        ),
    )
    return [frechet, *(words.format(_percent(value)) for value, words in optional if value is not None)]


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
