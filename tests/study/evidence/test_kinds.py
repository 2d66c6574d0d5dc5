"""A kind of hypothesis is two files: with them alone it is declared, stored, read, judged, worded and planned for."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from study.design import hypotheses
from study.design.hypothesis import Hypothesis
from study.evidence import kinds
from tests.study.evidence.made_claims import MORE

ROOT = Path(__file__).parents[3]

DECLARED = """
from dataclasses import dataclass
from typing import Literal

from study.design.hypothesis import Hypothesis, Where


@dataclass(frozen=True, slots=True, kw_only=True)
class MostlyFails(Hypothesis):
    where: Where
    kind: Literal["mostly_fails"] = "mostly_fails"

    @property
    def sides(self):
        return (self.where,)


KIND = MostlyFails
"""
EVIDENCE = """
from study.design.hypotheses.mostly_fails import MostlyFails
from study.design.hypotheses.share import Share
from study.evidence.kind import Kind
from study.evidence.kinds import share
from study.outcomes.outcome import Outcome


def as_share(own):
    return Share(name=own.name, claim=own.claim, source=own.source, drawn=own.drawn, alpha=own.alpha, where=own.where,
                 outcomes=(Outcome.CONVERGED,), side="below", threshold=0.5)


class _MostlyFails(Kind):
    of = MostlyFails
    unit = "replica"

    def test(self, hypothesis, *rest): return share.KIND.test(as_share(hypothesis), *rest)
    def shown(self, hypothesis, tested): return share.KIND.shown(as_share(hypothesis), tested)
    def words(self, hypothesis, *rest): return ["mostly failed", *share.KIND.words(as_share(hypothesis), *rest)]
    def assumed(self, hypothesis, *rest): return share.KIND.assumed(as_share(hypothesis), *rest)
    def borders(self, hypothesis): return share.KIND.borders(as_share(hypothesis))
    def extremes(self, hypothesis, extent): return share.KIND.extremes(as_share(hypothesis), extent)
    def fixed(self, hypothesis, scenario): return share.KIND.fixed(as_share(hypothesis), scenario)
    def paths(self, hypothesis, scenario): return share.KIND.paths(as_share(hypothesis), scenario)


KIND = _MostlyFails()
"""
USED = """
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import study.design.hypotheses, study.evidence.kinds

folder = Path(sys.argv[1])
study.design.hypotheses.__path__.append(str(folder / "declared"))
study.evidence.kinds.__path__.append(str(folder / "evidence"))

from study.design.hypotheses.mostly_fails import MostlyFails
from study.design.planning import plan_study
from study.evidence.judging import judge
from study.evidence.power import power_analysis
from study.storage.store import Store
from study.studies import find
from tests.study.evidence.made_claims import cell

claim = MostlyFails(name="m", claim="c", source="s", where={"objective": "ns"})
plan = plan_study(replace(find("mixture-modes"), hypotheses=(claim,)), "smoke", now=datetime.now(UTC), seeds=8)
store = Store(folder / "launch")
store.write_plan(plan)
assert store.plan() == plan
assert store.plan().digest() == plan.digest()
(judged,) = judge(store.plan().hypotheses, cell(0, "--------", objective="ns"))
(power,) = power_analysis(store.plan())
print(judged.verdict.value, judged.sentence, power.basis, *(row.rates for row in power.prospects), sep="|")
"""


def test_two_files_add_a_kind(tmp_path: Path) -> None:
    for folder, text in (("declared", DECLARED), ("evidence", EVIDENCE)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mostly_fails.py").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", USED, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    verdict, sentence, basis, *rates = done.stdout.strip().split("|")
    assert verdict == "supported"
    assert sentence.startswith("mostly failed, 0 of 8 (0 %, 95 % interval 0 % to 36.9 %) converged with")
    assert basis == "8 seeds, each 2 replicas"
    assert rates == ["(0.3,)", "(0.1,)", "(0.0,)"]


def test_every_declared_kind_has_evidence() -> None:
    assert {kind.of for kind in kinds.kinds().values()} == set(hypotheses.kinds().values())
    for name, declared in hypotheses.kinds().items():
        assert name == declared.__dataclass_fields__["kind"].default


def test_a_kind_that_nothing_tests_is_refused() -> None:
    class Stranger(hypotheses.MoreSuccess):
        pass

    stranger: Hypothesis = Stranger(name="m", claim="c", source="s", better=MORE.better, worse=MORE.worse)
    with pytest.raises(ValueError, match=r"m must be one of MoreSuccess, SameSuccess, Share, got Stranger"):
        kinds.of(stranger)
    assert kinds.of(replace(MORE, name="other")) is kinds.of(MORE)
