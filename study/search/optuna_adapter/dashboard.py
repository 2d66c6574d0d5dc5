"""A search as an Optuna study in a separate storage, which ``optuna-dashboard`` opens while the search runs.

A view, like MLflow: it can be made again from the launch's files, and a storage that fails later stops no search. A
trial is a candidate, under the number of its cell. It runs while the candidate may still race, its intermediate values
the scores by number of seeds, and has the score with which it left the race. Optuna's trials cannot be changed once
they are complete: of a candidate that comes back, which is rare, the launch's own files have the last score.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol
from warnings import catch_warnings, simplefilter

import optuna
from optuna.storages import RDBStorage
from optuna.study import StudyDirection
from optuna.trial import Trial, TrialState, create_trial
from sqlalchemy.exc import SQLAlchemyError

from search_spaces import Space
from study.design.search import Goal, Point
from study.formatting import count_of, without_secrets
from study.search.candidates import Candidate
from study.search.optuna_adapter.distributions import distribution
from study.search.proposals import told

_log = logging.getLogger(__name__)
_FAILURES = (SQLAlchemyError, optuna.exceptions.OptunaError)
_SECONDS = 5


class Mirror(Protocol):
    """Who shows a search."""

    def catch_up(self, points: Sequence[Point], known: Mapping[int, Candidate]) -> None:
        """Show what earlier processes did and the storage does not have yet."""

    def proposed(self, point: Point) -> None: ...
    def scored(self, candidate: Candidate) -> None: ...
    def left(self, candidate: Candidate) -> None:
        """Show that the candidate has left the race."""

    def close(self, known: Mapping[int, Candidate]) -> None:
        """Show the last score of every candidate: the search is over."""

    def withdraw(self) -> None:
        """Remove what was shown: the search was refused before it began."""


class NoMirror:
    """Shows nothing."""

    def catch_up(self, points: Sequence[Point], known: Mapping[int, Candidate]) -> None:
        """Nowhere to show it."""

    def proposed(self, point: Point) -> None:
        """Nowhere to show it."""

    def scored(self, candidate: Candidate) -> None:
        """Nowhere to show it."""

    def left(self, candidate: Candidate) -> None:
        """Nowhere to show it."""

    def close(self, known: Mapping[int, Candidate]) -> None:
        """Nowhere to show it."""

    def withdraw(self) -> None:
        """Nothing was shown."""


class OptunaMirror:
    """Shows a search in an Optuna storage: ``sqlite:///runs/optuna.db``, or any other address that Optuna takes.

    Raises:
        ValueError: if the storage cannot be opened or written to. What fails later is said once, and shown no more.
    """

    def __init__(self, address: str, name: str, space: Space, goal: Goal) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._address, self._goal, self._lost = without_secrets(address), goal, False
        self._distributions = {axis.name: distribution(axis) for axis in space.axes}
        names: list[str] = ["success", "quality"] if goal == "both" else [goal]
        wait = {"connect_args": {"timeout": _SECONDS}} if address.startswith("sqlite") else {}
        try:
            self._storage = RDBStorage(address, engine_kwargs=wait)
            directions = [StudyDirection.MAXIMIZE] * len(names)
            self._study = optuna.create_study(
                storage=self._storage, study_name=name, directions=directions, load_if_exists=True
            )
            with catch_warnings():
                simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                self._study.set_metric_names(names)
        except (*_FAILURES, ValueError, ImportError) as error:
            raise ValueError(
                f"--storage must be none, or an Optuna storage that can be written to, got {self._address}:"
                f" {_first_line(error)}"
            ) from None

    def catch_up(self, points: Sequence[Point], known: Mapping[int, Candidate]) -> None:
        def go() -> None:
            there = len(self._study.get_trials(deepcopy=False))
            for point in points[there:]:
                self._add(point)
            for candidate in known.values():
                self._report(candidate)

        self._try(go)

    def proposed(self, point: Point) -> None:
        self._try(lambda: self._add(point))

    def scored(self, candidate: Candidate) -> None:
        self._try(lambda: self._report(candidate))

    def left(self, candidate: Candidate) -> None:
        def go() -> None:
            if not self._study.get_trials(deepcopy=False)[candidate.cell].state.is_finished():
                self._study.tell(candidate.cell, told(self._goal, candidate))

        self._try(go)

    def close(self, known: Mapping[int, Candidate]) -> None:
        def go() -> None:
            for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
                candidate = known.get(trial.number)
                if candidate is None:
                    self._study.tell(trial.number, state=TrialState.FAIL)
                else:
                    self._study.tell(trial.number, told(self._goal, candidate))

        self._try(go)

    def withdraw(self) -> None:
        self._try(lambda: self._storage.delete_study(self._study._study_id))

    def _try(self, go: Callable[[], None]) -> None:
        if self._lost:
            return
        try:
            go()
        except (*_FAILURES, KeyError, IndexError) as error:  # the latter: the study was deleted, in the dashboard say
            self._lost = True
            _log.warning("%s shows no more of the search: %s", self._address, _first_line(error))

    def _add(self, point: Point) -> None:
        spaces = {name: self._distributions[name] for name in point}
        self._study.add_trial(create_trial(state=TrialState.RUNNING, params=dict(point), distributions=spaces))

    def _report(self, candidate: Candidate) -> None:
        found = self._study.get_trials(deepcopy=False)[candidate.cell]
        if found.state.is_finished():
            return
        trial = Trial(self._study, found._trial_id)
        if self._goal != "both" and candidate.n not in found.intermediate_values:
            trial.report(told(self._goal, candidate)[0], candidate.n)
        trial.set_user_attr("successes", count_of(candidate.successes, candidate.n))


def _first_line(error: BaseException) -> str:
    """Optuna guesses at why it could not write; the database knows."""
    own = error.__cause__ if isinstance(error, optuna.exceptions.StorageInternalError) and error.__cause__ else error
    return str(own).strip().splitlines()[0] if str(own).strip() else type(own).__name__
