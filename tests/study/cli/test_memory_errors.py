"""A GPU without memory left, simulated: the block is tried again, given up with a sentence, and trained by a resume."""

import os
from collections import Counter
from pathlib import Path

import pytest

from study.storage.records import Status
from study.storage.store import Store
from tests.made_plugins import HEAD
from tests.study.cli import made_disturbed as made

pytestmark = [pytest.mark.slow, pytest.mark.ray]
SENTENCE = "CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has 0 bytes free."
GREEDY = f"""{HEAD}
import os
from pathlib import Path

LEFT = Path(os.environ["TIMES_TO_FAIL"])


@plugins.objective
@dataclass(frozen=True, kw_only=True)
class Greedy:
    '''d = E[(D(x) - 1)^2] + E[D(G(z))^2], g = E[(D(G(z)) - 1)^2]; finds no memory as often as a file has lines.'''

    kind: Literal["greedy"] = "greedy"
    source: ClassVar[str] = "ours"

    def d_loss(self, real, fake):
        lines = LEFT.read_text().splitlines()
        if lines:
            LEFT.write_text("\\n".join(lines[1:]))
            raise torch.cuda.OutOfMemoryError("{SENTENCE}")
        return ((real - 1) ** 2).mean(-1) + (fake**2).mean(-1)

    def g_loss(self, fake):
        return ((fake - 1) ** 2).mean(-1)
"""


def statuses(store: Store) -> list[Status]:
    """Those of all replicas, each of which is there once."""
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(store.records_path)  # the plan cannot be read here, without the plugin
    assert len(set(zip(table["cell"].to_pylist(), table["seed"].to_pylist(), strict=True))) == len(table) == 8
    return [Status(value) for value in table["status"].to_pylist()]


def test_a_block_without_memory_is_given_up_and_no_replica_is_lost(tmp_path: Path) -> None:
    plugin, left, out = tmp_path / "greedy.py", tmp_path / "left", tmp_path / "runs"
    plugin.write_text(GREEDY, "utf-8")
    left.write_text("\n".join(["fail"] * 4), "utf-8")  # one block as often as it is tried, and the next one once
    one_by_one = ("--cpus-per-block", str(os.cpu_count()), "--plugin", plugin)
    options = (*made.CLIP, "--set", "objective.kind=greedy", *one_by_one)
    done = made.study("run", *options, "--out", out, TIMES_TO_FAIL=str(left))
    assert done.returncode == 1, done.stderr
    store = made.only_launch(out)
    assert "Traceback" not in done.stdout + done.stderr
    said = " ".join(done.stderr.split())
    assert said.count(SENTENCE) == 1, done.stderr
    assert said.index(" crashed: ") < said.index(SENTENCE)
    assert Counter(statuses(store)) == {Status.CRASHED: 2, Status.FINISHED: 6}

    again = made.study("resume", store.root, *one_by_one, "--tracking-uri", "none", TIMES_TO_FAIL=str(left))
    assert again.returncode == 0, again.stderr
    assert statuses(store) == [Status.FINISHED] * 8
