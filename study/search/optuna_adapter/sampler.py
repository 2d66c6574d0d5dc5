"""Optuna's samplers as a proposer.

A trial of Optuna gets its value once. A candidate's score changes with every block of seeds, so the trials that a
sampler sees are laid over those that Optuna keeps: a trial is *running* until its candidate has a result, and
*complete* with the present score after that. A sampler is made anew for each proposal, seeded by its number.
"""

import copy
from collections.abc import Callable, Container, Mapping, Sequence
from hashlib import blake2b
from typing import Any
from warnings import catch_warnings, simplefilter

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.storages import InMemoryStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, Trial, TrialState, create_trial

from search_spaces import Value
from study.design.search import Point, Scored, SearchSpec
from study.search.candidates import Candidate
from study.search.optuna_adapter.distributions import distribution, suggested
from study.search.proposals import key, told
from study.storage.search_log import Proposal

_ATTEMPTS = 20
_RUNNING, _COMPLETE, _FAIL = TrialState.RUNNING, TrialState.COMPLETE, TrialState.FAIL


class OptunaProposer:
    """A sampler of Optuna over a space. The space's own default is the first proposal: what the others have to beat.

    Args:
        search: its floor is a constraint with the goal ``quality``; it is warm with points of earlier launches.
        kind: the name of a class of ``optuna.samplers``; ``options`` are its arguments but the seed.
        reseeded: whether the sampler of each proposal has a seed of its own; otherwise all have the search's.
    """

    def __init__(self, search: SearchSpec, kind: str, options: Mapping[str, Any], *, reseeded: bool = True) -> None:
        space, goal = search.space, search.goal
        self._space, self._goal, self._seed, self._floor = space, goal, search.seed, search.floor
        self._kind: Callable[..., BaseSampler] = getattr(optuna.samplers, kind)
        self._options, self._reseeded = options, reseeded
        self._distributions = {axis.name: distribution(axis) for axis in space.axes}
        self._storage = _Present()
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        directions = [StudyDirection.MAXIMIZE] * (2 if goal == "both" else 1)
        self._study = optuna.create_study(storage=self._storage, directions=directions)
        self._seen: set[str] = set()
        self._scores: dict[int, list[float]] = {}
        self._numbers: list[int] = []
        for number, candidate in enumerate(search.warm.points if search.warm else ()):
            self._add(candidate.point, {})
            self._tell(number, candidate)
        self._seen.clear()  # what another launch knows of a point is no reason not to train it in this one

    def propose(self, known: Sequence[Candidate]) -> Proposal | None:
        for candidate in known:
            self._tell(self._numbers[candidate.cell], candidate)
        if not self._numbers:
            return self._first()
        before = dict(self._study_attrs())
        found = (self._ask(attempt, before) for attempt in range(_ATTEMPTS))
        return next((proposal for proposal in found if proposal is not None), None)

    def restore(self, proposal: Proposal) -> None:
        while self._storage.count < proposal.number:  # suggestions that repeated a point, and were dropped
            self._study.add_trial(create_trial(state=_FAIL))
        self._numbers.append(self._add(proposal.point, proposal.trial))
        for name, value in proposal.study.items():
            self._storage.set_study_system_attr(self._study._study_id, name, value)

    def _first(self) -> Proposal:
        proposal = Proposal(point=self._space.default(), number=self._storage.count)
        self.restore(proposal)
        return proposal

    def _ask(self, attempt: int, before: Mapping[str, Any]) -> Proposal | None:
        """One suggestion, unless its point was proposed before.

        Args:
            before: what the sampler kept for the study before the first attempt, dropped ones change it, too.
        """
        with catch_warnings():
            simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            self._study.sampler = self._sampler(attempt)
            trial = self._study.ask()
            point = self._suggested(trial)
        if key(point) in self._seen:
            self._study.tell(trial, state=_FAIL)
            return None
        attrs = self._storage.get_trial(trial._trial_id).system_attrs
        self._storage.present[trial.number] = self._trial(trial.number, point, attrs)
        self._numbers.append(trial.number)
        self._seen.add(key(point))
        changed = {name: value for name, value in self._study_attrs().items() if before.get(name) != value}
        return Proposal(point=point, number=trial.number, trial=dict(attrs), study=changed)

    def _sampler(self, attempt: int) -> BaseSampler:
        own = _seed(self._seed, len(self._numbers), attempt) if self._reseeded else self._seed
        return self._kind(seed=own, **self._options)

    def _suggested(self, trial: Trial) -> dict[str, Value]:
        """Axis by axis, each if it is active given those before it."""
        point: dict[str, Value] = {}
        for axis in self._space.axes:
            if all(point.get(name) in labels for name, labels in axis.when.items()):
                point[axis.name] = suggested(trial, axis)
        return point

    def _study_attrs(self) -> Mapping[str, Any]:
        return self._storage.get_study_system_attrs(self._study._study_id)

    def _add(self, point: Point, attrs: Mapping[str, Any]) -> int:
        number = self._storage.count
        self._study.add_trial(self._trial(number, point, attrs))
        self._storage.present[number] = self._trial(number, point, attrs)
        self._seen.add(key(point))
        return number

    def _trial(self, number: int, point: Point, attrs: Mapping[str, Any], **scores: Any) -> FrozenTrial:
        spaces: dict[str, BaseDistribution] = {name: self._distributions[name] for name in point}
        state = _COMPLETE if scores else _RUNNING
        trial = create_trial(state=state, params=dict(point), distributions=spaces, system_attrs=dict(attrs), **scores)
        trial.number = trial._trial_id = number
        return trial

    def _tell(self, number: int, candidate: Scored) -> None:
        values = told(self._goal, candidate)
        if self._scores.get(number) == values:
            return
        self._scores[number] = values
        attrs = self._storage.present[number].system_attrs
        constraints = {"success": self._floor - candidate.expected} if self._goal == "quality" else None
        trial = self._trial(number, candidate.point, attrs, values=values, constraints=constraints)
        self._storage.present[number] = trial


def _seed(seed: int, number: int, attempt: int) -> int:
    return int.from_bytes(blake2b(f"{seed}/{number}/{attempt}".encode(), digest_size=4).digest())


class _Present(InMemoryStorage):
    """Optuna's trials with what is known of them now."""

    def __init__(self) -> None:
        super().__init__()
        self.present: dict[int, FrozenTrial] = {}

    @property
    def count(self) -> int:
        return self._max_trial_id + 1

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        if states == (TrialState.WAITING,):
            return []
        known = super().get_all_trials(study_id, deepcopy=False)
        trials = [self.present.get(trial.number, trial) for trial in known]
        if states is not None:
            trials = [trial for trial in trials if trial.state in states]
        return copy.deepcopy(trials) if deepcopy else trials
