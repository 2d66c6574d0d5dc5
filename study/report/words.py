"""Numbers and names as a reader should meet them. No function here ever writes NaN or an infinity."""

from collections.abc import Iterable, Mapping
from math import isfinite

from study.evidence.estimates import CellSummary, Rate
from study.outcome import Outcome
from study.report.palette import ORDER

NOTHING = "\N{EN DASH}"
"""Stands where there is no number to show."""
MINUS = "\N{MINUS SIGN}"
_APART = ("crashed", "pending", "skipped", "stopped")
_BRIEF = ("quality", "coverage", "diversity", "best_quality", "alternations")
LABELS: Mapping[Outcome, str] = {outcome: outcome.value.replace("_", " ") for outcome in Outcome}


def number(value: float | None, digits: int = 2) -> str:
    """Fixed decimals with a true minus sign; four significant digits from 1,000 on and for small values."""
    if value is None or not isfinite(value):
        return NOTHING
    small = value != 0 and abs(value) < 0.5 * 10**-digits
    text = f"{value:.2g}" if small else f"{value:.{digits}f}" if abs(value) < 1_000 else f"{value:.4g}"
    return text.replace("-", MINUS)


def tick(value: float) -> str:
    """A label of a logarithmic axis: ``0``, ``0.1``, ``1000``, ``1e5``."""
    text = f"{value:.0e}".replace("e+0", "e").replace("e-0", "e-") if abs(value) >= 1e5 else f"{value:g}"
    return text.replace("-", MINUS)


def whole(value: int) -> str:
    """An integer with thin spaces between thousands."""
    return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def count(rate: Rate) -> str:
    """``3 of 5``."""
    return f"{rate.successes} of {rate.n}"


def interval(low: float, high: float) -> str:
    """``[0.23, 0.88]``."""
    return f"[{number(low)}, {number(high)}]"


def share(rate: Rate) -> str:
    """``0.60 [0.23, 0.88]``; without any observation there is no share to show."""
    return f"{number(rate.rate)} {interval(rate.low, rate.high)}" if rate.n else NOTHING


def percent(share: float) -> str:
    """``90 %``."""
    return f"{100 * share:.3g} %"


def p_value(p: float | None) -> str:
    """Three decimals; ``< 0.001`` below that."""
    if p is None or not isfinite(p):
        return NOTHING
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def duration(seconds: float) -> str:
    """``48 s``, ``3 min 20 s``, ``2 h 05 min``, ``3.5 days``."""
    if not isfinite(seconds):
        return NOTHING
    if seconds < 10:
        return f"{seconds:.1f} s"
    total = round(seconds)
    if total < 60:
        return f"{total} s"
    if total < 3_600:
        return f"{total // 60} min {total % 60:02d} s"
    if total < 48 * 3_600:
        return f"{total // 3_600} h {total % 3_600 // 60:02d} min"
    return f"{total / 86_400:.1f} days"


def counts(outcomes: Mapping[Outcome, int]) -> str:
    """``3 converged, 2 mode collapsed``, in the fixed order of outcomes; outcomes that did not occur are left out."""
    parts = [f"{outcomes[outcome]}\N{NO-BREAK SPACE}{LABELS[outcome]}" for outcome in ORDER if outcomes.get(outcome)]
    return ", ".join(parts) or NOTHING


def apart(*summaries: CellSummary) -> str:
    """Replicas of these cells without an outcome: ``1 crashed, 2 pending, 10 skipped, 5 stopped``, or nothing."""
    counted = {word: sum(getattr(s, word) for s in summaries) for word in _APART}
    return ", ".join(f"{n} {word}" for word, n in counted.items() if n)


def evidence(values: Mapping[str, float]) -> str:
    """``covered modes 3, hq share 0.41``; what could not be measured is said to be so."""
    return ", ".join(f"{name.replace('_', ' ')} {_measured(value)}" for name, value in values.items())


def brief(values: Mapping[str, float]) -> str:
    """The part of the evidence that a caption has room for."""
    return evidence({name: values[name] for name in _BRIEF if name in values})


def levels(chosen: Mapping[str, str]) -> str:
    """``bn no_bn_g, optimizer adam``."""
    return ", ".join(f"{factor} {label}" for factor, label in chosen.items())


def listed(values: Iterable[str]) -> str:
    """Distinct values in order of appearance, joined by commas."""
    return ", ".join(dict.fromkeys(value for value in values if value)) or NOTHING


def joined(values: Iterable[str], last: str = "and") -> str:
    """``a``, ``a and b``, ``a, b and c``; a dash for none."""
    *first, end = [*values] or [NOTHING]
    return f"{', '.join(first)} {last} {end}" if first else end


def number_word(count: int) -> str:
    """``one`` to ``twelve``, figures beyond."""
    names = "no one two three four five six seven eight nine ten eleven twelve".split()
    return names[count] if count < len(names) else whole(count)


def _measured(value: float) -> str:
    if not isfinite(value):
        return "not finite"
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e6 else number(value, 3)


_PICTURES = {
    "reconstruction": "Held-out images, each row above what is decoded from their codes.",
    "latent": "Codes of held-out images by class over draws of the prior (grey): the first two coordinates; codes"
    " outside lie on the border.",
    "manifold": "What codes over the prior decode to; where the decoder reads labels, a style per row and a class per"
    " column.",
}


def picture(name: str) -> str:
    """What a picture beside the samples shows."""
    return _PICTURES.get(name, name.replace("_", " ").capitalize() + ".")
