"""Training some seeds of a cell anew, in this process and without Ray."""

from collections.abc import Sequence

import numpy as np
import torch

from study.outcomes.decision import decide
from study.outcomes.outcome import Outcome
from study.outcomes.rule import OutcomeRule
from trainables.config import Config
from trainables.loop import Loop
from trainables.probes import probes_for
from trainables.reporting import report_steps
from trainables.trace import ReplicaTrace

CPU = torch.device("cpu")


def retrained(config: Config, seeds: Sequence[int], rule: OutcomeRule) -> list[Outcome]:
    """Return the outcome of each seed, of data without files and in float32."""
    source = config.data.load(device=CPU, dtype=torch.float32)
    probes = probes_for(config, source, None, device=CPU)
    loop = Loop(config, seeds, source, probes, device=CPU)
    rows = [loop.report()]
    due = set(report_steps(config.steps, config.evaluation.every))
    for _ in range(config.steps):
        loop.advance()
        if loop.step in due:
            rows.append(loop.report())
    reference = {name: value.numpy() for probe in probes for name, value in probe.reference.items()}
    traces = [
        ReplicaTrace(i, {name: np.array([row[i][name] for row in rows]) for name in rows[0][i]}, reference)
        for i in range(len(seeds))
    ]
    return [decide(trace, rule).outcome for trace in traces]
