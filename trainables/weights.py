"""Weights of trained networks on disk: safetensors, which run no code when they are read, and their description.

``<folder>/last.json`` and ``best.json`` name a safetensors file per network, ``<network>-<step>.safetensors``, with the
file's SHA-256, and hold their own. A description is written after the files that it names and replaces an older one at
once, so that at any time it is of files that were written whole.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainables.files import BLANK, DamagedFile, is_whole, json_digest, seal, written_whole

if TYPE_CHECKING:
    from torch import Tensor

LAST, BEST = "last", "best"
WHICH = (LAST, BEST)
Networks = Mapping[str, Mapping[str, "Tensor"]]
"""Network to the values of its parameters and buffers by name: ``[R, ...]`` of a stack, without R of one replica."""
Standing = tuple[int, float]
"""How good a report is; the larger one is better, entry by entry."""
Score = Callable[[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]], Standing | None]
"""``score(start, row, reference)``: the standing of a row of the trace, given that of step 0 and the data's constants;
None if the row shows nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """What is kept of a block's networks.

    Attributes:
        folder: the cell's folder of weights; one folder per seed inside.
        last: whether the networks after the last step are kept.
        score: chooses the best report after step 0, whose networks are kept; absent for none.
        rule: names what chooses, for the description.
    """

    folder: Path
    last: bool
    score: Score | None = None
    rule: str = ""


