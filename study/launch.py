"""``Launch``: one stored launch and everything computed from it, each once and only on demand."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any

from study import formatting
from study.design.parsing import assign_flat
from study.design.plan import Block, Plan
from study.design.values import differences, exact
from study.evidence import frames, time_to_failure
from study.evidence.estimates import CellSummary, Comparison, compare, summarize
from study.evidence.judging import Judgment, Verdict, judge
from study.evidence.known_metrics import KnownMetrics, known_metrics
from study.evidence.reliability import reliable_cells
from study.evidence.sensitivity import SensitivityAnalysis
from study.evidence.time_to_failure import LifetimeComparison
from study.outcomes.own_rule import check_here, is_here
from study.outcomes.rule import OutcomeRule
from study.storage import metrics_table
from study.storage.records import Record, Status, decide_block
from study.storage.store import Store
from study.storage.trained import Trained
from trainables.data import pixels
from trainables.trace import ReplicaTrace, Trace

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd
    import pyarrow as pa
    from PIL import Image
    from torch import Tensor, nn


_SHOWN = 40
"""Most cells that a launch lists of itself in a notebook."""


class Launch:
    """One stored launch and everything computed from it.

    ``study.load`` and ``study.run`` make one. Numbers come as pandas data frames (``records``, ``cells``,
    ``contrasts``, ``trace``), verdicts as values that print as one sentence each. In a notebook a launch shows its
    cells and verdicts.

    Args:
        store: its folder, with plan, traces and pictures.
        replicas: its records, decided by ``rule``; by default the stored records.
        rule: the outcome rule; by default the rule of the stored records.
        draw: draws a figure of a launch by its name.

    Raises:
        ValueError: if there is no launch in the folder, or its plan, records or rule cannot be read.
    """

    def __init__(
        self,
        store: Store,
        replicas: Sequence[Record] | None = None,
        rule: OutcomeRule | None = None,
        draw: "Callable[[Launch, str], Any] | None" = None,
    ) -> None:
        self.store = store
        self.plan: Plan = store.plan()
        self.replicas: Sequence[Record] = _planned(self.plan, store) if replicas is None else replicas
        self.rule: OutcomeRule = store.rule() if rule is None else rule
        self._draw = draw

    @cached_property
    def records(self) -> "pd.DataFrame":
        """One row per planned replica: seed, levels, status, outcome, evidence, cost and versions.

        Examples:
            >>> import study
            >>> study.load(stored).records.outcome.value_counts().to_dict()
            {'not_learned': 8, 'converged': 4}
        """
        return frames.records(self.replicas)

    @cached_property
    def cells(self) -> "pd.DataFrame":
        """One row per cell: ``rate`` with its 95 % Wilson interval ``low`` to ``high``, and the count of each outcome.

        Examples:
            >>> import study
            >>> cells = study.load(stored).cells
            >>> cells.set_index("cell_name").converged.to_dict()["r1 / simultaneous"]
            2
        """
        return frames.cells(self.summaries)

    @cached_property
    def contrasts(self) -> "pd.DataFrame":
        """One row per declared contrast and levels of the other factors: difference, interval, exact p, Holm's p."""
        return frames.contrasts(self.comparisons)

    @property
    def metrics(self) -> "pd.DataFrame":
        """One row per replica and feature extractor of :func:`study.measure_metrics`; no verdict uses them.

        FID, KID and so on. Empty if nothing was measured. Columns are in docs/reference/files.md.

        Raises:
            DamagedFile: if the file is damaged.
        """
        import pandas as pd

        return pd.DataFrame(metrics_table.read(self.store), columns=list(metrics_table.columns()))

    def trace(self, cell: int, seed: int) -> "pd.DataFrame":
        """Return the series of one replica, a row per report; ``step`` counts updates of the generator.

        Args:
            cell: index of the cell.
            seed: the replica's seed.

        Raises:
            ValueError: if the launch has no such replica, or no trace of it yet.

        Examples:
            >>> import study
            >>> study.load(stored).trace(cell=0, seed=0).step.is_monotonic_increasing
            True
        """
        import pandas as pd

        columns = self._of(cell, seed).columns
        return pd.DataFrame({name: list(values) if values.ndim > 1 else values for name, values in columns.items()})

    def samples(self, cell: int, seed: int) -> "dict[int, Image.Image]":
        """Return the sample grids of one replica by step; empty if there are none.

        Args:
            cell: index of the cell.
            seed: the replica's seed.

        Raises:
            ValueError: if the launch has no such replica, or a grid is damaged.
        """
        self._block(cell, seed)
        grids: dict[int, Image.Image] = {}
        for path in self.store.grids(cell, seed):
            grids[int(path.stem.removeprefix("step-"))] = pixels.stored(path)
        return grids

    def generator(self, cell: int, seed: int, which: str = "last") -> "nn.Module":
        """Return the trained generator of one replica as a plain ``nn.Module``, in evaluation mode on the CPU.

        It maps noise ``[B, dim]``, and labels ``[B]`` if it is conditioned, to samples ``[B, *shape]``; of an
        autoencoder it is the decoder. Layers with batch norm follow the configuration's ``evaluation.batch_norm``: with
        the statistics of the batch a sample depends on its batch, so give it whole batches of the training size.

        Args:
            cell: index of the cell.
            seed: the replica's seed.
            which: ``last`` or ``best`` (see ``study run --keep``).

        Raises:
            ValueError: if the launch has no such replica, its networks were not kept, or a file of them is damaged.

        Examples:
            >>> import study
            >>> launch = study.load(kept)
            >>> generator = launch.generator(cell=0, seed=0)
            >>> tuple(generator(*launch.inputs(cell=0, seed=0, n=5)).shape)
            (5, 1)
        """
        return self.trained(cell, seed, which).sampler()

    def discriminator(self, cell: int, seed: int, which: str = "last") -> "nn.Module":
        """Return the trained discriminator of one replica; arguments and errors as :meth:`generator`.

        It maps samples (and labels, if it takes any) to scores ``[B]``, of an autoencoder codes.
        """
        return self.network(cell, seed, "discriminator", which)

    def network(self, cell: int, seed: int, name: str, which: str = "last") -> "nn.Module":
        """Return a trained network by its name, such as ``encoder``; other arguments and errors as :meth:`generator`.

        Args:
            cell: index of the cell.
            seed: the replica's seed.
            name: ``generator`` or ``discriminator``; of an autoencoder ``encoder``, ``decoder`` and, where it has them,
                ``discriminator`` and ``label_discriminator``.
            which: ``last`` or ``best``.
        """
        return self.trained(cell, seed, which).network(name)

    def inputs(
        self, cell: int, seed: int, n: int = 64, *, labels: Sequence[int] | None = None, which: str = "last"
    ) -> "tuple[Tensor, ...]":
        """Draw what the lab gives a generator: the arguments for the first ``n`` samples of every report.

        Args:
            cell: index of the cell.
            seed: the replica's seed.
            n: samples, at least 1.
            labels: classes to make, over and over, for a conditioned generator; by default uniform random ones.
            which: ``last`` or ``best``.

        Returns:
            Noise ``[n, dim]``, and labels ``[n]`` for a conditioned generator; of an autoencoder codes, behind one-hot
            labels where the decoder reads any.

        Raises:
            ValueError: as :meth:`generator`, or if ``n`` or a label is out of its range.
        """
        return self.trained(cell, seed, which).inputs(n, labels)

    def generate(
        self, cell: int, seed: int, n: int = 64, *, labels: Sequence[int] | None = None, which: str = "last"
    ) -> "npt.NDArray[np.floating[Any]]":
        """Make samples of one replica from its kept weights: the first ``n`` of those that every report measured.

        They are made in batches of the training size, as reports are, and equal what the last report saw but for
        rounding. More than ``evaluation.samples`` of them are further draws of the same stream.

        Args:
            cell: index of the cell.
            seed: the replica's seed.
            n: samples, at least 1.
            labels: classes to make, over and over, for a conditioned generator; by default uniform random ones.
            which: ``last`` or ``best``.

        Returns:
            ``[n, *shape]``; images are ``[n, channels, height, width]`` in [-1, 1].

        Raises:
            ValueError: as :meth:`generator`, or if ``n`` or a label is out of its range.

        Examples:
            >>> import study
            >>> study.load(kept).generate(cell=0, seed=0, n=5).shape
            (5, 1)
        """
        return self.trained(cell, seed, which).samples(n, labels)

    def trained(self, cell: int, seed: int, which: str = "last") -> Trained:
        """Return the kept networks of one replica, and what is known of them; errors as :meth:`generator`.

        Their ``about`` is a mapping: ``step`` after which they were kept, ``seed``, ``config``, ``classes`` of the
        data, ``device``, ``versions``, and of the best ones ``chosen``: the rule and the standing that chose them.

        Args:
            cell: index of the cell.
            seed: the replica's seed.
            which: ``last`` or ``best``.

        Examples:
            >>> import study
            >>> study.load(kept).trained(cell=0, seed=0).about["step"]
            20
        """
        self._block(cell, seed)
        return Trained(self.store, self.plan, cell, seed, which)

    def figure(self, name: str) -> Any:
        """Draw a figure of the launch.

        Args:
            name: a name of ``study figure``, such as ``success``, ``map`` or ``survival``.

        Returns:
            A drawing that shows itself in a notebook; its ``save(path)`` writes ``.svg``, ``.pdf`` or ``.png``.

        Raises:
            ValueError: if there is no figure of that name, or the launch has no data for it.

        Examples:
            >>> import study
            >>> study.load(stored).figure("success").save(folder / "success.svg").name
            'success.svg'
        """
        if self._draw is None:
            raise ValueError("figure needs a launch that study.load or study.run returned")
        return self._draw(self, name)

    def decide(self, rule: OutcomeRule | None = None, **thresholds: Any) -> "Launch":
        """Return the launch decided by another rule. Trains nothing and writes nothing.

        Args:
            rule: the other rule; by default the present one.
            thresholds: fields of the rule to change (:class:`study.OutcomeRule`).

        Raises:
            ValueError: if there is no such threshold, a value is out of its range, or the rule is that of a plugin
                which is not loaded.

        Examples:
            >>> import study
            >>> launch = study.load(stored)
            >>> launch.decide(quality_min=0.99).rule.quality_min
            0.99
        """
        if rule is not None and not isinstance(rule, OutcomeRule):
            raise ValueError(f"rule must be an OutcomeRule, got {rule!r}")
        changed = assign_flat(self.rule if rule is None else rule, thresholds)
        check_here(changed.own_rule)
        plan, digest = replace(self.plan, rule=changed), self.plan.digest()
        known = {record.block: record.status for record in self.replicas}
        replicas = [
            record
            for block in plan.blocks()
            for trace in [self.store.trace(block)]
            for status in [Status.FINISHED if trace else known.get(block.name, Status.PLANNED)]
            for record in decide_block(plan, block, trace, status, digest)
        ]
        replicas.sort(key=lambda record: (record.cell, record.replica))
        return Launch(self.store, replicas, changed, self._draw)

    def to_arrow(self) -> "pa.Table":
        """Return the records as an Arrow table."""
        import pyarrow as pa

        return pa.Table.from_pandas(self.records, preserve_index=False)

    def __repr__(self) -> str:
        return f"Launch({str(self.store.root)!r})"

    def _repr_html_(self) -> str:
        verdicts = "".join(f"<li>{escape(str(verdict))}</li>" for verdict in self.verdicts)
        rows = "".join(_row(summary) for summary in self.summaries[:_SHOWN])
        more = len(self.summaries) - _SHOWN
        return (
            f"<h4>{escape(self.plan.title)}</h4><p>{escape(self.plan.question)}</p>"
            + (f"<p><strong>{escape(self.caveat)}</strong></p>" if self.decided_again else "")
            + f'<table><thead><tr><th style="text-align:left">cell</th><th>converged</th><th>rate</th><th>95 %</th>'
            f'<th>borderline</th><th style="text-align:left">outcomes</th></tr></thead><tbody>{rows}</tbody></table>'
            + (f"<p>and {more} more in <code>cells</code></p>" if more > 0 else "")
            + (f"<ul>{verdicts}</ul>" if verdicts else "")
            + f"<p><small>{escape(repr(self.plan))}</small></p>"
        )

    def _block(self, cell: int, seed: int) -> Block:
        for block in self.plan.blocks():
            if block.cell.index == cell and seed in block.seeds:
                return block
        raise ValueError(
            f"cell and seed must be of a planned replica, got {cell} and {seed} (launch {self.plan.launch})"
        )

    def _of(self, cell: int, seed: int) -> ReplicaTrace:
        trace = self.store.trace(self._block(cell, seed))
        if trace is None:
            raise ValueError(f"cell {cell}, seed {seed} has no trace yet (launch {self.plan.launch})")
        return trace.replica(seed)

    @property
    def factors(self) -> list[str]:
        """Names of the axes that the study varies, in its order."""
        return [factor.name for factor in self.plan.factors]

    @cached_property
    def traced(self) -> list[Block]:
        """The blocks that have a trace."""
        return [block for block in self.plan.blocks() if self.store.trace_path(block).exists()]

    @cached_property
    def traces(self) -> Sequence[tuple[Block, Trace]]:
        """The blocks with a trace that can be read, and that trace."""
        found = ((block, self._readable(block)) for block in self.traced)
        return tuple((block, trace) for block, trace in found if trace is not None)

    def _readable(self, block: Block) -> Trace | None:
        try:
            return self.store.trace(block)
        except ValueError:
            return None

    @cached_property
    def summaries(self) -> Sequence[CellSummary]:
        """Each cell's success rate with its interval, and the count of each outcome."""
        return summarize(self.replicas)

    @cached_property
    def verdicts(self) -> Sequence[Judgment]:
        """The verdict on each declared hypothesis, in the order of the study, with its fragility.

        A verdict is fragile if it would be another one with one threshold of the rule elsewhere in its plausible range.
        """
        judged = judge(self.plan.hypotheses, self.replicas, anytime=self.plan.until_decided)
        return self.sensitivity.marked(judged) if judged else ()

    @property
    def decided_again(self) -> bool:
        """Whether the outcomes are decided by another rule than the one declared before the run."""
        return self.rule != self.plan.rule

    @cached_property
    def declared_verdicts(self) -> Mapping[str, Verdict]:
        """The verdict on each declared hypothesis, by its name, by the rule that was declared before the run.

        Empty if that rule cannot be applied: an earlier version declared it, or it is that of a plugin which is not
        loaded.
        """
        if not self.plan.rule.applied or (self.decided_again and not is_here(self.plan.rule.own_rule)):
            return {}
        declared = self.decide(self.plan.rule) if self.decided_again else self
        judged = judge(self.plan.hypotheses, declared.replicas, anytime=self.plan.until_decided)
        return {judgment.hypothesis.name: judgment.verdict for judgment in judged}

    @property
    def caveat(self) -> str:
        """What a reader has to know before any number: that outcomes were decided again; "" if they were not."""
        if not self.decided_again:
            return ""
        apart = differences(asdict(self.plan.rule), asdict(self.rule))
        changed = ", ".join(f"{name} {exact(now)} instead of {exact(then)}" for name, (then, now) in apart.items())
        return (
            f"Outcomes were decided again after the run, by another rule than declared: {self.rule.label()}"
            f" ({changed}). The rule declared before the first replica is {self.plan.rule.label()};"
            f" study decide {self.plan.launch} decides by it again."
        )

    @cached_property
    def sensitivity(self) -> SensitivityAnalysis:
        """How rates and verdicts depend on the thresholds of the rule, from the stored traces."""
        return SensitivityAnalysis(self.plan, self.replicas, self.traces, rule=self.rule)

    @cached_property
    def comparisons(self) -> Sequence[Comparison]:
        """The declared contrasts, with all other factors held fixed, adjusted by Holm as one family."""
        return compare(self.plan.contrasts, self.replicas)

    @cached_property
    def known_metrics(self) -> Sequence[KnownMetrics]:
        """Medians and ranges per cell of what ``metrics`` has, one entry per kind of features and number of samples."""
        return known_metrics(metrics_table.read(self.store), self.replicas)

    @cached_property
    def reliable(self) -> frozenset[int]:
        """Indices of the cells whose success rate is above ``reliability.SHARE`` with 95 % confidence."""
        return reliable_cells(self.replicas, anytime=self.plan.until_decided)

    @cached_property
    def failing(self) -> Sequence[LifetimeComparison]:
        """The declared contrasts compared by time to failure (log-rank)."""
        return time_to_failure.compare(self.plan.contrasts, self.replicas)


