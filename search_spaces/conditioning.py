"""Axes of how labels enter a GAN."""

from collections.abc import Sequence
from math import isfinite

from search_spaces.factors import Factor, JsonValue, Level, label_of

CLASSIFIER_WEIGHTS = (0.1, 1.0, 10.0)


def label_use(embedding: int | None = None, weights: Sequence[float] = CLASSIFIER_WEIGHTS) -> Factor:
    """Return the factor ``conditioning``: how the data's labels are used.

    Levels: ``none``; ``by_label``, where both networks read the label (Mao et al. 2017); ``acgan <weight>`` for each of
    the weights, where G reads it and a second head of D names it (Odena et al. 2017: weight 1).

    Args:
        embedding: width of the linear map of the label; absent for the one-hot label itself.
        weights: of the class term, >= 0, beside an adversarial term of weight 1.

    Raises:
        ValueError: if a weight is not finite and >= 0, or one is repeated.
    """
    for weight in weights:
        if not (isfinite(weight) and weight >= 0):
            raise ValueError(f"weight must be >= 0, got {weight}")

    def level(label: str, kind: str, **fields: JsonValue) -> Level:
        return Level(label=label, assign={"conditioning": {"kind": kind, **fields}})

    return Factor(
        name="conditioning",
        levels=(
            level("none", "unconditional"),
            level("by_label", "by_label", embedding=embedding),
            *(
                level(f"acgan {label_of(weight)}", "auxiliary_classifier", weight=float(weight), embedding=embedding)
                for weight in weights
            ),
        ),
        source="Mao et al. 2017, section 3.3; Odena et al. 2017, eqs. 2 and 3 (weight 1)",
    )
