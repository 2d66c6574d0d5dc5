"""The reproduction ledger: every claim that the studies test, and what the launches on disk say of it.

Nothing here is typed in: claims are the studies' hypotheses, and verdicts, counts and distances are computed from the
records and the plan of each launch. A launch answers the claims that it declared before its first seed, as it declared
them; a claim that was written down later, or changed since, waits for the next launch.
"""

import dataclasses
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from pathlib import Path

from study import formatting
from study.audit.protocol import Protocol, distance
from study.design.hypotheses import Hypothesis, Share
from study.design.plan import Cell, Plan
from study.design.planning import plan_study
from study.evidence.answer import end_effect
from study.evidence.judging import Judgment
from study.evidence.outlook import Outlook, outlook
from study.launch import Launch
from study.outcomes.outcome import Outcome
from study.report import phrases
from study.storage.store import Store
from study.studies import studies

OWN = "Questions of our own"
_PAPER = re.compile(r"[A-Z]\w+ (?:et al\. |& [A-Z]\w+ )?\d{4}")
_OWN = re.compile(r"ours\b|a question of ours\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one launch says of a claim.

    Attributes:
        plan: digest of what was decided before the first seed; empty where the records were written without one.
        seeds: the most that a cell has.
        changed: what the launch changed against the study's profile ``paper``; the profile's note where that cannot be
            computed, or where it is that profile itself.
        redecided: the rule that the outcomes were decided by after the run, if it is not the declared one; else empty.
        failures: of the replicas that the claim speaks of, those that failed, by outcome.
        effect: ``floor`` if no replica of any cell of the launch converged, ``ceiling`` if all did; else empty. What is
            decided there about success may be due to the scale alone. Empty for claims about ways of failing.
        more: seeds per cell that would decide a claim which is open, if the rates are as observed, or draws, if it is
            about drawn levels (``study.evidence.outlook``); None where it is decided or was not tested, or where too
            many would be needed.
    """

    launch: str
    root: Path
    profile: str
    plan: str
    seeds: int
    changed: str
    redecided: str
    judgment: Judgment
    failures: Mapping[Outcome, int]
    effect: str
    more: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A hypothesis of a study, with the newest launch of each profile that tests it, in the order of the profiles."""

    study: str
    paper: str
    hypothesis: Hypothesis
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """All claims, by paper (oldest first, our own questions last), and a sentence for each launch that was left out."""

    claims: tuple[Claim, ...]
    left_out: tuple[str, ...]

    def by_paper(self) -> Mapping[str, tuple[Claim, ...]]:
        papers = dict.fromkeys(claim.paper for claim in self.claims)
        return {paper: tuple(claim for claim in self.claims if claim.paper == paper) for paper in papers}


def collect(out: Path) -> Claims:
    """Return the ledger of all launches under ``out``, which lie in ``<out>/<study>/<launch>``."""
    launches, left_out = _launches(out)
    found = [
        Claim(
            study=study.name, paper=paper(hypothesis.source), hypothesis=hypothesis, findings=_findings(hypothesis, own)
        )
        for study in studies().values()
        for own in [[launch for launch in launches if launch.plan.study == study.name]]
        for hypothesis in study.hypotheses
    ]
    return Claims(claims=tuple(sorted(found, key=_place)), left_out=tuple(left_out))


def paper(source: str) -> str:
    """Return the paper that a source names first, such as ``Mao et al. 2017``; our own questions name none."""
    match = None if _OWN.match(source) else _PAPER.search(source)
    return OWN if match is None else match[0]


def _launches(out: Path) -> tuple[list[Launch], list[str]]:
    """Return the launches with outcomes, newest first, and a sentence for each that cannot be used."""
    found, left_out = [], [] if out.is_dir() else [f"{out} is no folder: there is no launch in it"]
    for path in sorted(out.glob("*/[!.]*/spec.json")):
        try:
            launch = _read(Store(path.parent))
        except (ValueError, OSError) as error:
            why = str(error).splitlines()[0].replace(f"{path.parent}/", "")
            left_out.append(f"{path.parent} is left out: {why}")
            continue
        if launch is not None:
            found.append(launch)
    return sorted(found, key=_made, reverse=True), left_out


def _read(store: Store) -> Launch | None:
    """Return None if the launch has no outcome yet."""
    launch = Launch(store, store.records() if store.records_path.exists() else ())
    plan, rows = launch.plan, launch.replicas
    if plan.study not in studies():
        raise ValueError(f"there is no study {plan.study}")
    if not any(row.decided for row in rows):
        return None
    return launch


def _findings(hypothesis: Hypothesis, launches: Sequence[Launch]) -> tuple[Finding, ...]:
    newest: dict[str, Finding] = {}
    for launch in launches:
        for judgment in launch.verdicts:
            cells = _cells(hypothesis, launch.plan.cells)
            if cells and launch.plan.profile not in newest and _asked(judgment.hypothesis) == _asked(hypothesis):
                newest[launch.plan.profile] = _finding(launch, judgment, cells)
    order = list(studies()[launches[0].plan.study].profiles) if launches else []
    return tuple(sorted(newest.values(), key=lambda finding: [*order, finding.profile].index(finding.profile)))


def _finding(launch: Launch, judgment: Judgment, cells: tuple[Cell, ...]) -> Finding:
    plan, rule = launch.plan, launch.rule
    return Finding(
        launch=plan.launch,
        root=launch.store.root,
        profile=plan.profile,
        plan=next((row.plan for row in launch.replicas if row.plan), ""),
        seeds=_seeds(launch, {cell.index for cell in cells}),
        changed=_changed(plan, cells, judgment.hypothesis, _seeds(launch, {cell.index for cell in cells})),
        redecided="" if rule == plan.rule else rule.label(),
        judgment=judgment,
        failures=_failures(launch, {cell.index for cell in cells}),
        effect=_effect(launch, judgment.hypothesis),
        more=_more(_outlook(launch), judgment.hypothesis),
    )


def _effect(launch: Launch, hypothesis: Hypothesis) -> str:
    if isinstance(hypothesis, Share) and hypothesis.outcomes != (Outcome.CONVERGED,):
        return ""
    return end_effect([summary.rate for summary in launch.summaries])


def _seeds(launch: Launch, cells: Collection[int]) -> int:
    """Return the planned seeds per cell; of a launch that adds them, the most that one of these cells has got."""
    if not launch.plan.until_decided:
        return len(launch.plan.seeds)
    return max(summary.rate.n for summary in launch.summaries if summary.cell in cells)


def _failures(launch: Launch, cells: Collection[int]) -> Mapping[Outcome, int]:
    """Count how the decided replicas of these cells failed, the most frequent failure first."""
    found = Counter(row.outcome for row in launch.replicas if row.cell in cells and row.decided and not row.converged)
    return dict(found.most_common())


def _more(found: Outlook, hypothesis: Hypothesis) -> int | None:
    return (found.draws if hypothesis.drawn else found.needed).get(hypothesis.name)


@lru_cache(maxsize=32)
def _outlook(launch: Launch) -> Outlook:
    return outlook(launch.plan, launch.summaries, launch.verdicts)


def _asked(hypothesis: Hypothesis) -> Hypothesis:
    """Return what is tested, whatever its wording."""
    return dataclasses.replace(hypothesis, claim="", source="")


def _cells(hypothesis: Hypothesis, cells: Iterable[Cell]) -> tuple[Cell, ...]:
    """All cells that a hypothesis speaks of; none if it lacks those of one side."""
    matching = [[cell for cell in cells if where.items() <= cell.levels.items()] for where in hypothesis.sides]
    return tuple(cell for side in matching for cell in side) if all(matching) else ()


def _changed(plan: Plan, cells: tuple[Cell, ...], hypothesis: Hypothesis, seeds: int) -> str:
    published = _published(plan.study)
    if published is None:
        return plan.stated_note()
    theirs = _cells(hypothesis, published.cells) or published.cells
    changed = distance(Protocol(cells=cells, seeds=seeds, rule=plan.rule), dataclasses.replace(published, cells=theirs))
    return changed or plan.stated_note()


@cache
def _published(study: str) -> Protocol | None:
    """Return the profile ``paper``, where the study has one."""
    found = studies()[study]
    if "paper" not in found.profiles:
        return None
    plan = plan_study(found, "paper", now=datetime(2000, 1, 1, tzinfo=UTC))
    return Protocol(cells=plan.cells, seeds=len(plan.seeds), rule=plan.rule)


def _made(launch: Launch) -> tuple[datetime, str]:
    return datetime.fromisoformat(launch.plan.created), launch.plan.launch


def _place(claim: Claim) -> tuple[bool, str, str]:
    return claim.paper == OWN, claim.paper[-4:], claim.paper


def estimate(judgment: Judgment) -> str:
    """Return the difference of two rates, or the one rate, with the interval that the verdict comes with."""
    if judgment.difference is not None:
        value, low, high = judgment.difference
        return f"{formatting.number(value)} {formatting.interval(low, high)}"
    return phrases.share(judgment.rates[0]) if len(judgment.rates) == 1 else formatting.NOTHING


def replicas(judgment: Judgment) -> str:
    """``3 of 5 against 1 of 5``."""
    return " against ".join(map(phrases.count, judgment.rates)) or formatting.NOTHING


def redecided(finding: Finding) -> str:
    """Say that the outcomes were decided again, by a rule that was chosen after the run."""
    return f"; decided after the run by {finding.redecided}" if finding.redecided else ""
