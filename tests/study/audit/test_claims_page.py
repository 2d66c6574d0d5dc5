"""The reproduction ledger as a document."""

from dataclasses import replace
from pathlib import Path

from study.audit.claims import collect
from study.audit.claims_page import markdown
from study.evidence.judging import Verdict
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


def test_a_claim_without_a_launch_is_not_run(out: Path) -> None:
    verdict, *others = row(out, "On the official ring, least squares (0,1,1) keeps")
    assert (verdict, set(others)) == ("not run", {"–"})


def test_what_is_left_out_stands_at_the_end(launch: Launch, out: Path) -> None:
    store = launch(changed=lambda plan: replace(plan, study="yours"))
    assert markdown(collect(out)).endswith(f"## Left out\n\n* {store.root} is left out: there is no study yours\n")
