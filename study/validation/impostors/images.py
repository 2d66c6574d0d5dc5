"""Impostors of labeled images: few of them over and over, training images, and images without or with mixed structure.

New images are those held out: whatever an impostor makes of them, no discriminator has seen them.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from study.outcomes.outcome import Outcome
from study.validation.impostors.impostor import Array, Draw, Impostor, every, from_row
from trainables.data.source import ImageSource
from trainables.features import as_floats
from trainables.neighbors import without_structure

_OFF, _FEW, _LATE = Outcome.NOT_LEARNED, Outcome.MODE_COLLAPSED, Outcome.LATE_COLLAPSE
_WORSE, _SWINGS, _HOPS, _COPIED = Outcome.DEGRADED, Outcome.OSCILLATING, Outcome.MODE_HOPPING, Outcome.MEMORIZED
Integers = npt.NDArray[np.int64]


def _source(draw: Draw) -> ImageSource:
    assert isinstance(draw.source, ImageSource)
    return draw.source


def _images(draw: Draw, picks: Integers) -> Array:
    floats: Array = as_floats(_source(draw).truth.images[torch.from_numpy(picks)]).double().numpy()
    return floats


def _labels(draw: Draw, picks: Integers) -> Integers:
    labels = _source(draw).truth.labels
    assert labels is not None
    found: Integers = labels.numpy()[picks].astype(np.int64)
    return found


def _trained(draw: Draw) -> Integers:
    numbers: Integers = _source(draw).trained_on.cpu().numpy()
    return numbers


def _held(draw: Draw) -> Integers:
    numbers: Integers = _source(draw).kept_back.cpu().numpy()
    return numbers


def _noisy(draw: Draw, images: Array, deviation: float) -> Array:
    return np.clip(images + deviation * draw.rng("noise").standard_normal(images.shape), -1, 1)


def _shuffled(draw: Draw, numbers: Integers, part: str = "pick") -> Integers:
    """Return ``count`` of the numbers, each before any comes again."""
    order = draw.rng(part).permutation(numbers)
    return np.resize(order, draw.count)


def _by_class(draw: Draw, weights: Array) -> Integers:
    """Return ``count`` held-out images, of classes drawn by relative weights; each before any of its class again."""
    held = _held(draw)
    labels = _labels(draw, held)
    shares = np.bincount(labels, minlength=len(weights)) * weights
    drawn = draw.rng("classes").choice(len(weights), size=draw.count, p=shares / shares.sum())
    picks = np.empty(draw.count, dtype=np.int64)
    for label in np.unique(drawn):
        order = draw.rng(f"class {label}").permutation(held[labels == label])
        picks[drawn == label] = np.resize(order, int((drawn == label).sum()))
    return picks


def _classes(draw: Draw) -> int:
    return _source(draw).truth.classes


def new(draw: Draw) -> Array:
    """Return held-out images."""
    return _images(draw, _shuffled(draw, _held(draw)))


def _per_class(draw: Draw, noise: float) -> Array:
    """Return ``dose`` training images of every class, over and over."""
    trained = _trained(draw)
    labels, order = _labels(draw, trained), draw.fixed().permutation(len(trained))
    kept = [order[labels[order] == label][: round(draw.dose)] for label in range(_classes(draw))]
    return _noisy(draw, _images(draw, _shuffled(draw, trained[np.concatenate(kept)])), noise)


def _few_images(draw: Draw) -> Array:
    kept = draw.fixed().permutation(_trained(draw))[: round(draw.dose)]
    return _noisy(draw, _images(draw, _shuffled(draw, kept)), 0.1)


def _memorized(draw: Draw) -> Array:
    return _noisy(draw, _images(draw, _shuffled(draw, _trained(draw))), draw.dose)


def _new_with_noise(draw: Draw) -> Array:
    return _noisy(draw, new(draw), draw.dose)


def _pattern(draw: Draw, *, period: int) -> Array:
    """Return new images under one pattern of diagonals; with a period of 2 pixels, a checkerboard."""
    made = new(draw)
    rows, columns = np.indices(made.shape[-2:])
    sign = np.where((rows + columns) % period < period // 2, 1.0, -1.0)
    return np.clip(made + draw.dose * sign, -1, 1)


def _some_are(change: Callable[[Draw, Array], Array], draw: Draw) -> Array:
    """Return new images, a share of ``dose`` of them changed."""
    made = new(draw)
    chosen = draw.rng("chosen").uniform(size=len(made)) < draw.dose
    made[chosen] = change(draw, made)[chosen]
    return made


def _upside_down(draw: Draw, images: Array) -> Array:
    return images[:, :, ::-1]


def _mirrored(draw: Draw, images: Array) -> Array:
    return images[..., ::-1]


def _halves_swapped(draw: Draw, images: Array) -> Array:
    return np.roll(images, images.shape[2] // 2, axis=2)


def _lower_half_of_another(draw: Draw, images: Array) -> Array:
    half = images.shape[2] // 2
    others = images[draw.rng("others").permutation(len(images))]
    return np.concatenate([images[:, :, :half], others[:, :, half:]], axis=2)


def _uniform(draw: Draw, images: Array) -> Array:
    return draw.rng("noise").uniform(-1, 1, images.shape)


def _blurred(draw: Draw) -> Array:
    reach = int(np.ceil(3 * draw.dose))
    window = np.exp(-0.5 * (np.arange(-reach, reach + 1) / draw.dose) ** 2)
    kernel = torch.from_numpy(np.outer(window, window) / window.sum() ** 2)[None, None]
    images = torch.from_numpy(new(draw)).flatten(0, 1)[:, None]
    padded = functional.pad(images, (reach,) * 4, value=-1.0)
    blurred: Array = functional.conv2d(padded, kernel).numpy().reshape(draw.count, *draw.source.shape)
    return blurred


def _mates(draw: Draw, picks: Integers, part: str) -> Integers:
    """Return another held-out image of the same class for each."""
    held = _held(draw)
    labels, wanted, rng = _labels(draw, held), _labels(draw, picks), draw.rng(part)
    mates = np.empty_like(picks)
    for label in np.unique(wanted):
        mates[wanted == label] = rng.choice(held[labels == label], size=int((wanted == label).sum()))
    return mates


def _averaged(draw: Draw) -> Array:
    first = _shuffled(draw, _held(draw))
    parts = [first, *(_mates(draw, first, f"mate {i}") for i in range(1, round(draw.dose)))]
    averages: Array = np.mean([_images(draw, part) for part in parts], axis=0)
    return averages


def _between(draw: Draw, *, within: bool) -> Array:
    """Return images with another one at a weight of ``dose``, of the same class or of any."""
    first = _shuffled(draw, _held(draw))
    second = _mates(draw, first, "mate") if within else _shuffled(draw, _held(draw), "other")
    mixed: Array = (1 - draw.dose) * _images(draw, first) + draw.dose * _images(draw, second)
    return mixed


def _moments(draw: Draw, images: Array) -> Array:
    """Return images ``[count, *shape]`` of a normal distribution with the pixels' moments, scaled and clipped."""
    draws = draw.dose * draw.rng("normal").standard_normal((draw.count, len(images)))
    return without_structure(torch.from_numpy(images), torch.from_numpy(draws)).numpy()


