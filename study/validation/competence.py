"""Whether probes and rule can judge a data set at all, measured before any compute is spent on training.

Real samples, of which the probes' references hold none, and generators that cheat and need no training go through the
same probes and the same rule. A judge that does not call all of the real ones converged, or calls a cheat converged,
has nothing to say about a generator.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import inf, isnan
from pathlib import Path
from typing import Any

import numpy as np
import torch

from study.evidence.inference.proportions import clopper_pearson
from study.formatting import joined, plural
from study.outcomes.columns import Floats
from study.outcomes.decision import decide, undecidable
from study.outcomes.measures import Criterion, Kind, criteria, measure
from study.outcomes.outcome import Outcome
from study.outcomes.rule import OutcomeRule
from study.validation import cheats
from study.validation.bench import CPU, Bench, Sampled
from trainables.config import Config
from trainables.data.source import MixtureTruth, Source
from trainables.features import ROTATIONS, Features, held_out_count
from trainables.loop import Loop
from trainables.trace import ReplicaTrace

RESAMPLES = 5
"""Sets of real samples that must be called converged, each a trace of as many rows as a window has."""
USUAL_IMAGES = 200
"""From so many images on, sets of digits and of drawings could be judged, labelled or not; below it few could."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How near real samples come to one threshold.

    Attributes:
        field: the rule's field.
        threshold: its value.
        worst: the value of the real row that is worst.
        mean: the mean of all real rows.
        reached: whether every real row reaches it.
    """

    field: str
    threshold: float
    worst: float
    mean: float
    reached: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Competence:
    """What is known of a judge before it judges.

    Attributes:
        samples: generated samples per row.
        real: number of sets of real samples by outcome.
        nulls: the outcome of each generator that cheats.
        reaches: the criteria that apply, and how near real samples come.
        label_accuracy: held-out accuracy of the classifier of labels: share, lower 95 % limit, and the share of the
            largest class; empty without one.
        missing: why nothing could be measured; empty if it was.
        images: number of images of the data set; 0 for a density.
        rotation_accuracy: as ``label_accuracy``, of the classifier of rotations that unlabelled images have.
    """

    samples: int
    real: Mapping[str, int]
    nulls: Mapping[str, str]
    reaches: tuple[Reach, ...] = ()
    label_accuracy: tuple[float, ...] = ()
    missing: str = ""
    images: int = 0
    rotation_accuracy: tuple[float, ...] = ()

    @property
    def passes(self) -> bool:
        """Whether all real samples converge, no cheat does, and the classifier of labels beats a guess."""
        return not self.objections

    @property
    def fooled_by(self) -> tuple[str, ...]:
        """The cheats that the rule calls converged."""
        return tuple(name for name, outcome in self.nulls.items() if outcome == Outcome.CONVERGED.value)

    @property
    def blind(self) -> bool:
        """Whether the classifier of labels is not shown to be better than always guessing the largest class."""
        return bool(self.label_accuracy) and self.label_accuracy[1] <= self.label_accuracy[2]

    @property
    def objections(self) -> tuple[str, ...]:
        """Why it cannot judge, a clause for each reason; empty if it can."""
        found = [self.missing] if self.missing else self._shortcomings()
        if found and 0 < self.images < USUAL_IMAGES:
            few = f"{plural(self.images, 'image')} {'is' if self.images == 1 else 'are'}"
            found.insert(0, f"{few} few, and {USUAL_IMAGES} are usually enough")
        return tuple(found)

    def _shortcomings(self) -> list[str]:
        found = []
        if self.blind:
            share, low, largest = self.label_accuracy
            found.append(
                f"the classifier of labels is right for {share:.0%} of held-out images (95 % limit {low:.0%}), and the"
                f" largest class has {largest:.0%}, so it cannot read the labels: check that the folders are classes"
            )
        failed = sum(count for outcome, count in self.real.items() if outcome != Outcome.CONVERGED.value)
        if failed:
            found.append(self._unreachable(failed))
        if self.fooled_by:
            found.append(f"it calls {joined(self.fooled_by)} converged: choose another measure or stricter thresholds")
        return found

    @property
    def sentence(self) -> str:
        """Return what was found, as a sentence."""
        if self.objections:
            return f"This rule cannot judge these data: {'; '.join(self.objections)}."
        if not self.real:
            return "This rule compares an error on held-out images, which needs no test of its own."
        cheated = f" and none of {len(self.nulls)} generators that cheat ({joined(self.nulls)})" if self.nulls else ""
        return (
            f"With {self.samples:,} samples per row, this rule calls all {sum(self.real.values())} sets of real samples"
            f" converged{cheated}.{self._caveat}"
        )

    @property
    def _caveat(self) -> str:
        """A sentence on features that were learned from rotations in vain; empty if there is none."""
        if not self.rotation_accuracy or self.rotation_accuracy[1] > self.rotation_accuracy[2]:
            return ""
        share, low, guess = self.rotation_accuracy
        return (
            f" Its classifier of rotations is right for {share:.0%} of held-out images (95 % limit {low:.0%}), and a"
            f" guess for {guess:.0%}: its features know little of these images, and it judges by their pixels."
        )

    def _unreachable(self, failed: int) -> str:
        short = [each for each in self.reaches if not each.reached]
        which = joined([f"{each.field} {each.threshold:g} (real: {each.worst:.2f})" for each in short])
        total = sum(self.real.values())
        reason = f"short of {which}" if short else "no better than the untrained generator in quality,"
        return (
            f"{failed} of {total} sets of real samples do not converge, {reason} with evaluation.samples ="
            f" {self.samples}: {_remedy(short)}"
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain values, for a launch's files."""
        return asdict(self)


