"""Philox4x32-10 (Salmon, Moraes, Dror and Shaw 2011), and uniform and normal numbers of its words.

A block of four words of 32 bits is a function of a key, the number of a draw and the number of the block within it, 64
bits each: whoever computes it, in whatever order, gets the same. So do the numbers that are made of the words: only
products, sums, quotients and roots of doubles, which IEEE 754 fixes to the bit, none of them contracted. ``philox.c``
computes them on a CPU where there is a C compiler, torch everywhere else.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from trainables import compiling
from trainables.later import torch

if TYPE_CHECKING:
    from torch import Tensor

Kind = Literal["words", "uniform", "normal"]
KINDS: tuple[Kind, ...] = ("words", "uniform", "normal")
"""In the order of ``philox.c``.

``words`` are integers of 32 bits. ``uniform`` numbers are the 24 upper bits of a word times 2^-24, in [0, 1). Two words
v, w make two ``normal`` ones, ``sqrt(-2 log((v + 1) / 2^32)) (cos, sin)(2 pi w / 2^32)`` (Box and Muller 1958), in
double precision and rounded once: at most ``sqrt(64 log 2)`` = 6.66 from 0.
"""
SOURCE = Path(__file__).with_suffix(".c")
_ROUNDS = 10
_FACTORS = (0xD2511F53, 0xCD9E8D57)
_STEPS = (0x9E3779B9, 0xBB67AE85)
_MASK = 0xFFFFFFFF
_MOST_BLOCKS = 2**20
"""Blocks that torch makes at once: each takes some 200 bytes on the way."""
_LOG = tuple(1 / odd for odd in (13, 11, 9, 7, 5, 3, 1))
_SINE = (-1 / 39916800, 1 / 362880, -1 / 5040, 1 / 120, -1 / 6, 1.0)
_COSINE = (1 / 479001600, -1 / 3628800, 1 / 40320, -1 / 720, 1 / 24, -0.5, 1.0)
"""Series from the highest power down; all are right to 1e-11."""
_HALF_ROOT, _ONE, _FRACTION = 0x3FE6A09E667F3BCD, 0x3FF0000000000000, 0x000FFFFFFFFFFFFF
"""The bits of the doubles sqrt(1/2) and 1, and those of a double's fraction."""