def _normal(draw: Draw) -> Array:
    return _moments(draw, _images(draw, _trained(draw)))


def _normal_per_class(draw: Draw) -> Array:
    trained = _trained(draw)
    labels, classes = _labels(draw, trained), _classes(draw)
    drawn = draw.rng("classes").integers(classes, size=draw.count)
    made = [_moments(draw, _images(draw, trained[labels == label])) for label in range(classes)]
    return np.stack([made[label][i] for i, label in enumerate(drawn)])


def _some(draw: Draw, rng: np.random.Generator, classes: float) -> Array:
    kept = rng.permutation(_classes(draw)) < round(classes)
    return _images(draw, _by_class(draw, kept.astype(float)))


def _few_classes(draw: Draw) -> Array:
    return _some(draw, draw.fixed(), draw.dose)


def _hops(draw: Draw) -> Array:
    return _some(draw, draw.rng("kept"), draw.dose)


def _collapsed(draw: Draw) -> Array:
    return _some(draw, draw.fixed(), 2)


def _halved(draw: Draw) -> Array:
    classes = _classes(draw)
    weights = np.where(draw.fixed().permutation(classes) < classes // 2, draw.dose, 1.0)
    return _images(draw, _by_class(draw, weights))


_make = partial(Impostor, kind="images")
_EACH = (1, 3, 5, 10, 20, 50)
_CLASSES = (1, 2, 3, 5, 7, 8, 9, 10)
_BAD = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0)

