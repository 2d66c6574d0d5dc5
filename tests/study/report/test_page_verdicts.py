"""The order of the verdicts on the page."""

import re
from dataclasses import replace
from pathlib import Path

from study.launch import Launch
from tests.study.conftest import C, make


def test_claims_that_the_profile_has_no_cells_for_come_last(tmp_path: Path) -> None:
    elsewhere, tested = make(tmp_path / "plain", ((C,) * 3,), page=False).plan().hypotheses
    own = replace(tested, where={"loss": "ls"})
    store = make(tmp_path, ((C,) * 3,), hypotheses=(elsewhere, own))
    assert [judgment.planned for judgment in Launch(store).verdicts] == [False, True]
    claims = re.findall(r"<summary><h3>(.*?)</h3>", store.report_path.read_text(encoding="utf-8"))
    assert claims == [own.claim, elsewhere.claim]
