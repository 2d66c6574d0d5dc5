"""The file of a setting: one configuration with its outcome rule, which runs on seeds like a study.

``study best`` writes such a file, ``study run best.json`` trains it; users may write one as well.
"""

import dataclasses
import json
import os
from dataclasses import dataclass
from pathlib import Path

from study.design import renaming
from study.design.parsing import adapter
from study.design.study import Profile, Study
from study.files import read_json
from study.formatting import quoted
from study.outcomes.rule import OutcomeRule
from trainables.config import Config, to_dict


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One configuration, and how to try it.

    Attributes:
        seeds: number of replicas; the first one has the seed ``first_seed``.
        block: largest number of replicas stacked in one process.
        note: origin of the setting.
    """

    name: str
    title: str
    question: str
    sources: tuple[str, ...]
    note: str
    seeds: int
    first_seed: int
    block: int
    rule: OutcomeRule
    config: Config

    def study(self, profile: str) -> Study:
        """Return the study of this one cell, with one profile of the given name."""
        only = Profile(base=self.config, factors=(), seeds=self.seeds, block=self.block, rule=self.rule, note=self.note)
        return Study(
            name=self.name,
            title=self.title,
            question=self.question,
            sources=self.sources,
            hypotheses=(),
            contrasts=(),
            profiles={profile: only},
            first_seed=self.first_seed,
        )

    def text(self) -> str:
        """Return the setting as JSON for :func:`read`."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return json.dumps({**values, "rule": dataclasses.asdict(self.rule), "config": to_dict(self.config)}, indent=1)


def read(path: Path) -> Setting:
    """Read the setting in a file.

    Raises:
        ValueError: if the file holds no setting; names file and field.
    """
    if not os.path.isfile(path):  # which is False, and no error, for what can be no path
        raise ValueError(
            f"a study's name, or the file of a setting, must be given, got {quoted(str(path))}: there is no such file"
        )
    return read_json(path, adapter(Setting), renaming.current)