IMAGES = (
    *(
        _make(
            name=f"k per class, noise {noise:g}", does=f"k images of each class over and over, noise {noise:g}",
            dose="images per class", doses=_EACH, make=partial(_per_class, noise=noise), labels=(_FEW, _COPIED, _OFF),
            plain=(1, 3, 5, 10),
        )
        for noise in (0.05, 0.1, 0.2, 0.3)
    ),
    _make(
        name="k training images", does="k training images over and over, noise 0.1", dose="images",
        doses=(10, 50, 100, 200, 500, 1_000), make=_few_images, labels=(_FEW, _COPIED), plain=(10, 50, 100, 200),
    ),
    _make(
        name="memorized", does="all training images, with noise", dose="sd of the noise", doses=(0.0, 0.05, 0.1, 0.2),
        make=_memorized, labels=(_COPIED,), plain=(0.0, 0.05, 0.1, 0.2),
    ),
    _make(
        name="new with noise", does="held-out images with noise", dose="sd of the noise",
        doses=(0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0), make=_new_with_noise, labels=(_OFF,),
        plain=(0.2, 0.3, 0.5, 1.0), sound=(0.0, 0.05),
    ),
    *(
        _make(
            name=name, does=f"held-out images under one {name}", dose="its amplitude",
            doses=(0.03, 0.05, 0.1, 0.2, 0.3, 0.5),
            make=partial(_pattern, period=period), labels=(_OFF, _FEW), plain=(0.2, 0.3, 0.5), sound=(0.03,),
        )
        for name, period in (("checkerboard", 2), ("diagonal", 4))
    ),
    *(
        _make(
            name=name, does=f"held-out images, some of them {does}", dose="their share", doses=_BAD,
            make=partial(_some_are, change), labels=(_OFF, _FEW), plain=plain,
        )
        for name, does, change, plain in (
            ("upside down", "upside down", _upside_down, (0.5, 0.7, 1.0)),
            ("mirrored", "mirrored", _mirrored, (0.5, 0.7, 1.0)),
            ("halves swapped", "with the lower half on top", _halves_swapped, (0.5, 0.7, 1.0)),
            ("chimeras", "with the lower half of another", _lower_half_of_another, (0.5, 0.7, 1.0)),
            ("some noise", "uniform noise", _uniform, (0.2, 0.3, 0.5, 0.7, 1.0)),
        )
    ),
    _make(
        name="blurred", does="held-out images, blurred", dose="sd in pixels", doses=(0.3, 0.6, 1.0, 1.5, 2.0, 3.0),
        make=_blurred, labels=(_OFF, _FEW), plain=(2.0, 3.0), sound=(0.3,),
    ),
    _make(
        name="averaged", does="means of n held-out images of a class", dose="n", doses=(1, 2, 3, 5, 10, 20),
        make=_averaged, labels=(_OFF, _FEW), plain=(5, 10, 20), sound=(1,),
    ),
    _make(
        name="mixed within", does="held-out images with another of the class", dose="its weight",
        doses=(0.05, 0.1, 0.2, 0.3, 0.5), make=partial(_between, within=True), labels=(_OFF, _FEW), sound=(0.05,),
    ),
    _make(
        name="mixed any", does="held-out images with any other", dose="its weight", doses=(0.05, 0.1, 0.2, 0.3, 0.5),
        make=partial(_between, within=False), labels=(_OFF, _FEW), plain=(0.3, 0.5), sound=(0.05,),
    ),
    _make(
        name="normal", does="normal with the pixels' moments, clipped", dose="deviation / the data's",
        doses=(0.0, 0.5, 1.0), make=_normal, labels=(_OFF, _FEW), plain=(0.0, 0.5, 1.0),
    ),
    _make(
        name="normal per class", does="normal with the pixels' moments of each class, clipped",
        dose="deviation / the data's", doses=(0.0, 0.25, 0.5, 0.75, 1.0), make=_normal_per_class, labels=(_OFF, _FEW),
        plain=(0.0, 0.25),
    ),
    _make(
        name="few classes", does="m of 10 classes, always the same", dose="classes", doses=_CLASSES,
        make=_few_classes, labels=(_FEW,), plain=(1, 2, 3, 5, 7), sound=(10,),
    ),
    _make(
        name="hopping classes", does="m of 10 classes, others at each row", dose="classes", doses=_CLASSES,
        make=_hops, labels=(_HOPS,), plain=(1, 2, 3, 5, 7), sound=(10,),
    ),
    _make(
        name="light classes", does="half of the classes at less weight", dose="their weight / others'",
        doses=(0.0, 0.1, 0.25, 0.5, 0.75, 1.0), make=_halved, labels=(_FEW,), plain=(0.0, 0.1), sound=(0.75, 1.0),
    ),
    _make(
        name="alternating", does="new images, but every n-th row shows two classes", dose="n",
        doses=(2, 3, 4, 5), make=every(new, _collapsed), labels=(_SWINGS,), plain=(2, 3, 4, 5), rows=20,
    ),
    _make(
        name="degraded", does="new images for 15 rows, then with noise for 10", dose="sd of the noise",
        doses=(0.05, 0.1, 0.2, 0.3, 0.5, 1.0), make=from_row(new, _new_with_noise), labels=(_WORSE,),
        plain=(0.2, 0.3, 0.5, 1.0), sound=(0.05,), rows=25,
    ),
    _make(
        name="late collapse", does="new images for 15 rows, then m of 10 classes for 10", dose="classes",
        doses=_CLASSES, make=from_row(new, _few_classes), labels=(_LATE,), plain=(1, 2, 3, 5, 7), sound=(10,), rows=25,
    ),
)  # fmt: skip
"""In the order of the tables. Copies of one image are plain where a sheet of 60 samples holds most of them more than
once beside each other; those of training images where one sees them beside the nearest training image. After a look at
the sheet of samples noise became plain from 0.2 on instead of 0.5."""
