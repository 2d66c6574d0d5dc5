"""Feature extractors by name: Inception's, those of a file of ``torch.export``, and those of plugins."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

from study.formatting import did_you_mean, joined, quoted
from trainables import plugins
from trainables.later import torch

Extract = Callable[["torch.Tensor"], "torch.Tensor"]
"""Samples ``[N, *shape]`` (images ``[N, channels, side, side]`` in [-1, 1]) to features ``[N, dim]``, dim > 1."""
_Build = Callable[[Path | None], Extract]
B = TypeVar("B", bound=_Build)

INCEPTION = "inception"
EXPORTED = "exported"
_INCEPTION_FILE = "weights-inception-2015-12-05-6726825d.pth"
_INCEPTION_FROM = f"https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/{_INCEPTION_FILE}"
_plugins: dict[str, tuple[_Build, str]] = {}
"""Name to what builds an extractor, and the digest of the plugin that it is of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extractor:
    """A feature extractor with its weights.

    Attributes:
        name: what it was chosen by.
        weights_digest: SHA-256 of its file of weights; empty if it has none.
        plugin_digest: that of the plugin that it is of; empty if it is built in.
        extract: samples to features.
    """

    name: str
    weights_digest: str
    plugin_digest: str
    extract: Extract


def feature_extractor(name: str) -> Callable[[B], B]:
    """Add a feature extractor: a function of a file of weights, or None, that returns an ``Extract``.

    Args:
        name: what ``--features`` chooses it by.

    Raises:
        ValueError: if another one has the name, or the function is in no file.
    """

    def add(build: B) -> B:
        known, _ = _plugins.get(name, (None, ""))
        again = known is not None and (known.__module__, known.__qualname__) == (build.__module__, build.__qualname__)
        if name in _BUILT_IN or (known is not None and not again):
            raise ValueError(f"the feature extractor {name} must have a name that no other one has")
        _plugins[name] = build, plugins.note(build.__module__, f"the feature extractor {name}").digest
        return build

    return add


def names() -> tuple[str, ...]:
    """Return the names of all extractors."""
    return *_BUILT_IN, *sorted(_plugins)


def check_library() -> None:
    """Raise ValueError if the library of the metrics is not installed."""
    if find_spec("torch_fidelity") is None:
        raise ValueError(
            "study metrics needs the Python package torch-fidelity, which is not installed here: install it with"
            " `uv pip install torch-fidelity`"
        )


def open_extractor(name: str, weights: Path | None) -> Extractor:
    """Return an extractor with its weights, from a local file; nothing is downloaded.

    Raises:
        ValueError: if there is no extractor of the name, or its file of weights is absent or not what it must be.
    """
    if name not in names():
        known = joined(names(), "or")
        raise ValueError(f"features must be {known}, got {quoted(name)}{did_you_mean(name, names())}")
    if weights is not None and not weights.is_file():
        raise ValueError(f"weights must be a file, got {weights}: there is none{_advice(name)}")
    if weights is None and name not in _plugins:
        raise ValueError(f"weights must be a file for features {name}, got none{_advice(name)}")
    digest = "" if weights is None else sha256(weights.read_bytes()).hexdigest()
    build, plugin = _plugins[name] if name in _plugins else (_BUILT_IN[name], "")
    return Extractor(name=name, weights_digest=digest, plugin_digest=plugin, extract=build(weights))


def _advice(name: str) -> str:
    if name != INCEPTION:
        return ""
    return f"; fetch {_INCEPTION_FROM} once and give it as --weights {_INCEPTION_FILE}"


def _inception(weights: Path | None) -> Extract:
    """Return the 2,048 features of the Inception network that FID is defined by (Heusel et al. 2017).

    torch-fidelity's port of the original graph, with its way of resizing. Images become whole numbers from 0 to 255
    first, gray ones three equal channels.
    """
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    try:
        torch.load(str(weights), weights_only=True, map_location="cpu")  # torch-fidelity itself would run what is in it
        network = FeatureExtractorInceptionV3(INCEPTION, ["2048"], feature_extractor_weights_path=str(weights))
    except Exception as error:  # whatever a file may be that is none
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(f"weights must be those of Inception, got {weights} ({first}){_advice(INCEPTION)}") from None

    def extract(samples: torch.Tensor) -> torch.Tensor:
        pixels = ((_colored(samples).clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
        (features,) = network(pixels)
        return torch.as_tensor(features)

    return extract


def _exported(weights: Path | None) -> Extract:
    """Return what a program that ``torch.export.save`` wrote makes of images ``[N, 3, side, side]`` in [-1, 1].

    It resizes and normalizes itself, and takes any number of them.
    """
    try:
        network = torch.export.load(str(weights)).module()
    except Exception as error:  # whatever a file may be that is none
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(f"weights must be a file of torch.export.save, got {weights} ({first})") from None
    return lambda samples: torch.as_tensor(network(_colored(samples) if samples.ndim == 4 else samples))


def _colored(images: "torch.Tensor") -> "torch.Tensor":
    if images.ndim != 4:
        raise ValueError(f"features {INCEPTION} must be of images, got samples of shape {tuple(images.shape[1:])}")
    return images.expand(-1, 3, -1, -1) if images.shape[1] == 1 else images


_BUILT_IN: dict[str, _Build] = {INCEPTION: _inception, EXPORTED: _exported}
