"""Logs of JSON lines that know their own bytes."""

import json
from math import isnan, nan
from pathlib import Path

import pytest

from study.storage.sealed_lines import SealedLines, sealed, whole_lines
from trainables.files import DamagedFile


def test_lines_come_back_and_a_second_writer_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "log.jsonl"
    SealedLines(path).append({"a": 1})
    SealedLines(path).append({"a": 2})
    assert [json.loads(line)["a"] for line in whole_lines(path)] == [1, 2]
    assert sealed(path)


def test_damage_to_any_line_shows(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    for number in range(3):
        SealedLines(path).append({"a": number})
    path.write_bytes(path.read_bytes().replace(b'"a": 1', b'"a": 7'))
    with pytest.raises(DamagedFile, match="line 2 is not as it was written"):
        list(whole_lines(path))


def test_a_line_that_was_cut_off_did_not_happen_and_is_written_over(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    for number in range(2):
        SealedLines(path).append({"a": number})
    path.write_bytes(path.read_bytes()[:-9])
    assert len(list(whole_lines(path))) == 1
    SealedLines(path).append({"a": 5})
    assert [json.loads(line)["a"] for line in whole_lines(path)] == [0, 5]


def test_numbers_that_are_not_finite_only_where_they_are_allowed(tmp_path: Path) -> None:
    lines = SealedLines(tmp_path / "log.jsonl")
    with pytest.raises(ValueError, match="JSON compliant"):
        lines.append({"a": nan})
    lines.append({"a": nan}, allow_nan=True)
    (line,) = whole_lines(tmp_path / "log.jsonl")
    assert isnan(json.loads(line)["a"])
