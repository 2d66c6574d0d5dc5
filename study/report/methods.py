"""The methods paragraphs of a launch, from its plan and its records, ready to go into a paper."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from study import formatting
from study.design.hypotheses import Hypothesis
from study.design.plan import Plan
from study.design.values import brief
from study.evidence.estimates import Comparison
from study.outcomes.outcome import Outcome
from study.report import rule_words
from study.storage.records import Record, Status
from trainables.autoencoding import Unlabeled
from trainables.conditioning import Unconditional
from trainables.config import AaeConfig, Config, GanConfig, uses_labels
from trainables.networks.norm import BatchStatistics, SamplingStatistics
from trainables.penalties import NoPenalty

if TYPE_CHECKING:
    from study.report.views.base import View

_MOST = 4
"""Largest number of values of a setting that are listed; of more, only their number is given."""
_VARIANTS = "variants by what the launch varies"
"""Placeholder for the words of the view."""
_ALWAYS = frozenset("a b c beta1 beta2 channels dim hidden lr modes norm side std weight".split())
"""Fields that are given even at their defaults."""


SAME_SEEDS = (
    "The seeds are the same in every configuration. Initial weights, data order and noise are pure functions of the"
    " seed, drawn from separate streams, so that replicas with the same seed are paired across configurations in all"
    " that these share."
)


def paragraphs(view: "View") -> list[str]:
    """Return one paragraph each on design, training, outcomes, statistics and software."""
    plan = view.launch.plan
    found = [
        view.design(),
        view.training(),
        _outcomes(view),
        _statistics(view),
        _software(plan, view.launch.replicas),
    ]
    return [" ".join(own).replace(_VARIANTS, f"variants {view.words.variants}") for own in found]


def names_of_tests(judged: Iterable[Any], compared: Iterable[Comparison]) -> tuple[str, ...]:
    """Return the names of the tests that were made, each once, in order of use."""
    return tuple(dict.fromkeys(test for own in (*judged, *compared) if (test := getattr(own, "test", ""))))


def design_of_grid(plan: Plan, records: Sequence[Record]) -> Iterable[str]:
    """Yield sentences on which configurations were trained on which seeds."""
    varied = [factor for factor in plan.factors if len(factor.levels) > 1]
    names = formatting.joined(
        [f"{factor.name} ({_levels([level.label for level in factor.levels])})" for factor in varied]
    )
    cells = len(plan.cells)
    if cells == 1:
        yield f"We trained one configuration with {_seeds(plan)}."
    elif len(varied) > 1:
        yield f"We trained {cells} configurations, the full factorial of {names}, each with {_seeds(plan)}."
    else:
        yield f"We trained {cells} configurations, the levels of {names}, each with {_seeds(plan)}."
    if cells > 1:
        yield SAME_SEEDS
    if plan.until_decided:
        skipped = sum(record.status is Status.SKIPPED for record in records)
        yield (
            f"Seeds were added in blocks of {plan.block}, in one fixed order, to the configurations that an undecided"
            f" hypothesis is about, at least {plan.least} and at most {len(plan.seeds)} each;"
            f" {formatting.whole(skipped)} of {formatting.whole(len(records))} replicas that it allowed were not"
            " run."
        )
    else:
        yield "The number of seeds was fixed before the run."
    if plan.selection is not None:
        chosen = plan.selection
        how = f"among {chosen.of_cells}, by its success there," if chosen.of_cells else "by name"
        yield (
            f"The configuration was selected in the launch {chosen.launch} {how} and is confirmed here on seeds"
            " that the selection did not use."
        )


def design_of_recorded(plan: Plan) -> Iterable[str]:
    """Yield sentences on which trainings of the user's own were recorded."""
    varied = [factor for factor in plan.factors if len(factor.levels) > 1]
    names = formatting.joined(
        [f"{factor.name} ({_levels([level.label for level in factor.levels])})" for factor in varied]
    )
    count = sum(map(len, plan.recorded))
    cells = formatting.plural(len(plan.cells), "configuration")
    yield (
        f"Trainings by loops of the user's own were recorded: {formatting.plural(count, 'replica')} of {cells}"
        f"{f', which differ in {names}' if names else ''}."
    )
    yield "The number of seeds was not declared before the run."


def _seeds(plan: Plan) -> str:
    count = len(plan.seeds)
    most = "up to " if plan.until_decided else ""
    return f"{most}{count} random {'seed' if count == 1 else 'seeds'} (replicas)"


def _levels(labels: Sequence[str]) -> str:
    return (
        formatting.joined(labels) if len(labels) <= 2 * _MOST else f"{len(labels)} levels, {labels[0]} to {labels[-1]}"
    )