class Keys:
    """The keys of the rows of a draw, where they are needed.

    Args:
        keys: a number of 64 bits for each row.
        device: where numbers are drawn.
    """

    def __init__(self, keys: Sequence[int], device: torch.device) -> None:
        self._rows, self._device = len(keys), device
        halves = [(key & _MASK, key >> 32) for key in keys]
        self._compiled = load() if device.type == "cpu" else None
        if self._compiled is not None:
            self._plain = (ctypes.c_uint32 * (2 * len(keys)))(*(half for pair in halves for half in pair))
            return
        rounds = torch.arange(_ROUNDS)[:, None, None] * torch.tensor(_STEPS)[:, None]
        schedule = (torch.tensor(halves, dtype=torch.int64).reshape(-1, 2).T + rounds) & _MASK
        self._schedule = schedule[:, :, None, :, None].to(device)
        self._factors = torch.tensor(_FACTORS).view(2, 1, 1, 1).to(device)

    @property
    def compiled(self) -> bool:
        """Whether a draw is one call; in torch it is some two hundred, as many for several draws as for one."""
        return self._compiled is not None

    def draw(self, kind: Kind, number: int, count: int, *, draws: int = 1, first: int = 0) -> Tensor:
        """Return draws ``number, number + 1, ...`` of every row, ``[draws, rows, count]``: float32, of words int64.

        A longer draw begins with the numbers of a shorter one.

        Args:
            kind: of number.
            number: of the first draw, of at most 64 bits.
            count: numbers per row.
            draws: how many draws.
            first: the number of the block to begin with, of at most 64 bits.
        """
        rows = self._rows
        if self._compiled is None:
            return self._by_torch(kind, number, count, draws, first)
        dtype = torch.uint32 if kind == "words" else torch.float32
        out = torch.empty(draws, rows, count, dtype=dtype)
        for place in range(draws):
            own = number + place
            self._compiled(KINDS.index(kind), rows, self._plain, own, first, count, out[place].data_ptr())
        return out.to(torch.int64) if kind == "words" else out

    def _by_torch(self, kind: Kind, number: int, count: int, draws: int, first: int) -> Tensor:
        rows, blocks = self._rows, -(-count // 4)
        dtype = torch.int64 if kind == "words" else torch.float32
        out = torch.empty(draws, rows, 4 * blocks, dtype=dtype, device=self._device)
        numbers = torch.arange(draws, device=self._device)[:, None, None] + _signed(number)
        size = max(1, _MOST_BLOCKS // max(1, draws * rows))
        for start in range(0, blocks, size):
            places = torch.arange(start, min(start + size, blocks), device=self._device) + _signed(first)
            made = _NUMBERS[kind](self._words(numbers, places))
            out[:, :, 4 * start : 4 * (start + size)] = made.permute(1, 2, 3, 0).flatten(2)
        return out[:, :, :count].contiguous()

    def _words(self, numbers: Tensor, blocks: Tensor) -> Tensor:
        """Return ``[4, draws, rows, blocks]``; products wrap, of which the lower 64 bits are right."""
        counter = torch.stack(torch.broadcast_tensors(blocks, numbers))
        even, odd = counter & _MASK, (counter >> 32).bitwise_and_(_MASK)
        for keys in self._schedule:
            product = even * self._factors
            even = (product >> 32).bitwise_and_(_MASK).flip(0) ^ (odd ^ keys)
            odd = product.bitwise_and_(_MASK).flip(0)
        return torch.stack((even[0], odd[0], even[1], odd[1]))


def _uniform(words: Tensor) -> Tensor:
    return (words >> 8).to(torch.float32) * 2.0**-24


def _normal(words: Tensor) -> Tensor:
    """Return ``[4, ...]`` of words ``[4, ...]``."""
    radius, (cosine, sine) = _radius(words[0::2]), _circle(words[1::2])
    return torch.stack((radius * cosine, radius * sine), 1).flatten(0, 1).to(torch.float32)


def _radius(words: Tensor) -> Tensor:
    """Return ``sqrt(-2 log u)`` for ``u = (word + 1) / 2^32 = m 2^k``, with m in [sqrt(1/2), sqrt(2)).

    ``log m = 2 artanh((m - 1) / (m + 1))``.
    """
    bits = (words + 1).to(torch.float64).view(torch.int64).add_(_ONE - _HALF_ROOT)
    k = (bits >> 52).sub_(1023 + 32).to(torch.float64)
    m = bits.bitwise_and_(_FRACTION).add_(_HALF_ROOT).view(torch.float64)
    s = (m - 1).div_(m + 1)
    return k.mul_(-1.3862943611198906).sub_(_series(_LOG, s * s).mul_(s).mul_(4)).sqrt_()


def _circle(words: Tensor) -> tuple[Tensor, Tensor]:
    """Return cosine and sine of ``2 pi word / 2^32``: a quarter of the circle, and a series from its middle."""
    quarter = (words + 2**29).bitwise_right_shift_(30)
    x = (words - (quarter << 30)).to(torch.float64).mul_(1.4629180792671596e-9)
    z = x * x
    sine, cosine = _series(_SINE, z).mul_(x), _series(_COSINE, z)
    swapped = (quarter & 1) == 1
    signs = 1 - ((quarter + 1) & 2), 1 - (quarter & 2)
    return torch.where(swapped, sine, cosine).mul_(signs[0]), torch.where(swapped, cosine, sine).mul_(signs[1])


def _series(coefficients: Sequence[float], z: Tensor) -> Tensor:
    total = torch.full_like(z, coefficients[0])
    for own in coefficients[1:]:
        total.mul_(z).add_(own)
    return total


_NUMBERS: dict[Kind, Callable[[Tensor], Tensor]] = {
    "words": lambda words: words,
    "uniform": _uniform,
    "normal": _normal,
}


def _signed(number: int) -> int:
    """Return the number of 64 bits, of which the upper one is a sign, with the same bits."""
    return number - 2**64 if number >= 2**63 else number


@cache
def load() -> Callable[..., None] | None:
    """Return the compiled ``draw`` of ``philox.c``, or None where it is turned off or cannot be compiled."""
    library = compiling.library(SOURCE, "-ffp-contract=off")
    if library is None:
        return None
    size, number = ctypes.c_int64, ctypes.c_uint64
    library.draw.argtypes = [ctypes.c_int, size, ctypes.c_void_p, number, number, size, ctypes.c_void_p]
    library.draw.restype = None
    draw: Callable[..., None] = library.draw
    return draw
