"""Numbers, durations, lists, addresses and other people's text as a reader should meet them.

No function here ever writes NaN, an infinity or a secret.
"""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from math import isfinite

from trainables.text import printable as printable

NOTHING = "\N{EN DASH}"
"""Stands where there is no number to show."""


MINUS = "\N{MINUS SIGN}"

_ADDRESS = re.compile(r"(?P<scheme>[\w+.-]+://)?(?P<rest>[^?#]*)(?P<query>[?#].*)?", flags=re.DOTALL)
_PLACE = re.compile(r"(\[[^\]]*\]|[^:/]*)(:\d*)?(?=/|$)")
_ON_DISK = ("sqlite", "file")
"""Schemes whose addresses are paths: an "@" there is part of a name."""


def number(value: float | None, digits: int = 2) -> str:
    """Format fixed decimals with a true minus sign; four significant digits from 1,000 on and for small values."""
    if value is None or not isfinite(value):
        return NOTHING
    small = value != 0 and abs(value) < 0.5 * 10**-digits
    text = f"{value:.2g}" if small else f"{value:.{digits}f}" if abs(value) < 1_000 else f"{value:.4g}"
    return text.replace("-", MINUS)


def tick(value: float) -> str:
    """Label a logarithmic axis: ``0``, ``0.1``, ``1000``, ``1e5``."""
    text = f"{value:.0e}".replace("e+0", "e").replace("e-0", "e-") if abs(value) >= 1e5 else f"{value:g}"
    return text.replace("-", MINUS)


def whole(value: int) -> str:
    """Format an integer with thin spaces between thousands."""
    return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def interval(low: float, high: float) -> str:
    """``[0.23, 0.88]``."""
    return f"[{number(low)}, {number(high)}]"


def percent(share: float) -> str:
    """``90 %``."""
    return f"{100 * share:.3g} %"


def points(difference: float) -> str:
    """Format a difference of shares in percentage points with a true minus sign: ``12.5``."""
    return f"{round(100 * difference, 6) + 0.0:.3g}".replace("-", MINUS)


def count_of(successes: int, n: int) -> str:
    """``3 of 5``."""
    return f"{successes} of {n}"


def plural(count: int, noun: str) -> str:
    """``1 seed``, ``5 seeds``: a count with its noun, whose plural ends in s."""
    return f"{whole(count)} {noun}" if count == 1 else f"{whole(count)} {noun}s"


def chance(value: float) -> str:
    """Two decimals; never 0 or 1 for what only comes close."""
    if 0 < value < 0.005:
        return "< 0.01"
    return "> 0.99" if 0.995 <= value < 1 else f"{value:.2f}"


def p_value(p: float | None) -> str:
    """Three decimals; ``< 0.001`` below that."""
    if p is None or not isfinite(p):
        return NOTHING
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def p_equals(p: float) -> str:
    """``p = 0.0432`` or ``p < 0.001``, inside a sentence."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3g}"


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


def listed(values: Iterable[str]) -> str:
    """Distinct values in order of appearance, joined by commas."""
    return ", ".join(dict.fromkeys(value for value in values if value)) or NOTHING


def joined(values: Iterable[str], last: str = "and") -> str:
    """Join values as ``a``, ``a and b``, ``a, b and c``; a dash for none."""
    *first, end = [*values] or [NOTHING]
    return f"{', '.join(first)} {last} {end}" if first else end


def number_word(count: int) -> str:
    """``one`` to ``twelve``, figures beyond."""
    names = "no one two three four five six seven eight nine ten eleven twelve".split()
    return names[count] if count < len(names) else whole(count)


def without_secrets(address: str) -> str:
    """Return an address with ``***`` for its user, its password, its query, and what is no number where a port belongs.

    Each of them may be a token, and whatever follows a port that cannot be read may be the rest of a password.
    """
    parts = _ADDRESS.fullmatch(address)
    scheme, rest, query = ("", address, None) if parts is None else parts.group("scheme", "rest", "query")
    if not scheme:  # a path, or somebody has forgotten "http://"
        shown = re.sub(r"^[^/]*@", "***@", rest)
    else:
        shown = rest if scheme.startswith(_ON_DISK) else _without_user(rest)
    return f"{scheme or ''}{shown}{f'{query[0]}***' if query else ''}"


def _without_user(rest: str) -> str:
    user, at, place = rest.rpartition("@")
    known = place if _PLACE.match(place) else f"{place.partition(':')[0]}:***"
    return f"{'***' if user else ''}{at}{known}"


_LONGEST = 200
"""Largest number of characters of a value that a sentence repeats."""


def did_you_mean(given: object, known: Iterable[str]) -> str:
    """``: did you mean dirac?``, to be put behind what is not one of the known names; empty if none is similar."""
    near = get_close_matches(str(given)[:_LONGEST], list(known), n=1)
    return f": did you mean {near[0]}?" if near else ""


def quoted(value: object) -> str:
    """Return a value as a sentence repeats it: as Python writes it, of a long one the beginning."""
    try:
        text = repr(value)
    except (RecursionError, ValueError):  # nested too deeply; an integer with thousands of digits
        return f"a {type(value).__name__} that is too large to be shown"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