def training(configs: Sequence[Config]) -> Iterable[str]:
    """Yield sentences on what was trained here, and how."""
    yield f"Data: {_choice(configs, lambda c: c.data)}."
    yield from _held([config for config in configs if isinstance(config, GanConfig | AaeConfig)])
    gans = [config for config in configs if isinstance(config, GanConfig)]
    encoders = [config for config in configs if isinstance(config, AaeConfig)]
    if gans:
        yield from of_gan(gans)
    if encoders:
        yield from _autoencoder(encoders)
    steps = "generator updates" if gans else "steps"
    length = _choice(configs, lambda c: formatting.whole(c.steps))
    yield (
        f"Training took {length} {steps} with batches of {_choice(configs, lambda c: formatting.whole(c.batch_size))}"
        f" in {_choice(configs, lambda c: c.dtype)}. Batch normalization, where there is any, uses the statistics of"
        f" the batch at hand{_when_sampling(configs)} when samples are drawn."
    )


def _held(configs: Sequence[GanConfig | AaeConfig]) -> Iterable[str]:
    found = [config.held for config in configs if config.held.groups]
    if found:
        seeds = _choice(found, lambda own: formatting.joined([f"{name} {getattr(own, name)}" for name in own.groups]))
        yield (
            f"In {len(found)} of {formatting.plural(len(configs), 'configuration')} all replicas shared initial weights"
            f" (init), data and their order, or noise, each of one seed: {seeds}."
        )


def _when_sampling(configs: Sequence[Config]) -> str:
    if all(isinstance(config.evaluation.batch_norm, BatchStatistics) for config in configs):
        return ", in training and"
    return f" in training, and {_choice(configs, lambda c: _normalizing(c.evaluation.batch_norm))}"


def _normalizing(used: SamplingStatistics) -> str:
    if isinstance(used, BatchStatistics):
        return "those of the batch of samples"
    return f"running statistics (momentum {used.momentum:g})"


def of_gan(gans: Sequence[GanConfig]) -> Iterable[str]:
    """Yield sentences on the networks, the game and the optimizers of GANs."""
    noise, dim = _choice(gans, lambda c: c.latent.distribution), _choice(gans, lambda c: c.latent.dim)
    yield f"Generator: {_choice(gans, lambda c: c.generator)}, from {noise} noise in {dim} dimensions."
    yield f"Discriminator: {_choice(gans, lambda c: c.discriminator)}."
    yield f"Objective: {_choice(gans, lambda c: c.objective)}."
    if any(not isinstance(config.penalty, NoPenalty) for config in gans):
        yield f"Gradient penalty: {_choice(gans, lambda c: c.penalty)}."
    if any(config.clip is not None for config in gans):
        yield f"The discriminator's weights were clipped at {_choice(gans, lambda c: c.clip)}."
    if any(not isinstance(config.conditioning, Unconditional) for config in gans):
        yield f"Conditioning: {_choice(gans, lambda c: c.conditioning)}."
    if any(config.packing > 1 for config in gans):
        yield f"Packing: {_choice(gans, lambda c: c.packing)} samples."
    if any(config.instance_noise for config in gans):
        yield f"Instance noise of standard deviation {_choice(gans, lambda c: c.instance_noise)}."
    g, d = (_choice(gans, get) for get in (lambda c: c.g_optimizer, lambda c: c.d_optimizer))
    yield (
        f"Optimizer of both networks: {g}."
        if g == d
        else f"Optimizers: {g} for the generator, {d} for the discriminator."
    )
    rounds = _choice(gans, lambda c: c.updates.d_steps)
    order = _choice(gans, lambda c: c.updates.order.replace("_", " "))
    yield f"Discriminator updates per generator update: {rounds} ({order})."
    if any(config.population is not None for config in gans):
        yield (
            f"Population-based training: {_choice(gans, lambda c: c.population)}. Such a replica is a population of"
            " networks, seen at every snapshot through the member that is the fittest then."
        )


def _autoencoder(configs: Sequence[AaeConfig]) -> Iterable[str]:
    yield (
        f"Encoder: {_choice(configs, lambda c: c.encoder)}; decoder: {_choice(configs, lambda c: c.decoder)};"
        f" discriminator of codes: {_choice(configs, lambda c: c.discriminator)}; prior:"
        f" {_choice(configs, lambda c: c.prior)}; regularizer: {_choice(configs, lambda c: c.regularizer)}."
    )
    if any(not isinstance(config.labels, Unlabeled) for config in configs):
        yield f"Labels: {_choice(configs, lambda c: c.labels)}."
    rules = [_choice(configs, get) for get in (lambda c: c.optimizer, lambda c: c.g_optimizer, lambda c: c.d_optimizer)]
    if len(set(rules)) == 1:
        yield f"Optimizer of all phases: {rules[0]}."
    else:
        yield (
            f"Optimizer of the reconstruction: {rules[0]}; of the encoder against the discriminator: {rules[1]}; of the"
            f" discriminator: {rules[2]}."
        )


def _outcomes(view: "View") -> Iterable[str]:
    plan, rule = view.launch.plan, view.launch.rule
    configs = [cell.config for cell in plan.cells] or plan.configs()
    samples = _choice(configs, lambda c: c.evaluation.samples)
    yield (
        f"{view.rhythm}, a snapshot was evaluated on {samples} generated samples. A replica's outcome"
        f" was decided from its snapshots by the automatic rule {rule.label()}, without a human judgment of samples."
    )
    yield from rule_words.sentences(rule, configs, labeled=_labeled(view, configs))
    if rule != plan.rule:
        yield f"The rule declared before the run was {plan.rule.label()}; this one was chosen after it."
    if view.trust:
        yield view.trust.sentence


