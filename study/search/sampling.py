"""What a sampler is: what it can search, what a report says of it, and how it is made.

Each file of ``study.search.samplers`` declares one. It is made when a search begins: a declaration loads no Optuna.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from search_spaces import Options, Space
from study.design.search import Goal, SearchSpec
from study.formatting import joined
from study.search.proposals import Proposer


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampler:
    """A way to propose points of a space.

    Attributes:
        name: what ``--sampler`` and the plan call it.
        words: what it is, with its paper, as the report says it after "were proposed by".
        make: the proposer of a search, before its first proposal.
        conditional: whether it can search a space in which some axes exist only at some values of others.
        options: whether it can search axes of named options; otherwise numbers alone.
        fewest: axes that a space must have at least.
        goals: what it can search for.
        learns: whether results change its proposals; only then a warm start has a meaning.
    """

    name: str
    words: str
    make: Callable[[SearchSpec], Proposer]
    conditional: bool = True
    options: bool = True
    fewest: int = 1
    goals: tuple[Goal, ...] = get_args(Goal)
    learns: bool = True

    def check(self, space: Space, goal: Goal, *, warm: bool = False) -> None:
        """Raise ValueError if the sampler cannot search these axes for the goal; ignores conditions of axes."""
        refused = f"--sampler must not be {self.name}"
        named = [axis.name for axis in space.axes if isinstance(axis, Options)]
        if named and not self.options:
            raise ValueError(
                f"{refused} for the space {space.name}: it knows numbers alone, and {joined(named)}"
                f" {'is an axis' if len(named) == 1 else 'are axes'} of named options"
            )
        if len(space.axes) < self.fewest:
            raise ValueError(
                f"{refused} for the space {space.name}: it needs at least {self.fewest} axes, and there"
                f" {'is' if len(space.axes) == 1 else 'are'} {len(space.axes)}"
            )
        if goal not in self.goals:
            raise ValueError(f"{refused} with --goal {goal}: it knows {joined(self.goals)} alone")
        if warm and not self.learns:
            raise ValueError(f"--warm-start needs a sampler that learns, got {self.name}")


@dataclass(frozen=True, slots=True)
class FromOptuna:
    """Makes proposers from a class of ``optuna.samplers``.

    Attributes:
        kind: the name of the class.
        options: its arguments but the seed.
        reseeded: whether each proposal gets a sampler with a seed of its own; otherwise all have the search's seed,
            and the sampler's place in its sequence is what Optuna's study keeps.
    """

    kind: str
    options: Mapping[str, Any] = field(default_factory=dict)
    reseeded: bool = True

    def __call__(self, search: SearchSpec) -> Proposer:
        from study.search.optuna_adapter.sampler import OptunaProposer

        return OptunaProposer(search, self.kind, self.options, reseeded=self.reseeded)
