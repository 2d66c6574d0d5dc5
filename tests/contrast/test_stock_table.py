"""``docs/explanation/stock_stack.md`` claims what the tests here show, and nothing else."""

import re
from pathlib import Path

_HERE = Path(__file__).parent
_TABLE = _HERE.parents[1] / "docs" / "explanation" / "stock_stack.md"


def test_every_row_has_its_tests_and_every_test_its_row() -> None:
    rows = [line.split("|")[-3:-1] for line in _TABLE.read_text().splitlines() if line.startswith("| ")][2:]
    claimed = [
        {f"test_{who}_{name}" for row in rows for name in re.findall(r"`(\w+)`", row[place])}
        for place, who in enumerate(("stock", "ours"))
    ]
    defined = set(
        re.findall(r"^def (test_(?:stock|ours)_\w+)", "".join(map(Path.read_text, _HERE.glob("test_*.py"))), re.M)
    )
    assert claimed[0] | claimed[1] == defined