_WITHOUT_DOUBLES = "more images without doubles"
_REMEDIES = {
    "coverage_min": ("more samples", "fewer classes"),
    "balance_min": ("more samples", "fewer classes"),
    "support_min": ("more images", "another measure"),
    "precision_min": ("more images", "another measure"),
    "recall_min": ("more images", "another measure"),
    "spacing_max": ("more images",),
    "residue_max": ("more images",),
    "distinctness_min": (_WITHOUT_DOUBLES,),
    "label_accuracy_min": ("better labels", "a rule without label_accuracy_min"),
}
"""What real samples need to reach a threshold that they fall short of: one of these each."""


def _remedy(short: Sequence[Reach]) -> str:
    """Return what to take instead, each thing once: of each group one thing."""
    other = ("another measure",)
    groups = dict.fromkeys(_REMEDIES.get(each.field, ("more samples", *other)) for each in short) or {other: None}
    images = next((only for only in (_WITHOUT_DOUBLES, "more images") if (only,) in groups), "")
    found = [group for group in groups if not images or group == (images,) or "more images" not in group]
    return f"take {', and '.join(joined(group, 'or') for group in found)}"


def competence(config: Config, rule: OutcomeRule, cache: Path | None, source: Source | None = None) -> Competence:
    """Measure whether a rule can judge the samples of a configuration; deterministic, in seconds.

    Args:
        config: what is to be trained.
        rule: the rule of its outcomes.
        cache: folder of trained feature nets.
        source: the data, if they are not to be loaded.

    Raises:
        ValueError: if the data cannot be loaded.
    """
    samples = config.evaluation.samples
    if rule.classification_error_max is not None:
        return Competence(samples=samples, real={}, nulls={})
    if source is None:
        source = config.data.load(device=CPU, dtype=torch.float32)
    try:
        where = Bench(config, cache=cache, source=source)
    except ValueError as error:
        return _unjudged(samples, source, str(error))
    return _measured(where, replace(rule, memorization_max=None))


def _unjudged(samples: int, source: Source, missing: str) -> Competence:
    return Competence(samples=samples, real={}, nulls={}, missing=missing, images=_images(source))


def _images(source: Source) -> int:
    return 0 if isinstance(source.truth, MixtureTruth) else len(source.truth.images)


