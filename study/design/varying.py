"""A grid over some paths of a study's configuration: a study made on the spot, without a file."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from search_spaces import Factor, Level
from study.design.parsing import path_and_value, value_of
from study.design.study import Contrast, Study
from study.formatting import did_you_mean, quoted

_CLOSING = {"[": "]", "{": "}", '"': '"'}


def vary(study: Study, profile: str, axes: Mapping[str, Sequence[object]]) -> Study:
    """Return a study of the product of ``axes`` over the base configuration of a profile.

    The axes replace the factors of the profile. All pairs of values of an axis are contrasted; the hypotheses of the
    study, which speak of its own factors, are left out, and with them what they would stop: seeds are fixed.

    Args:
        axes: dotted path of the configuration to its values.

    Raises:
        ValueError: if the profile does not exist, or an axis has fewer than two values, or one twice.
    """
    if profile not in study.profiles:
        near = did_you_mean(profile, study.profiles)
        known = ", ".join(study.profiles)
        raise ValueError(f"profile must be one of {known}, got {profile!r} (study {study.name}){near}")
    factors = tuple(_factor(path, values) for path, values in axes.items())
    varied = ", ".join(axes)
    base = study.profiles[profile]
    note = f"The configuration of {study.name}, profile {profile}, with {varied} varied. {base.note}"
    return replace(
        study,
        name=f"{study.name}-grid",
        title=f"{study.title}: {varied}",
        question=f"How often does the configuration of {study.name} train as {varied} is varied?",
        hypotheses=(),
        contrasts=tuple(
            Contrast(factor=factor.name, a=a.label, b=b.label)
            for factor in factors
            for a, b in combinations(factor.levels, 2)
        ),
        sweeps=(),
        profiles={profile: replace(base, factors=factors, note=note, most_seeds=None, budget=None)},
    )


def _factor(path: str, values: Sequence[object]) -> Factor:
    for one, other in combinations(values, 2):
        if one == other:
            raise ValueError(f"--vary {path} must have different values, got {quoted(one)} and {quoted(other)}")
    if len(values) < 2:
        raise ValueError(f"--vary {path} needs two values or more, got {len(values)}; --set sets a single one")
    labels = [value if isinstance(value, str) else json.dumps(value) for value in values]
    try:
        return Factor(
            name=path,
            levels=tuple(Level(label=label, assign={path: value}) for label, value in zip(labels, values, strict=True)),
            source="set on the command line",
        )
    except ValueError as error:
        raise ValueError(f"--vary {path}: {error}") from None


def axes(texts: Sequence[str], option: str) -> dict[str, list[object]]:
    """Read ``["clip=0.01,0.1", "generator.channels=[16,32],[32,64]"]`` as paths with their values.

    A value is read as JSON, or else as the text itself.

    Raises:
        ValueError: if a text has no path or no value, or a path occurs twice.
    """
    found: dict[str, list[object]] = {}
    for text in texts:
        path, values = path_and_value(text, option, "path=value,value,...")
        if path in found:
            raise ValueError(f"{option} must name a path once, got {path} twice")
        found[path] = [_value(part, text, option) for part in _split(values)]
    return found


def _value(text: str, whole: str, option: str) -> object:
    if not text:
        raise ValueError(f"{option} must have a value between two commas, got {quoted(whole)}")
    value: object = value_of(text, option)
    return value


def _split(text: str) -> list[str]:
    """Split at the commas that stand outside of brackets and quotes."""
    parts, expected = [""], ""
    for letter in text:
        if expected and letter == expected[-1]:
            expected = expected[:-1]
        elif letter in _CLOSING and expected[-1:] != '"':
            expected += _CLOSING[letter]
        if letter == "," and not expected:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]