class Keeper:
    """Holds the networks of the best report of every replica while a block trains, and writes what is kept.

    Args:
        keep: what is kept; absent for nothing.
        seeds: those of the replicas, in the order of the stack.
        reference: constants of the data, as in the trace.
    """

    def __init__(self, keep: Keep | None, seeds: Sequence[int], reference: Mapping[str, Any]) -> None:
        self._keep, self._seeds, self._reference = keep, tuple(seeds), reference
        self._start: dict[int, Mapping[str, Any]] = {}
        self._best: dict[int, dict[str, Any]] = {}

    def see(self, rows: Sequence[Mapping[str, Any]], weights: Callable[[], Networks], streams: Sequence[int]) -> None:
        """Take in a report: a row per replica, in the order of the stack.

        Args:
            rows: the report.
            weights: returns the networks that were measured.
            streams: the seed of each replica's random numbers.
        """
        if self._keep is None or self._keep.score is None:
            return
        better: dict[int, Standing] = {}
        for place, (seed, row) in enumerate(zip(self._seeds, rows, strict=True)):
            if row["step"] == 0:
                self._start[seed] = row
            elif row["finite"]:
                standing = self._keep.score(self._start[seed], row, self._reference)
                if standing is not None and (seed not in self._best or standing > self._best[seed]["standing"]):
                    better[place] = standing
        current = weights() if better else {}
        for place, standing in better.items():
            self._best[self._seeds[place]] = {
                "standing": standing,
                "step": rows[place]["step"],
                "stream": streams[place],
                "weights": replica(current, place),
            }

    def state_dict(self) -> dict[str, Any]:
        """Return everything that a later ``load_state_dict`` needs to go on."""
        return {"best": self._best, "start": {seed: dict(row) for seed, row in self._start.items()}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state of the same seeds."""
        self._best, self._start = dict(state["best"]), dict(state["start"])

    def write(
        self, step: int, weights: Callable[[], Networks], streams: Sequence[int], about: Mapping[str, Any]
    ) -> None:
        """Write what is kept of every replica.

        Args:
            step: the last one that was done.
            weights: returns the networks after it.
            streams: the seed of each replica's random numbers.
            about: JSON values that describe the block.

        Raises:
            OSError: if the disk is full or the folder is not writable.
        """
        if self._keep is None:
            return
        current = weights() if self._keep.last else {}
        for place, seed in enumerate(self._seeds):
            folder, own = self._keep.folder / f"seed={seed}", {**about, "seed": seed}
            if self._keep.last:
                described = {**own, "which": LAST, "step": step, "stream": streams[place]}
                write(folder, described, replica(current, place))
            if seed in self._best:
                found = self._best[seed]
                chosen = {"rule": self._keep.rule, "standing": list(found["standing"])}
                described = {**own, "which": BEST, "step": found["step"], "stream": found["stream"], "chosen": chosen}
                write(folder, described, found["weights"])
            elif self._keep.score is not None:
                (folder / f"{BEST}.json").unlink(missing_ok=True)  # of an earlier attempt
            _sweep(folder)


def replica(networks: Networks, place: int) -> dict[str, dict[str, "Tensor"]]:
    """Return the values of one replica of a stack, on the CPU and in memory of their own."""
    return {
        name: {key: value[place].detach().to("cpu", copy=True).contiguous() for key, value in own.items()}
        for name, own in networks.items()
    }


def write(folder: Path, about: Mapping[str, Any], networks: Networks) -> None:
    """Write the networks of one replica and then their description.

    Args:
        folder: where to; made if missing.
        about: the description, JSON values; ``which`` names its file, ``step`` those of the networks.
        networks: their values.

    Raises:
        OSError: if the disk is full or the folder is not writable; an older description is as it was then.
    """
    from safetensors.torch import save_file

    files = {}
    for name, own in networks.items():
        path = folder / f"{name}-{about['step']:07d}.safetensors"
        with written_whole(path) as unfinished:
            # One entry: of several, the order in the file is another one each time, and two descriptions may share it.
            save_file(dict(own), unfinished, metadata={"format": "pt"})
            files[name] = {"file": path.name, "sha256": _sha256(unfinished), "bytes": unfinished.stat().st_size}
    with written_whole(folder / f"{about['which']}.json") as unfinished:
        described = {**about, "networks": files, "seal": BLANK}
        unfinished.write_text(json.dumps(described, indent=1), encoding="utf-8")
        seal(unfinished)


def _sweep(folder: Path) -> None:
    """Remove files of networks that no description names any more: those of an earlier attempt."""
    named = {own["file"] for which in described(folder) for own in read(folder, which).about["networks"].values()}
    for path in folder.glob("*.safetensors"):
        if path.name not in named:
            path.unlink()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The kept networks of one replica.

    Attributes:
        folder: where they lie.
        about: their description.
    """

    folder: Path
    about: Mapping[str, Any]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the networks."""
        return tuple(self.about["networks"])

    @property
    def digest(self) -> str:
        """16 hex digits over the SHA-256 of all its networks, by name."""
        return json_digest({name: own["sha256"] for name, own in self.about["networks"].items()})

    def tensors(self, network: str) -> dict[str, "Tensor"]:
        """Read the values of a network by name, on the CPU.

        Raises:
            ValueError: if no network of that name was kept.
            DamagedFile: if the file is missing, does not hold the bytes that were written, or holds no weights.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        path = self.folder / self._of(network)["file"]
        if (why := self._damage(network)) is not None:
            raise DamagedFile(why)
        try:
            return load_file(path)
        except SafetensorError as error:  # somebody gave the description the digest of another file
            raise DamagedFile(f"{path} is damaged: it holds no weights ({error})") from None

    def damage(self) -> list[str]:
        """Return a sentence for each file that is missing or damaged."""
        return [why for network in self.names if (why := self._damage(network)) is not None]

    def _of(self, network: str) -> Mapping[str, Any]:
        if network not in self.names:
            raise ValueError(f"network must be one of {', '.join(self.names)}, got {network!r} ({self.folder})")
        own: Mapping[str, Any] = self.about["networks"][network]
        return own

    def _damage(self, network: str) -> str | None:
        own = self._of(network)
        path = self.folder / own["file"]
        if not path.exists():
            return f"{path} is missing, which {self.about['which']}.json beside it names"
        return None if _sha256(path) == own["sha256"] else f"{path} is damaged: it has not the bytes that were written"


def described(folder: Path) -> tuple[str, ...]:
    """Return which networks were kept in a replica's folder: ``last``, ``best``, both or none."""
    return tuple(which for which in WHICH if (folder / f"{which}.json").exists())


def read(folder: Path, which: str) -> Kept:
    """Read the description of kept networks.

    Raises:
        DamagedFile: if it is damaged.
        FileNotFoundError: if there is none.
    """
    path = folder / f"{which}.json"
    content = path.read_bytes()
    try:
        if not is_whole(path):  # None, too: it was sealed when it was written
            raise ValueError
        return Kept(folder=folder, about=json.loads(content))
    except ValueError:
        raise DamagedFile(f"{path} is damaged: it has not the bytes that were written") from None


def _sha256(path: Path) -> str:
    digest = sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
