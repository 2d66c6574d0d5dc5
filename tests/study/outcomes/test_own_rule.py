"""Outcome rules of plugins: chosen, applied, absent, changed, failing."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import study
from study import report
from study.audit.verify import verify
from study.cli import app
from study.design.parsing import assign_flat
from study.evidence.near_misses import near_misses
from study.evidence.sensitivity import SensitivityAnalysis
from study.outcomes.decision import decide, undecidable
from study.outcomes.futility import is_futile
from study.outcomes.outcome import Outcome
from study.outcomes.own_rule import OwnRule, RuleFailed, check_here
from study.outcomes.rule import MIXTURE_RULE, OutcomeRule
from study.report.page import rule_rows
from study.scheduling.ledger import Ledger, failures, redecide
from study.storage.store import Store
from study.studies import find
from study.validation import conformance
from study.validation.competence import competence
from tests.made_plugins import STEADY, file, forgotten
from tests.study.ended_launches import MIXED, make_launch
from tests.study.made_searches import BASE, go, searching
from tests.study.made_searches import begin as begin_search
from tests.study.made_searches import plan as search_plan
from tests.study.made_traces import trace_of
from trainables import plugins

pytestmark = pytest.mark.usefixtures("no_plugins")


@pytest.fixture
def steady(tmp_path: Path) -> Path:
    path = file(tmp_path / "own", STEADY, "steady_rule")
    plugins.load(path)
    return path


def ruled(kind: str = "steady", **settings: float) -> OutcomeRule:
    return replace(MIXTURE_RULE, name="mine", own_rule=OwnRule(kind=kind, settings=settings))


def broken(tmp_path: Path, body: str) -> OutcomeRule:
    text = STEADY.replace('"steady"', '"broken"').partition("        if len(rows")[0] + f"        {body}\n"
    plugins.load(file(tmp_path / "own", text, "broken_rule"))
    return ruled("broken")


def test_the_rule_decides_in_place_of_the_thresholds(steady: Path) -> None:
    good, poor = trace_of("PPGGGGG", "mixture"), trace_of("PPPPPPP", "mixture")
    assert [decide(own, ruled()).outcome for own in (good, poor)] == [Outcome.CONVERGED, Outcome.NOT_LEARNED]
    assert decide(poor, ruled(floor=-9)).outcome is Outcome.CONVERGED
    assert decide(good, ruled(last=40)).outcome is Outcome.UNDECIDED
    assert undecidable(good, ruled(last=40)) == ""


def test_rows_come_in_order_of_steps_and_are_copies(tmp_path: Path) -> None:
    rule = broken(tmp_path, "ordered = (rows['step'][1:] > rows['step'][:-1]).all(); rows['step'][:] = 0;"
                  " return 'converged' if ordered else 'degraded'")  # fmt: skip
    trace = trace_of("PPGGGGG", "mixture")
    turned = replace(trace, columns={name: values[::-1] for name, values in trace.columns.items()})
    assert decide(turned, rule).outcome is decide(turned, rule).outcome is Outcome.CONVERGED


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_is_a_failure_for_every_rule(tmp_path: Path, value: float) -> None:
    trace = trace_of("PPGGGGG", "mixture")
    lost = replace(trace, columns={**trace.columns, "d_loss": np.full(len(trace), value)})
    rule = broken(tmp_path, "return 'undecided'")
    assert decide(lost, rule).outcome is Outcome.DIVERGED
    assert decide(trace, rule).outcome is Outcome.UNDECIDED


def test_its_digest_and_settings_are_in_the_label(steady: Path, tmp_path: Path) -> None:
    labels = {ruled().label(), ruled(floor=0.25).label(), MIXTURE_RULE.label()}
    file(tmp_path / "own", STEADY + "# changed\n", "steady_rule")
    plugins.load(steady)
    assert len(labels | {ruled().label()}) == 4
    assert ruled(floor=1) == ruled(floor=1.0)
    assert ruled().own_rule == OwnRule(kind="steady", settings={"last": 3, "floor": 0.5})


@pytest.mark.parametrize(("given", "sentence"), [
    ({"kind": "stedy"}, "own_rule.kind must be one of steady, got 'stedy': add --plugin with its file: did you"),
    ({"kind": "steady", "settings": {"floor": "x"}}, "own_rule.settings.floor must be a finite float, got 'x'"),
    ({"kind": "steady", "settings": {"last": 1.5}}, "own_rule.settings.last must be a finite int, got 1.5"),
    ({"kind": "steady", "settings": {"flor": 1}}, "own_rule.settings.flor is no field: the rule has floor and last"),
    ({"kind": "steady", "settings": {"floor": 2}}, "floor must be <= 1, got 2.0"),
])  # fmt: skip
def test_what_does_not_fit_is_one_sentence(steady: Path, given: object, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence) as caught:
        assign_flat(MIXTURE_RULE, {"own_rule": given})
    assert "\n" not in str(caught.value)


def test_without_any_plugin_there_is_no_rule() -> None:
    with pytest.raises(ValueError, match=r"own_rule.kind must be that of a plugin, got 'steady': add --plugin"):
        ruled()


@pytest.mark.parametrize(("body", "sentence"), [
    ("return 1 / 0", r"rule broken of the plugin broken_rule failed with ZeroDivisionError in line 2\d: division"),
    ("return rows['no_such']", r"failed with KeyError in line 2\d: 'no_such'"),
    ("return 'good'", r"must return converged, .* or memorized, got 'good'"),
    ("return None", r"must return converged, .*, got None"),
    ("import random; return 'converged' if random.random() else ''", "a plugin must draw no global random numbers"),
])  # fmt: skip
def test_a_rule_that_fails_leaves_the_replica_undecided_and_says_why(tmp_path: Path, body: str, sentence: str) -> None:
    rule, trace = broken(tmp_path, body), trace_of("PPGGGGG", "mixture")
    assert decide(trace, rule).outcome is Outcome.UNDECIDED
    assert re.search(sentence, undecidable(trace, rule))


def test_a_replica_is_lost_for_sure_only_if_it_blew_up(steady: Path) -> None:
    trace = trace_of("PPPPPPP", "mixture")
    steps, every = int(trace.columns["step"].max()), int(np.diff(trace.columns["step"])[0])
    assert is_futile(trace, MIXTURE_RULE, steps, every)
    assert not is_futile(trace, ruled(), steps, every)
    lost = replace(trace, columns={**trace.columns, "finite": np.zeros(len(trace))})
    assert is_futile(lost, ruled(), steps, every)


def test_real_data_and_impostors_are_judged_by_it_before_a_launch(steady: Path, tmp_path: Path) -> None:
    assert competence(BASE, ruled(), None).passes
    refused = competence(BASE, broken(tmp_path, "return 'not_learned'"), None)
    assert not refused.passes


# Launches


@pytest.fixture
def launch(steady: Path, tmp_path: Path) -> Store:
    """A launch that was decided again by the rule."""
    store = make_launch(tmp_path / "runs", MIXED)
    ledger = redecide(store.plan(), store, ruled())
    ledger.write()
    report.build(store)
    return store


@pytest.fixture
def said() -> Callable[..., tuple[int, str]]:
    def run(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, words, env={"COLUMNS": "200"})
        return result.exit_code, " ".join(result.output.split())

    return run


def test_a_launch_is_decided_again_by_command(
    steady: Path, tmp_path: Path, said: Callable[..., tuple[int, str]]
) -> None:
    store = make_launch(tmp_path / "runs", MIXED)
    before = [record.outcome for record in redecide(store.plan(), store, store.rule()).records]
    code, text = said("decide", str(store.root), "--plugin", str(steady), "--rule", 'own_rule={"kind": "steady"}')
    assert (code, "replicas have a different outcome" in text) == (0, True)
    assert {record.rule for record in store.records()} == {store.rule().label()}
    assert store.rule().own_rule == OwnRule(kind="steady")
    (kept,) = store.root.glob("rules/*/steady_rule.py")
    assert kept.read_text() == steady.read_text()
    assert said("decide", str(store.root))[0] == 0
    assert [record.outcome for record in store.records()] == before


def test_a_rule_that_fails_changes_nothing_that_was_decided(tmp_path: Path) -> None:
    store = make_launch(tmp_path / "runs", MIXED)
    before = store.records_path.read_bytes()
    with pytest.raises(
        ValueError, match="cannot be decided again: the outcome rule broken of the plugin broken_rule fai"
    ):
        redecide(store.plan(), store, broken(tmp_path, "return 1 / 0"))
    assert store.records_path.read_bytes() == before


def test_a_rule_that_fails_while_it_trains_is_said_and_the_rest_is_kept(tmp_path: Path) -> None:
    rule = broken(tmp_path, "return 1 / 0")
    store, ledger = begin_search(tmp_path, replace(search_plan(blocks=3), rule=rule))
    go(store, ledger, searching(ledger))
    ledger.write()
    (why,) = failures(ledger)
    assert why.startswith("the outcome rule broken of the plugin broken_rule failed with ZeroDivisionError")
    assert {record.outcome for record in store.records() if record.steps} <= {Outcome.UNDECIDED, Outcome.DIVERGED}


def test_readers_need_no_plugin_but_deciding_does(launch: Store, said: Callable[..., tuple[int, str]]) -> None:
    stored = [record.outcome for record in launch.records()]
    with forgotten():
        loaded = study.load(launch.root)
        assert [Outcome(own) for own in loaded.records.outcome] == stored
        assert loaded.rule.own_rule is not None
        report.build(launch)
        page = launch.report_path.read_text(encoding="utf-8")
        assert "Outcomes are decided by the rule steady(floor=0.5, last=3) of the plugin steady_rule, digest " in page
        assert [record.outcome for record in launch.records()] == stored
        assert said("status", str(launch.root))[0] == 0
        needs = "deciding by the outcome rule steady needs the plugin steady_rule: add --plugin with its file"
        with pytest.raises(ValueError, match=needs):
            loaded.decide(quality_min=0.5)
        with pytest.raises(ValueError, match=needs):
            redecide(launch.plan(), launch, launch.rule())
        with pytest.raises(ValueError, match="the plugin steady_rule must be given for this launch: add --plugin"):
            verify(launch)
        assert [record.outcome for record in launch.records()] == stored


def test_verify_decides_by_it_again(launch: Store, steady: Path) -> None:
    checks = {check.name: check for check in verify(launch)}
    assert not checks["records"].differences
    plugins.load(file(steady.parent, STEADY.replace("floor: float = 0.5", "floor: float = 0.9"), "steady_rule"))
    with pytest.raises(
        RuleFailed, match=r"of the outcome rule steady must have digest \w+, as when it was chosen, got"
    ):
        check_here(launch.rule().own_rule)


def test_a_plan_keeps_its_source_and_says_so(steady: Path) -> None:
    base = find("mixture-modes")
    profile = replace(base.profiles["smoke"], rule=ruled())
    plan = study.plan(replace(base, profiles={"smoke": profile}), "smoke")
    assert [own.name for own in plan.plugins] == ["steady_rule"]
    assert study.plan("mixture-modes", "smoke").plugins == ()


def test_no_threshold_is_called_decisive(launch: Store) -> None:
    loaded = study.load(launch.root)
    analysis: SensitivityAnalysis = loaded.sensitivity
    near = [replace(record, borderline=True) for record in loaded.replicas]
    assert near_misses(near, MIXTURE_RULE)
    assert near_misses(near, replace(MIXTURE_RULE, own_rule=OwnRule(kind="steady"))) == ()
    assert ("own_rule", "steady(floor=0.5, last=3) of the plugin steady_rule") in [
        row[:2] for row in rule_rows(loaded.rule)
    ]
    assert "own_rule" not in [row[0] for row in rule_rows(MIXTURE_RULE)]
    assert analysis.thresholds == {}
    assert "outcomes are decided by steady(floor=0.5, last=3) of the plugin steady_rule" in analysis.unknown


# Checks


def test_a_sound_rule_holds(steady: Path) -> None:
    findings = {own.check: own for own in conformance.check("steady_rule")}
    assert {name: own.holds for name, own in findings.items()} == {"docstring": True, "rows": True}
    assert findings["rows"].said.startswith("rows of points, in any order, NaN and none; calls samples")


@pytest.mark.parametrize(("body", "sentence"), [
    ("return 'converged'", "decide must call a replica without rows undecided, got converged"),
    ("return 'undecided' if not len(rows['step']) else 'converged'", r"of which nothing could be measured \(NaN\)"),
    ("return 'undecided' if rows['step'][0] else 'x'", "failed with IndexError|must return converged"),
    ("self.seen.append(1); return 'converged' if len(self.seen) % 2 else 'degraded'", "decide must say the same of"),
])  # fmt: skip
def test_what_a_rule_does_not_hold_is_one_sentence(tmp_path: Path, body: str, sentence: str) -> None:
    text = STEADY.replace('"steady"', '"broken"').partition("        if len(rows")[0] + f"        {body}\n"
    text = text.replace("source: ClassVar[str]", "seen: ClassVar[list] = []\n    source: ClassVar[str]")
    plugins.load(file(tmp_path, text, "unsound_rule"))
    (finding,) = (own for own in conformance.check("unsound_rule") if own.check == "rows")
    assert not finding.holds
    assert re.search(sentence, finding.said)


@pytest.mark.parametrize(("old", "new", "sentence"), [
    ("floor: float = 0.5", "floor: float", "must have a number, truth value or text as default of floor, got none"),
    ("def decide", "def judge", "the outcome rule Steady must define decide"),
    ("@dataclass(frozen=True, kw_only=True)", "", "the outcome rule Steady must be a frozen dataclass"),
])  # fmt: skip
def test_what_is_no_rule_is_refused(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        plugins.load(file(tmp_path, STEADY.replace(old, new), "no_rule"))


def test_a_ledger_without_a_rule_of_a_plugin_has_no_failures(tmp_path: Path) -> None:
    store = make_launch(tmp_path / "runs", MIXED)
    assert failures(Ledger(store.plan(), store)) == ()