def _measured(where: Bench, rule: OutcomeRule) -> Competence:
    seeds = range(RESAMPLES)
    real = where.trace(_rows(where, rule.window, [("real", seed) for seed in seeds]), list(seeds))
    traces = [real.replica(seed) for seed in seeds]
    if missing := undecidable(traces[0], rule):
        lacking = measure(traces[0], rule).missing if rule.applied else ""
        neighbors = "they are too few to look for nearest neighbors among them"
        reason = neighbors if lacking.startswith("knn_") else missing
        return _unjudged(where.count, where.source, reason)
    names = cheats.names(where.source, copies=rule.distinctness_min is not None)
    made = where.trace(_rows(where, rule.window, [(name, 0) for name in names]), range(len(names))) if names else None
    outcomes = [decide(trace, rule).outcome.value for trace in traces]
    return Competence(
        samples=where.count,
        real={outcome: outcomes.count(outcome) for outcome in dict.fromkeys(outcomes)},
        nulls={name: decide(made.replica(i), rule).outcome.value for i, name in enumerate(names)} if made else {},
        reaches=tuple(_reaches(traces, rule)),
        label_accuracy=_label_accuracy(where),
        images=_images(where.source),
        rotation_accuracy=_rotation_accuracy(where),
    )


def _rows(where: Bench, window: int, makers: Sequence[tuple[str, int]]) -> Iterator[Sampled]:
    """Yield a row of the untrained generator, and then a window of rows of each maker."""
    untrained, labels = Loop(where.config, [0], where.source, [], device=CPU).draw(where.count)
    yield Sampled(
        untrained.float().expand(len(makers), *untrained.shape[1:]),
        None if labels is None else labels.expand(len(makers), -1),
    )
    for row in range(1, window + 1):
        made = [cheats.make(name, where.source, where.count, seed, row) for name, seed in makers]
        yield Sampled(
            torch.stack([each.samples for each in made]),
            None if labels is None else torch.stack([each.labels for each in made]),
        )


def _reaches(traces: Sequence[ReplicaTrace], rule: OutcomeRule) -> Iterator[Reach]:
    measured = [measure(trace, rule) for trace in traces]
    for each in criteria(measured[0], rule):
        values = np.concatenate([found.values[each.measure][found.step > 0] for found in measured])
        yield _reach(each, each.threshold(rule), values)


def _reach(criterion: Criterion, threshold: float, values: Floats) -> Reach:
    worst = float(values.max() if criterion.at_most else values.min())
    reached = worst <= threshold if criterion.at_most else worst >= threshold
    return Reach(
        field=criterion.measure if criterion.kind is Kind.OWN else criterion.field,
        threshold=threshold,
        worst=_finite(worst),
        mean=_finite(float(values.mean())),
        reached=bool(reached),
    )


def _finite(value: float) -> float:
    return 0.0 if isnan(value) or value in (inf, -inf) else round(value, 4)


def _label_accuracy(where: Bench) -> tuple[float, ...]:
    """Return share, lower limit and the share of the largest class (of channels that are read alone: of one class)."""
    truth, features = where.source.truth, where.features
    if isinstance(truth, MixtureTruth) or features is None or features.task != "labels":
        return ()
    held = held_out_count(truth)
    assert truth.labels is not None
    if truth.channel_classes:
        largest = 1 / truth.channel_classes
    else:
        largest = float(torch.bincount(truth.labels.to(torch.int64)).max() / len(truth.labels))
    return _against_guess(features, held, largest)


def _rotation_accuracy(where: Bench) -> tuple[float, ...]:
    """Return share, lower limit and the share of a guess, if the classifier tells rotations apart."""
    truth, features = where.source.truth, where.features
    if isinstance(truth, MixtureTruth) or features is None or features.task != "rotations":
        return ()
    return _against_guess(features, held_out_count(truth), 1 / ROTATIONS)


def _against_guess(features: Features, held: int, guess: float) -> tuple[float, ...]:
    low = clopper_pearson(round(features.accuracy * held), held).low
    return (round(features.accuracy, 4), round(low, 4), round(guess, 4))