def _planned(plan: Plan, store: Store) -> Sequence[Record]:
    """Read the records of a launch, and refuse those of another one, which somebody has copied there."""
    found = store.records()
    planned = {(block.cell.index, seed) for block in plan.blocks() for seed in block.seeds}
    for record in found:
        if record.launch != plan.launch or (record.cell, record.seed) not in planned:
            raise ValueError(
                f"{store.records_path} must hold the replicas of launch {plan.launch}, got cell {record.cell}, seed"
                f" {record.seed} of launch {record.launch}; study resume {store.root} writes it again from the traces"
            )
    return found


def _row(summary: CellSummary) -> str:
    """Return one cell as a row of HTML."""
    rate = summary.rate
    counts = ", ".join(f"{n} {outcome.value.replace('_', ' ')}" for outcome, n in summary.outcomes.items() if n)
    share = formatting.number(rate.rate) if rate.n else formatting.NOTHING
    known = summary.borderline is not None and rate.n
    borderline = formatting.count_of(summary.borderline or 0, rate.n) if known else formatting.NOTHING
    return (
        f'<tr><th style="text-align:left;font-weight:normal">{escape(summary.name)}</th>'
        f"<td>{rate.successes} of {rate.n}</td><td>{share}</td><td>{formatting.interval(rate.low, rate.high)}</td>"
        f'<td>{borderline}</td><td style="text-align:left">{counts}</td></tr>'
    )
