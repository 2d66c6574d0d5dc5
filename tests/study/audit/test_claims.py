"""The reproduction ledger: claims of the studies beside the launches on disk, nothing else."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from study import launch as launches
from study.audit.claims import OWN, Claim, collect, paper
from study.audit.claims_page import markdown
from study.cli import app
from study.cli.app import console
from study.design.planning import plan_study
from study.evidence.judging import Verdict
from study.outcomes.outcome import Outcome
from study.storage.records import Status, decide_block
from study.storage.store import Store
from study.studies import find, studies
from tests.study.audit.made_claims import GOOD, Launch

LS_BEATS_NS = "ls-beats-ns-on-the-ring"


def found(out: Path, name: str = LS_BEATS_NS) -> Claim:
    return next(claim for claim in collect(out).claims if claim.hypothesis.name == name)


def test_every_hypothesis_of_every_study_is_a_claim(out: Path) -> None:
    names = [(claim.study, claim.hypothesis.name) for claim in collect(out).claims]
    assert len(names) == len(set(names))
    assert set(names) == {(study.name, one.name) for study in studies().values() for one in study.hypotheses}


def test_without_launches_nothing_was_run(out: Path) -> None:
    ledger = collect(out)
    assert not any(claim.findings for claim in ledger.claims)
    assert ledger.left_out == ()


def test_a_folder_that_does_not_exist_is_said(tmp_path: Path) -> None:
    assert collect(tmp_path / "nowhere").left_out == (f"{tmp_path}/nowhere is no folder: there is no launch in it",)


def test_a_launch_answers_the_claims_of_its_study(launch: Launch, out: Path) -> None:
    store = launch("quick", ls=10, ns=0)
    finding = found(out).findings[0]
    assert finding.judgment.verdict is Verdict.SUPPORTED
    assert [(rate.successes, rate.n) for rate in finding.judgment.rates] == [(10, 10), (0, 10)]
    assert finding.judgment.p_adjusted is not None
    assert finding.launch == store.plan().launch
    assert finding.plan == store.plan().digest()
    assert finding.changed == "8,000 of 35,000 steps; batch 128 for 512"
    assert finding.redecided == ""
    assert not found(out, "rmsprop-beats-adam").findings


def test_a_launch_that_adds_seeds_counts_those_that_it_has_got(launch: Launch, out: Path) -> None:
    store = launch("quick", seeds=30, until_decided=True)
    store.write_records(
        tuple(replace(row, outcome=row.outcome if row.replica < 12 else Outcome.UNDECIDED) for row in store.records())
    )
    finding = found(out).findings[0]
    assert finding.seeds == 12
    assert finding.changed.endswith("12 for 10 seeds")


def test_the_newest_launch_of_each_profile_counts(launch: Launch, out: Path) -> None:
    launch("quick", 1, ls=10)
    newest = launch("quick", 3, ls=0)
    launch("quick", 2, ls=10)
    launch("smoke", 1)
    findings = found(out).findings
    assert [finding.profile for finding in findings] == ["smoke", "quick"]
    assert findings[1].launch == newest.plan().launch
    assert findings[1].judgment.verdict is Verdict.UNDECIDED


def test_a_launch_without_outcomes_hides_no_other(launch: Launch, out: Path) -> None:
    launch("quick", 1)
    empty = launch("quick", 2)
    empty.write_records(tuple(replace(row, outcome=Outcome.UNDECIDED) for row in empty.records()))
    waiting = launch("quick", 3)
    waiting.records_path.unlink()
    assert [finding.launch for finding in found(out).findings] == ["20260101-000000-quick"]
    assert collect(out).left_out == ()


def test_a_claim_that_was_declared_after_the_run_is_not_tested_by_it(launch: Launch, out: Path) -> None:
    launch(changed=lambda plan: replace(plan, hypotheses=plan.hypotheses[1:]))
    assert not found(out).findings
    assert found(out, "ls-learns-the-ring").findings


def test_a_claim_that_was_changed_after_the_run_is_not_tested_by_it(launch: Launch, out: Path) -> None:
    launch(
        changed=lambda plan: replace(plan, hypotheses=(replace(plan.hypotheses[0], alpha=0.2), *plan.hypotheses[1:]))
    )
    assert not found(out).findings


def test_new_words_for_a_claim_leave_it_the_same(launch: Launch, out: Path) -> None:
    launch(changed=lambda plan: replace(plan, hypotheses=(replace(plan.hypotheses[0], claim="C.", source="s"),)))
    assert found(out).findings[0].judgment.hypothesis.claim == "C."


def test_a_launch_without_the_cells_of_a_claim_does_not_test_it(launch: Launch, out: Path) -> None:
    launch(changed=lambda plan: replace(plan, cells=plan.cells[1:]))
    assert not found(out).findings
    assert found(out, "ns-collapses-on-the-ring").findings


def test_the_papers_profile_says_what_it_says_of_itself(launch: Launch, out: Path) -> None:
    store = launch("paper")
    assert found(out).findings[0].changed == store.plan().note


def test_a_study_without_a_papers_profile_says_its_note(out: Path) -> None:
    plan = plan_study(find("wgan-clip"), "quick", now=datetime(2026, 1, 1, tzinfo=UTC), seeds=2)
    store = Store(out / plan.study / plan.launch)
    store.write_plan(plan)
    rows = [row for block in plan.blocks() for row in decide_block(plan, block, None, Status.FINISHED)]
    store.write_records(tuple(replace(row, outcome=GOOD) for row in rows))
    finding = found(out, "rmsprop-beats-adam").findings[0]
    assert finding.changed == plan.note
    assert finding.plan == ""


def test_outcomes_by_thresholds_of_after_the_run_are_marked(launch: Launch, out: Path) -> None:
    store = launch()
    rule = replace(store.plan().rule, coverage_min=0.1)
    store.write_decided(rule, store.records())
    assert found(out).findings[0].redecided == rule.label()
    assert f"decided after the run by {rule.label()}" in markdown(collect(out))


def _edited(store: Store) -> None:
    text = store.plan_path.read_text().replace('"alpha": 0.05', '"alpha": 0.2', 1)
    store.plan_path.write_text(text)


def _broken(store: Store) -> None:
    store.records_path.write_bytes(b"no table at all")


def _newer(store: Store) -> None:
    table = pq.read_table(store.records_path)
    pq.write_table(table.replace_schema_metadata({b"records": json.dumps({"schema": 99})}), store.records_path)


def _unplanned(store: Store) -> None:
    store.plan_path.write_text("{}")


def _ruled(store: Store) -> None:
    store.rule_path.write_text('{"window": "long"}')


def _foreign(store: Store) -> None:
    pq.write_table(pa.table({"x": [1]}), store.records_path)


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (_edited, "60 records are of the plan"),
        (_broken, "records.parquet"),
        (_newer, "schema 99"),
        (_unplanned, "spec.json cannot be read"),
        (_foreign, "holds no records"),
        (_ruled, "rule"),
    ],
)
def test_an_unreadable_launch_is_one_line_and_the_others_go_on(
    launch: Launch, out: Path, harm: Callable[[Store], None], why: str
) -> None:
    launch("quick", 1)
    store = launch("quick", 2)
    harm(store)
    ledger = collect(out)
    assert [finding.launch for finding in found(out).findings] == ["20260101-000000-quick"]
    assert len(ledger.left_out) == 1
    assert ledger.left_out[0].startswith(f"{store.root} is left out: ")
    assert why in ledger.left_out[0]
    assert "\n" not in ledger.left_out[0]


def test_a_launch_of_a_study_that_is_not_here_is_left_out(launch: Launch, out: Path) -> None:
    launch(changed=lambda plan: replace(plan, study="yours"))
    assert collect(out).left_out[0].endswith("is left out: there is no study yours")


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("Mao et al. 2017, section 4.4", "Mao et al. 2017"),
        ("derived from Mao et al. 2017, section 3.2", "Mao et al. 2017"),
        ("Srivastava et al. 2017, section 4.1; Lin et al. 2018", "Srivastava et al. 2017"),
        ("Arora & Zhang 2017", "Arora & Zhang 2017"),
        ("a question of ours; Mao et al. 2017 calls the two similar", OWN),
        ("ours: what the discriminators add", OWN),
    ],
)
def test_a_claim_belongs_to_the_paper_that_it_names_first(source: str, name: str) -> None:
    assert paper(source) == name


def test_papers_come_by_year_and_our_own_questions_last(out: Path) -> None:
    papers = list(collect(out).by_paper())
    years = [name[-4:] for name in papers[:-1]]
    assert years == sorted(years)
    assert papers[-1] == OWN


def test_the_command_fits_the_terminal_and_writes_the_document(
    launch: Launch, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "_width", 100)
    launch("quick")
    broken = launch("standard", 2)
    broken.records_path.write_bytes(b"")
    document = tmp_path / "docs" / "claims.md"
    done = CliRunner().invoke(app, ["claims", "--out", str(out), "--markdown", str(document)])
    assert done.exit_code == 0, done.output
    shown: Sequence[str] = [line for line in done.output.splitlines() if str(tmp_path) not in line]
    assert max(map(len, shown)) <= 100
    assert f"3 of {len(collect(out).claims)} claims have been run" in done.output
    assert "supported" in done.output
    assert f"{broken.root} is left out" in done.output
    assert document.read_text() == markdown(collect(out))


def test_only_outcomes_and_plans_make_a_verdict(launch: Launch, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A launch that ran until it was decided is judged as such."""
    seen: list[bool] = []
    judge = launches.judge

    def spy(*arguments: Any, anytime: bool) -> Any:
        seen.append(anytime)
        return judge(*arguments, anytime=anytime)

    monkeypatch.setattr(launches, "judge", spy)
    launch("quick", 1)
    launch("standard", 2, until_decided=True)
    collect(out)
    assert sorted(seen) == [False, True]
