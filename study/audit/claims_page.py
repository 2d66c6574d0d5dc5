"""The reproduction ledger as Markdown: one row per claim and launch, a table per paper."""

from collections import Counter
from collections.abc import Callable, Iterator

from study import formatting
from study.audit.claims import Claim, Claims, Finding, redecided
from study.evidence.judging import Judgment, Verdict
from study.evidence.outlook import CHANCE, MOST
from study.report import phrases

_PREFACE = """# Which claims replicate

The stability claims of the literature that the studies test, each with what the newest launch of each profile says of
it. {counted} Written by `study claims --markdown` from plans and records.

* **Verdict**: of the claim as the study declares it before its first seed, which the plan's digest names. p is
  adjusted (Holm) for all hypotheses of the launch. *Fragile* means that another plausible threshold of the outcome rule
  gives another verdict; the nearest one stands beside it. An open claim comes with the seeds per cell that would decide
  it with a chance of {chance} if the rates are as observed. A *floor* or *ceiling effect* means that no replica of any
  cell of the launch converged, or every one: what is decided there about success may be due to the scale alone.
* **Counted**: of the replicas that were compared those that converged, or that ended as the claim says, with the 95 %
  interval of each rate, and the difference.
* **Scale**: the launch's profile, and what it changed against the study's profile `paper`, found by comparing the
  configurations field by field; where there is none, the profile says it of itself. A verdict is about that scale."""
_COLUMNS = ("claim", "verdict", "counted", "p", "failures", "scale", "launch, plan")
_EMPTY = len(_COLUMNS) - 2
_EFFECTS = {"floor": "no cell of this launch trains", "ceiling": "every cell of this launch trains"}


def _named(finding: Finding) -> str:
    return finding.launch


def counted(ledger: Claims) -> str:
    """Say in a sentence how many claims have been run, and with which verdicts of their largest profiles."""
    run = [claim for claim in ledger.claims if claim.findings]
    verdicts = Counter(_last(claim).judgment.verdict for claim in run)
    counts = formatting.joined(f"{verdicts[own]} {own.value}" for own in Verdict)
    flat = sum(bool(_at_an_end(_last(claim))) for claim in run)
    were = "was" if flat == 1 else "were"
    ends = f" Of the decided ones {flat} {were} so where no cell trains, or every cell does." if flat else ""
    return f"Of {len(ledger.claims)} claims {len(run)} {'has' if len(run) == 1 else 'have'} been run: {counts}.{ends}"


def markdown(ledger: Claims, named: Callable[[Finding], str] = _named) -> str:
    """Return the ledger for a document.

    Args:
        named: what names a finding's launch, such as a link to a page about it.
    """
    parts = [_PREFACE.format(counted=counted(ledger), chance=formatting.number(CHANCE))]
    for name, claims in ledger.by_paper().items():
        rows = "\n".join(row for claim in claims for row in _rows(claim, named))
        parts.append(f"## {name}\n\n| {' | '.join(_COLUMNS)} |\n|{'---|' * len(_COLUMNS)}\n{rows}")
    if ledger.left_out:
        parts.append("## Left out\n\n" + "\n".join(f"* {sentence}" for sentence in ledger.left_out))
    return "\n\n".join(parts) + "\n"


def _last(claim: Claim) -> Finding:
    """Return the finding of the largest profile: the last one in the study's order."""
    return claim.findings[-1]


def _at_an_end(finding: Finding) -> str:
    """Return ``floor`` or ``ceiling`` for a claim that was decided where all cells are alike; "" for all others."""
    return "" if finding.judgment.verdict is Verdict.UNDECIDED else finding.effect


def _rows(claim: Claim, named: Callable[[Finding], str]) -> Iterator[str]:
    said = f"{claim.hypothesis.claim} <br>*{claim.hypothesis.source}; study `{claim.study}`*"
    rows = [_row(finding, named(finding)) for finding in claim.findings] or [
        ("not run", *[formatting.NOTHING] * _EMPTY)
    ]
    for place, row in enumerate(rows):
        cells = (said if place == 0 else "", *row)
        yield f"| {' | '.join(text.replace('|', chr(92) + '|') for text in cells)} |"


def _row(finding: Finding, name: str) -> tuple[str, ...]:
    judgment = finding.judgment
    return (
        _verdict(finding),
        _counted(judgment),
        formatting.p_value(judgment.p_adjusted),
        ", ".join(f"{n} {phrases.LABELS[outcome]}" for outcome, n in finding.failures.items()) or "none",
        f"**{finding.profile}**: {finding.changed}{redecided(finding)}",
        f"{name} `{finding.plan or formatting.NOTHING}`",
    )


def _verdict(finding: Finding) -> str:
    judgment = finding.judgment
    fragile = judgment.fragility.sentence(1) if judgment.fragility else ""
    if judgment.verdict is Verdict.UNDECIDED and judgment.p is not None:
        units = "draws" if judgment.hypothesis.drawn else "seeds per cell"
        wanted = f"about {finding.more} {units} would decide it"
        most = "many more draws" if judgment.hypothesis.drawn else f"more than {MOST} {units}"
        seeds = wanted if finding.more is not None else f"{most} would be needed"
        return f"**{judgment.word}** ({seeds}{f'; {fragile}' if fragile else ''})"
    effect = _at_an_end(finding)
    beside = "; ".join(filter(None, (f"{effect} effect: {_EFFECTS[effect]}" if effect else "", fragile)))
    return f"**{judgment.word}**{f' ({beside})' if beside else ''}"


def _counted(judgment: Judgment) -> str:
    parts = [f"{phrases.count(rate)}, {phrases.share(rate)}" for rate in judgment.rates]
    if not parts:
        return formatting.NOTHING
    text = f"{' against '.join(parts)} {phrases.counted(judgment.hypothesis)}"
    if judgment.difference is None:
        return text
    value, low, high = judgment.difference
    return f"{text}; {formatting.number(value)} {formatting.interval(low, high)}"
