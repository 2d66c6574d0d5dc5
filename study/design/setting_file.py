"""A setting in a file of its own: one configuration with its outcome rule, to be run on seeds like a study.

``study best`` writes one, ``study run best.json`` trains it; a user may write one, too.
"""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

import pydantic

from study.design import renaming
from study.design.study import Profile, Study
from study.files import read_json
from study.outcomes.rule import OutcomeRule
from trainables.config import Config, to_dict


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One configuration, and how it is tried.

    Attributes:
        seeds: replicas; the first one has the seed ``first_seed``.
        block: at most so many replicas are stacked in one process.
        note: where the setting comes from.
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
        """The study of this one cell, whatever profile is asked for."""
        own = Profile(base=self.config, factors=(), seeds=self.seeds, block=self.block, rule=self.rule, note=self.note)
        return Study(
            name=self.name,
            title=self.title,
            question=self.question,
            sources=self.sources,
            hypotheses=(),
            contrasts=(),
            profiles={profile: own},
            first_seed=self.first_seed,
        )

    def text(self) -> str:
        """As JSON, to be read by :func:`read`."""
        own = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return json.dumps({**own, "rule": dataclasses.asdict(self.rule), "config": to_dict(self.config)}, indent=1)


_SETTING = pydantic.TypeAdapter(Setting)


def read(path: Path) -> Setting:
    """The setting in a file. Raises ValueError, naming file and field, if it is none."""
    if not path.is_file():
        raise ValueError(f"a study's name, or the file of a setting, must be given, got {path}: there is no such file")
    return read_json(path, _SETTING, renaming.current)
