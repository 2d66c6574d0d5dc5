"""What a replica has reported so far, on the disk after each report, and how a loop that runs again goes on with it.

A loop that was interrupted runs again from its start, or from a checkpoint of its own. Its first report says where it
is: rows of the earlier run before that step stay. From there on each report is held against the row that the earlier
run has next. The same samples and numbers at the same step are kept without measuring them again; at the first report
that differs, the rest of the earlier rows is set aside, because they are of another training.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from torch import Tensor

from study.storage.sealed_lines import SealedLines, whole_lines
from trainables.files import DamagedFile, set_aside
from trainables.trace import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """One report.

    Attributes:
        row: of the trace.
        digest: of the samples and numbers as they were reported.
        seconds: of training up to here, over all runs of the loop.
    """

    row: Row
    digest: str
    seconds: float

    @property
    def step(self) -> int:
        return int(self.row["step"])


class Rows:
    """The reports of one replica.

    Args:
        path: where they are kept; a file that is damaged is set aside.

    Attributes:
        kept: the reports of this run, and those of earlier runs that it goes on from.
        replaced: number of rows of earlier runs that this one has set aside.
        before: seconds of training of the earlier runs that this one goes on from.
        damaged: where a damaged file now is, if there was one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.damaged: Path | None = None
        self.replaced = 0
        self._earlier = self._read()
        self.kept: list[Reported] = []
        self.before = 0.0
        self._begun = False
        self._lines = SealedLines(path)

    def _read(self) -> list[Reported]:
        try:
            return [_reported(json.loads(line)) for line in whole_lines(self._path)]
        except (DamagedFile, ValueError, KeyError, TypeError):
            self.damaged = set_aside(self._path)
            return []

    def again(self, step: int, digest: str) -> Row | None:
        """Return the row of an earlier run that this report repeats, if it does; else forget what is left of them.

        Args:
            step: of the report.
            digest: of what is reported.

        Raises:
            OSError: if the file cannot be written.
        """
        if not self._begun:
            self._begun = True
            self.kept = [own for own in self._earlier if own.step < step]
            self._earlier = self._earlier[len(self.kept) :]
            self.before = self.kept[-1].seconds if self.kept else 0.0
        if self._earlier and (self._earlier[0].step, self._earlier[0].digest) == (step, digest):
            self.kept.append(self._earlier.pop(0))
            return self.kept[-1].row
        self.forget()
        return None

    def forget(self) -> None:
        """Set aside the rows of an earlier run that this one has not repeated.

        Raises:
            OSError: if the file cannot be written.
        """
        if not self._earlier:
            return
        self.replaced += len(self._earlier)
        self._earlier = []
        unfinished = self._path.with_name(f"{self._path.name}.part")
        unfinished.unlink(missing_ok=True)
        lines = SealedLines(unfinished)
        for own in self.kept:
            lines.append(_line(own), allow_nan=True)
        unfinished.touch()
        os.replace(self._path, _free(self._path))
        os.replace(unfinished, self._path)
        self._lines = SealedLines(self._path)

    def add(self, reported: Reported) -> None:
        """Keep a report.

        Raises:
            OSError: if it cannot be written.
        """
        self._lines.append(_line(reported), allow_nan=True)
        self.kept.append(reported)


def digest_of(samples: Tensor, values: Mapping[str, float], labels: Tensor | None = None) -> str:
    """Return 16 hex digits over what is reported."""
    digest = blake2b(json.dumps(values, sort_keys=True).encode(), digest_size=8)
    digest.update(samples.contiguous().numpy().data)
    if labels is not None:
        digest.update(labels.contiguous().numpy().data)
    return digest.hexdigest()


def _line(own: Reported) -> Mapping[str, Any]:
    return {"row": dict(own.row), "digest": own.digest, "seconds": own.seconds}


def _reported(line: Mapping[str, Any]) -> Reported:
    return Reported(row=line["row"], digest=line["digest"], seconds=line["seconds"])


def _free(path: Path) -> Path:
    """Return a name beside a file that no other file has."""
    number = 1
    while (found := path.with_name(f"{path.stem}-replaced-{number}{path.suffix}")).exists():
        number += 1
    return found
