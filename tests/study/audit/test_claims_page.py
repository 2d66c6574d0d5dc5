"""The reproduction ledger as a document."""

from dataclasses import replace
from pathlib import Path

import study
from study.audit import claims
from study.audit.claims import collect
from study.audit.claims_page import markdown
from study.design.hypotheses import Share
from study.design.plan import Plan
from study.evidence.judging import Verdict
from study.outcomes.outcome import Outcome
from tests.study.audit.made_claims import Launch


def rows(text: str) -> list[list[str]]:
    """The cells of all rows of claims."""
    lines = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| claim")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def row(out: Path, claim: str) -> list[str]:
    """The cells behind the claim that begins so."""
    (found,) = [cells for cells in rows(markdown(collect(out))) if cells[0].startswith(claim)]
    return found[1:]


def test_there_is_a_row_for_every_claim_and_finding(launch: Launch, out: Path) -> None:
    launch("quick")
    launch("smoke", seeds=2, ls=1)
    text, ledger = markdown(collect(out)), collect(out)
    assert len(rows(text)) == sum(max(1, len(claim.findings)) for claim in ledger.claims)
    assert {len(cells) for cells in rows(text)} == {7}
    assert "nan" not in text.lower().replace("finance", "")
    assert f"Of {len(ledger.claims)} claims 3 have been run: 3 supported, 0 contradicted and 0 undecided." in " ".join(
        text.split()
    )


def test_a_decided_claim_has_rates_with_intervals_and_how_the_others_failed(launch: Launch, out: Path) -> None:
    store = launch("quick", ls=10, ns=0)
    verdict, converged, p, failures, scale, where = row(out, "On the official ring, least squares (0,1,1) keeps")
    assert verdict.startswith("**supported**")
    assert converged == "10 of 10, 1.00 [0.72, 1.00] against 0 of 10, 0.00 [0.00, 0.28] converged; 1.00 [0.38, 1.00]"
    assert (p, failures) == ("0.006", "10 mode collapsed")
    assert scale == "**quick**: 8,000 of 35,000 steps; batch 128 for 512"
    assert where == f"{store.plan().launch} `{store.plan().digest()}`"


def test_an_open_claim_says_how_many_seeds_it_would_take(launch: Launch, out: Path) -> None:
    launch("quick", ls=6, ns=3)
    finding = next(
        claim for claim in collect(out).claims if claim.hypothesis.name == "ls-beats-ns-on-the-ring"
    ).findings[0]
    assert finding.judgment.verdict is Verdict.UNDECIDED
    assert finding.more is not None
    assert 20 < finding.more <= 200
    verdict, *_ = row(out, "On the official ring, least squares (0,1,1) keeps")
    assert verdict.startswith(f"**undecided** (about {finding.more} seeds per cell would decide it")


def test_a_claim_at_its_border_says_that_seeds_do_not_help(launch: Launch, out: Path) -> None:
    launch("quick", ls=5, ns=5)
    verdict, *_ = row(out, "On the official ring, least squares (0,1,1) keeps")
    assert verdict.startswith("**undecided** (more than 200 seeds per cell would be needed")


def test_what_is_decided_where_no_cell_trains_says_so(launch: Launch, out: Path) -> None:
    launch("quick", ls=0, ns=0)
    fails, *_ = row(out, "On the official ring, cross-entropy succeeds in fewer than half")
    assert fails.startswith("**supported** (floor effect: no cell of this launch trains")
    keeps, *_ = row(out, "On the official ring, least squares (0,1,1) keeps")
    assert "floor" not in keeps  # it is open
    assert "Of the decided ones 2 were so where no cell trains, or every cell does." in " ".join(
        markdown(collect(out)).split()
    )


def test_a_claim_about_a_way_of_failing_knows_no_floor(launch: Launch, out: Path) -> None:
    def collapses(plan: Plan) -> Plan:
        wanted = [
            replace(own, outcomes=(Outcome.MODE_COLLAPSED,), side="above") if isinstance(own, Share) else own
            for own in plan.hypotheses
        ]
        return replace(plan, hypotheses=tuple(wanted))

    store = launch("quick", ls=0, ns=0, changed=collapses)
    found = study.load(store.root)
    effects = {judgment.hypothesis.name: claims._effect(found, judgment.hypothesis) for judgment in found.verdicts}
    assert effects == {"ls-beats-ns-on-the-ring": "floor", "ls-learns-the-ring": "", "ns-collapses-on-the-ring": ""}


def test_a_claim_without_a_launch_is_not_run(out: Path) -> None:
    verdict, *others = row(out, "On the official ring, least squares (0,1,1) keeps")
    assert (verdict, set(others)) == ("not run", {"–"})


def test_what_is_left_out_stands_at_the_end(launch: Launch, out: Path) -> None:
    store = launch(changed=lambda plan: replace(plan, study="yours"))
    assert markdown(collect(out)).endswith(f"## Left out\n\n* {store.root} is left out: there is no study yours\n")