def rhythm(configs: Sequence[Config]) -> str:
    """Say how often a snapshot was taken."""
    return f"On average every {_choice(configs, lambda c: c.evaluation.every)} steps"


def recorded(configs: Sequence[Config]) -> Iterable[str]:
    """Yield sentences on trainings by loops of the user's own."""
    yield f"Data: {_choice(configs, lambda c: c.data)}."
    yield (
        "The training loops are the user's own and reported their samples; networks, losses, optimizers, data order and"
        " precision are not known here, but for what the settings of a cell say."
    )


def _labeled(view: "View", configs: Sequence[Config]) -> bool:
    """Return whether the images have labels, by the traces if there are any: the images may be on another machine."""
    tasks = {features["task"] for _, trace in view.traces if (features := trace.meta.get("features"))}
    return "labels" in tasks if tasks else any(uses_labels(own) or own.data.classes > 0 for own in configs)


def _statistics(view: "View") -> Iterable[str]:
    plan, compared = view.launch.plan, view.launch.comparisons
    tests = names_of_tests(view.launch.verdicts, compared)
    yield "Success is the share of replicas that converged."
    if plan.until_decided:
        yield (
            "Hypotheses were judged after every round of seeds by betting (Waudby-Smith & Ramdas 2024); their p-values"
            " and intervals hold at any stopping time."
        )
    yield "Rates are shown with 95 % Wilson intervals; claims about one rate rest on exact limits (Clopper & Pearson)."
    if tests:
        yield f"Tests: {'; '.join(tests)}; all two-sided unless said otherwise."
    if plan.hypotheses:
        count = len(plan.hypotheses)
        yield (
            f"{formatting.number_word(count).capitalize()} {'hypothesis was' if count == 1 else 'hypotheses were'}"
            f" declared before the first seed ({_alphas(plan.hypotheses)}); p-values are adjusted by Holm's method over"
            " all."
        )
    if compared:
        places = f"{formatting.number_word(len(compared))} {'place' if len(compared) == 1 else 'places'}"
        yield (
            f"The contrasts of two levels, in {places} of the design, are a second family, adjusted by Holm's method"
            " among themselves."
        )
    yield from view.statistics()
    yield f"The plan (configurations, seeds, hypotheses, rule) has the digest {plan.digest()}."


def _alphas(hypotheses: Sequence[Hypothesis]) -> str:
    return formatting.joined(dict.fromkeys(f"alpha {own.alpha:g}" for own in hypotheses))


def _software(plan: Plan, records: Sequence[Record]) -> Iterable[str]:
    ran = [record for record in records if record.steps > 0]
    versions = dict.fromkeys(_versions(own) for own in ([r.versions for r in ran] or [plan.versions]))
    yield f"Software: {'; or '.join(versions)}."
    devices = dict.fromkeys(record.device for record in ran if record.device)
    if devices:
        seconds = formatting.duration(sum(record.seconds for record in ran))
        yield f"Device: {formatting.joined(devices)}; training time {seconds} in all."
    decided = sum(record.outcome is not Outcome.UNDECIDED for record in records)
    yield f"{formatting.whole(decided)} of {formatting.whole(len(records))} planned replicas have an outcome."


def _versions(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items()) or "unknown"


def _choice(configs: Sequence[Any], get: Callable[[Any], Any]) -> str:
    """Return the value of a setting in all configurations: one, a few joined by "or", or how many there are."""
    values = [get(config) for config in configs]
    texts = list(dict.fromkeys(map(described, values)))
    if len(texts) <= _MOST:
        return formatting.joined(texts, "or")
    kinds = dict.fromkeys(_name(value) for value in values if is_dataclass(value))
    of = f"{formatting.joined(kinds, 'or')}, " if kinds else ""
    return f"{of}{len(texts)} {_VARIANTS}"


def described(value: Any) -> str:
    """Return a setting as ``Adam (lr 0.001, beta1 0.5, beta2 0.999)``; most fields only if not at their default."""
    if not is_dataclass(value):
        return brief(value)
    shown = [
        field.name.replace("_", " ") + ("" if own is True else f" {described(own)}")
        for field in fields(value)
        if field.name not in ("kind", "root")
        and ((own := getattr(value, field.name)) != field.default or field.name in _ALWAYS)
    ]
    return f"{_name(value)} ({', '.join(shown)})" if shown else _name(value)


def _name(value: Any) -> str:
    """Return ``least squares``, ``Adam`` or ``low variability``: its label, the class of an optimizer, or its kind."""
    if hasattr(value, "lr"):
        return type(value).__name__
    return getattr(value, "label", "") or str(getattr(value, "kind", type(value).__name__)).replace("_", " ")
