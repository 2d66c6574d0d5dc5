"""A launch's files follow from one another, and each kind of tampering is found and named in one sentence."""

import dataclasses
import gzip
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from PIL import Image
from typer.testing import CliRunner

from study.audit.reproduce import Check
from study.audit.verify import verify
from study.cli import app
from study.outcomes.outcome import Outcome
from study.report import build
from study.scheduling.ledger import Ledger, redecide
from study.storage import lock
from study.storage.records import Status
from study.storage.search_log import Log, Stop
from study.storage.store import Store
from tests.study.made_searches import begin, plan, searching, stop
from trainables import states, trace
from trainables.conditioning import ByLabel
from trainables.data import Digits, ImageFolder
from trainables.networks import Dcgan
from trainables.streams import EDITION
from trainables.trace import Trace

C, M, U = Outcome.CONVERGED, Outcome.MODE_COLLAPSED, Outcome.UNDECIDED
Trained = Callable[..., Store]


@pytest.fixture
def launch(trained_once: Store, tmp_path: Path) -> Store:
    """A copy, to be tampered with."""
    root = tmp_path / "runs" / "demo" / trained_once.root.name
    shutil.copytree(trained_once.root, root)
    return Store(root)


def differences(checks: Sequence[Check]) -> list[str]:
    return [sentence for check in checks for sentence in check.differences]


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) >= 1, f"{old} is not in {path}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def edit_record(store: Store, place: int, **values: Any) -> None:
    rows = list(store.records())
    rows[place] = dataclasses.replace(rows[place], **values)
    store.write_records(tuple(rows))


def edit_trace(store: Store, block: int = 0, *, rows: Mapping[int, Mapping[str, Any]] = {}, **meta: Any) -> None:
    own = store.plan().blocks()[block]
    held = store.trace(own)
    assert held is not None
    changed = [dict(row) | dict(rows.get(place, {})) for place, row in enumerate(held.rows)]
    trace.write(Trace(meta={**held.meta, **meta}, rows=changed), store.trace_path(own))


def a_digit_of_the_page(store: Store) -> None:
    edit(store.report_path, '<td class="num">2 of 3<', '<td class="num">3 of 3<')


def a_shape_of_the_page(store: Store) -> None:
    page = store.report_path.read_text(encoding="utf-8")
    place = page.index('d="M ', page.index('id="curves"')) + 5
    store.report_path.write_text(page[:place] + "7" + page[place:], encoding="utf-8")


def an_outcome(store: Store) -> None:
    edit_record(store, 2, outcome=C)


def a_number_of_the_evidence(store: Store) -> None:
    record = store.records()[0]
    edit_record(store, 0, evidence={**record.evidence, "quality": 0.99})


def a_seed(store: Store) -> None:
    edit_record(store, 5, seed=77)


def a_configuration_in_a_record(store: Store) -> None:
    record = store.records()[0]
    edit_record(store, 0, config={**record.config, "batch_size": 4096})


def a_value_that_decides(store: Store) -> None:
    edit_trace(store, rows={15: {"mode_share_eighth": [0.9, 0.0]}})


def a_trace_of_another_configuration(store: Store) -> None:
    held = store.trace(store.plan().blocks()[0])
    assert held is not None
    edit_trace(store, config={**held.meta["config"], "steps": 5})


def a_trace_of_no_plan(store: Store) -> None:
    edit_trace(store, plan="")


def a_trace_of_other_seeds(store: Store) -> None:
    edit_trace(store, seeds=[0, 1, 7])


def a_deleted_trace(store: Store) -> None:
    store.trace_path(store.plan().blocks()[1]).unlink()


def a_damaged_trace(store: Store) -> None:
    path = store.trace_path(store.plan().blocks()[1])
    path.write_bytes(path.read_bytes()[:-20])


def an_alpha_in_the_plan(store: Store) -> None:
    edit(store.plan_path, '"alpha": 0.05', '"alpha": 0.2')


def a_configuration_in_the_plan(store: Store) -> None:
    edit(store.plan_path, '"batch_size": 64', '"batch_size": 640')


def a_threshold(store: Store) -> None:
    edit(store.rule_path, '"quality_min": 0.65', '"quality_min": 0.4')


TAMPERED: list[tuple[Callable[[Store], None], str]] = [
    (an_outcome, "cell 0, replica 2 (seed 2): records.parquet has outcome converged, traces and plan give mode_coll"),
    (a_number_of_the_evidence, "cell 0, replica 0 (seed 0): records.parquet has evidence.quality 0.99, traces"),
    (a_seed, "cell 1, replica 2 (seed 2) is planned and has no record"),
    (a_configuration_in_a_record, "cell 0, replica 0 (seed 0): a configuration with digest"),
    (a_value_that_decides, "cell 0, replica 0 (seed 0): records.parquet has"),
    (a_trace_of_another_configuration, "the trace of block c000-b000: a configuration with digest"),
    (a_trace_of_no_plan, "the trace of block c000-b000 does not say of which plan it is"),
    (a_trace_of_other_seeds, "the trace of block c000-b000 holds the seeds 0, 1, 2"),
    (a_deleted_trace, "block c001-b000 has no trace, and 3 finished replicas in records.parquet"),
    (a_damaged_trace, "c001-b000.parquet cannot be read"),
    (an_alpha_in_the_plan, "the trace of block c000-b000 was made under the plan"),
    (a_configuration_in_the_plan, "cell 0 in spec.json: a configuration with digest"),
    (a_threshold, "6 records were decided by modes@"),
]


def test_a_launch_as_it_was_written_agrees(trained_once: Store) -> None:
    checks = verify(trained_once)
    assert not differences(checks)
    assert not [note for check in checks for note in check.notes]
    compared = {check.name: check.compared for check in checks}
    assert compared["plan"] == f"digest {trained_once.plan().digest()} in 6 records and 2 traces"
    assert "6 replicas" in compared["records"]
    numbers = re.search(r"(\d+) numbers", compared["words"])
    assert numbers
    assert int(numbers[1]) > 100


@pytest.mark.parametrize(("tamper", "sentence"), TAMPERED, ids=[tamper.__name__ for tamper, _ in TAMPERED])
def test_tampering_before_the_page_is_found_and_named(
    tamper: Callable[[Store], None], sentence: str, launch: Store
) -> None:
    launch.report_path.unlink()
    tamper(launch)
    found = differences(verify(launch))
    assert any(sentence in line for line in found), found
    assert all("\n" not in line for line in found)


@pytest.fixture(scope="module")
def after_tampering_with_the_report(trained_once: Store, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Check]:
    """Checks by name of a launch with a changed digit, a changed shape, changed tables and a file too many."""
    root = tmp_path_factory.mktemp("tampered") / trained_once.root.name
    shutil.copytree(trained_once.root, root)
    launch = Store(root)
    a_digit_of_the_page(launch)
    a_shape_of_the_page(launch)
    folder = launch.report_path.parent
    edit(folder / "cells.csv", "\n0,", "\n9,")
    (folder / "records.csv").unlink()
    (folder / "extra.txt").write_text("mine")
    return {check.name: check for check in verify(launch)}


def test_a_digit_of_the_page_is_found_and_named(after_tampering_with_the_report: dict[str, Check]) -> None:
    assert after_tampering_with_the_report["words"].differences == (
        "Success per cell, row 0: the page has “3 of 3”, the records give “2 of 3”",
    )


def test_a_shape_of_the_page_is_found_and_named(after_tampering_with_the_report: dict[str, Check]) -> None:
    (sentence,) = after_tampering_with_the_report["drawing"].differences
    assert sentence.startswith("Curves by outcome")


def test_files_beside_the_page_are_compared_line_by_line(after_tampering_with_the_report: dict[str, Check]) -> None:
    files = after_tampering_with_the_report["files"]
    assert files.differences[0] == "report/records.csv is missing"
    assert files.differences[1].startswith("report/cells.csv, line 2: has “9,")
    assert files.notes == ("report/extra.txt is not written by study report",)


def test_a_value_of_a_trace_that_no_number_shows_is_found_in_the_drawing(launch: Store) -> None:
    edit_trace(launch, rows={15: {"d_loss": 9.0}})
    found = {check.name: check.differences for check in verify(launch)}
    assert not found["records"]
    assert found["drawing"][0].startswith("Curves by outcome")


def test_the_command_fails_and_shows_at_most_twenty_differences(launch: Store) -> None:
    arguments = ["verify", str(launch.root)]
    launch.report_path.write_text("<p>nothing</p>")
    done = CliRunner().invoke(app, arguments, env={"COLUMNS": "100"})
    assert done.exit_code == 1
    assert 20 <= len(done.stdout.splitlines()) <= 40
    assert re.search(r"and \d+ more", done.stdout)


@pytest.mark.usefixtures("undrawn")
def test_another_rule_than_declared_is_said_until_the_declared_one_is_back(trained: Trained) -> None:
    def said(*arguments: str) -> str:
        done = CliRunner().invoke(app, [arguments[0], str(store.root), *arguments[1:]], env={"COLUMNS": "400"})
        assert done.exit_code == 0, done.output
        return done.stdout

    store = trained([[C, M], [M, M]])
    declared, before = store.rule().label(), store.records()
    page = store.report_path.read_text(encoding="utf-8")
    assert "another rule than declared" not in said("verify")
    again = said("decide", "--rule", "quality_min=0.99")
    assert f"The rule declared before the first replica is {declared}; study decide" in again
    text = said("verify")
    assert f"rule           agree       {store.rule().label()}, another one than declared" in text
    assert f"the rule declared before the first replica is {declared}: study decide {store.root} decides by it" in text
    assert text.endswith("from the traces and the plan, and outcomes are decided by another rule than declared\n")
    said("decide")
    assert (store.rule().label(), store.records()) == (declared, before)
    assert store.report_path.read_text(encoding="utf-8") == page


def test_outcomes_are_not_decided_again_while_a_process_trains(trained: Trained) -> None:
    store = trained([[C, M]], page=False)
    with lock.held(store.root):
        done = CliRunner().invoke(app, ["decide", str(store.root)], env={"COLUMNS": "400"})
    assert done.exit_code == 2
    assert f"{store.root} is in use by process" in done.stderr


@pytest.mark.slow
def test_a_launch_decided_again_agrees_under_its_new_rule(launch: Store) -> None:
    plan = launch.plan()
    redecide(plan, launch, dataclasses.replace(plan.rule, quality_min=0.95)).write()
    build(launch)
    assert not differences(verify(launch))


@pytest.mark.slow
def test_shapes_of_another_version_of_the_drawing_library_are_a_note(launch: Store) -> None:
    a_shape_of_the_page(launch)
    page = launch.report_path.read_text(encoding="utf-8")
    launch.report_path.write_text(re.sub(r'(name="generator" content="[^"]*matplotlib )[^"]*', r"\g<1>1.0", page))
    drawing = next(check for check in verify(launch) if check.name == "drawing")
    assert not drawing.differences
    assert "matplotlib 1.0" in drawing.notes[0]


def a_flipped_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 4
    path.write_bytes(content)


def test_a_flipped_bit_of_a_trace_is_found_and_named(launch: Store) -> None:
    path = launch.trace_path(launch.plan().blocks()[1])
    a_flipped_bit(path)
    assert differences(verify(launch)) == [
        f"{path} cannot be read: its bytes are not those that were written (SHA-256); study resume {launch.root} trains"
        " its block anew"
    ]


def test_a_flipped_bit_of_the_records_is_one_sentence(launch: Store) -> None:
    a_flipped_bit(launch.records_path)
    done = CliRunner().invoke(app, ["verify", str(launch.root)], env={"COLUMNS": "400"})
    assert done.exit_code == 2
    (sentence,) = done.stderr.splitlines()
    assert sentence.endswith(f"(SHA-256); study resume {launch.root} writes it again from the traces")


def test_a_flipped_bit_of_a_checkpoint_is_found_and_named(launch: Store) -> None:
    launch.report_path.unlink()
    path = launch.checkpoints_path / "c001-b000.pt"
    states.save({"step": 3}, path)
    assert not differences(verify(launch))
    a_flipped_bit(path)
    assert differences(verify(launch)) == [f"{path} is damaged; study resume {launch.root} trains its block anew"]


def test_files_without_a_digest_and_files_set_aside_are_noted(launch: Store) -> None:
    launch.report_path.unlink()
    pq.write_table(pq.read_table(launch.records_path), launch.records_path)  # as earlier versions did
    (launch.traces_path / "cell=0" / "c000-b001.parquet.damaged").write_bytes(b"")
    checks = {check.name: check for check in verify(launch)}
    assert not differences([*checks.values()])
    assert checks["bytes"].compared == "the SHA-256 of 2 files"
    assert checks["bytes"].notes == (
        "1 file of an earlier version without SHA-256: damage may not show",
        "set aside as damaged: c000-b001.parquet.damaged",
    )


def test_images_that_changed_during_the_launch_are_found(trained: Trained) -> None:
    shape = {"data": Digits(), "generator": Dcgan(), "discriminator": Dcgan()}
    store = trained([[C] * 4, [M] * 4], block=1, page=False, meta={"data": "0123"}, config=shape)
    assert not differences(verify(store))
    for block in (6, 7):
        edit_trace(store, block, data="4567")
    assert differences(verify(store)) == [
        "the data (digits) changed during the launch: 6 blocks (c000-b000 ...) on those with digest 0123 and 2 blocks"
        " (c000-b003 ...) on those with digest 4567"
    ]


def test_random_numbers_of_another_edition_cannot_be_drawn_again(trained: Trained) -> None:
    store = trained([[C] * 4, [M] * 4], block=1, page=False)
    assert not named(store, "streams").notes
    edit_trace(store, 6, streams=1)
    changed = (
        "the random numbers changed during the launch: 1 block (c000-b003) edition 1 and 7 blocks (c000-b000 ...)"
        f" edition {EDITION}"
    )
    assert differences(verify(store)) == [changed]
    for block in range(8):
        edit_trace(store, block, streams=1)
    assert not differences(verify(store))
    assert named(store, "streams").notes == (
        f"the random numbers are of edition 1, and this version draws edition {EDITION}: no training can be repeated"
        " here to the bit",
    )


def named(store: Store, name: str) -> Check:
    return next(check for check in verify(store) if check.name == name)


@pytest.mark.usefixtures("undrawn")
def test_a_launch_means_the_same_where_its_images_are_not(trained: Trained, tmp_path: Path) -> None:
    images = tmp_path / "images"
    for name in ("cats", "dogs"):
        (images / name).mkdir(parents=True)
        Image.new("RGB", (16, 16)).save(images / name / "1.png")
    data = {"data": ImageFolder(root=str(images), side=16), "conditioning": ByLabel()}
    meta = {"features": {"task": "labels", "accuracy": 1.0, "data": "0123", "version": 2}}
    store = trained([[C, M], [M, C]], config=data, meta=meta, page=False)
    before = (store.plan(), build(store).read_text(encoding="utf-8"))
    shutil.rmtree(images)
    assert (store.plan(), build(store).read_text(encoding="utf-8")) == before
    assert not differences(verify(store))
    for arguments in (["status"], ["report"], ["decide", "--rule", "quality_min=0.99"], ["verify"]):
        done = CliRunner().invoke(app, [arguments[0], str(store.root), *arguments[1:]], env={"COLUMNS": "400"})
        assert done.exit_code == 0, done.output
    done = CliRunner().invoke(app, ["resume", str(store.root), "--tracking-uri", "none"], env={"COLUMNS": "400"})
    assert done.exit_code == 2
    assert f"root must be a folder of images, got {images}, which is none" in done.stderr


def test_points_are_computed_from_the_configuration(trained: Trained) -> None:
    store = trained([[C], [M]], block=1, page=False, meta={"data": "0123"})
    edit_trace(store, 1, data="4567")  # another processor's last bits
    assert not differences(verify(store))


def test_a_launch_in_progress_agrees_as_far_as_it_is(trained: Trained) -> None:
    store = trained([[C, M, U], [C, C, U]], block=1, page=False)
    assert not differences(verify(store))
    (report,) = [check for check in verify(store) if check.name == "report"]
    assert f"study report {store.root}" in report.notes[0]


def test_traces_newer_than_the_records_are_no_contradiction_while_the_launch_runs(launch: Store) -> None:
    launch.report_path.unlink()
    edit_record(launch, 0, status=Status.PLANNED, outcome=U, outcome_step=None)
    assert any("status planned" in line for line in differences(verify(launch)))
    launch.tune_path.mkdir()
    checks = verify(launch)
    assert not differences(checks)
    assert "1 replicas have ended since records.parquet was written" in " ".join(n for c in checks for n in c.notes)


def test_launches_from_before_plans_had_a_digest_say_so(launch: Store) -> None:
    launch.report_path.unlink()
    for block in (0, 1):
        edit_trace(launch, block, plan="")
    launch.write_records(tuple(dataclasses.replace(record, plan="") for record in launch.records()))
    plan = verify(launch)[0]
    assert not plan.differences
    assert "not recorded" in plan.compared
    an_alpha_in_the_plan(launch)
    assert not verify(launch)[0].differences


def test_a_copy_of_the_page_elsewhere_is_checked_in_its_place(launch: Store, tmp_path: Path) -> None:
    copy = tmp_path / "published.html.gz"
    copy.write_bytes(gzip.compress(launch.report_path.read_bytes().replace(b"2 of 3</td>", b"3 of 3</td>", 1)))
    (sentence,) = differences(verify(launch, copy))
    assert "“3 of 3”" in sentence
    copy.write_bytes(b"no gzip")
    with pytest.raises(ValueError, match="--page must be a page that can be read"):
        verify(launch, copy)


@pytest.mark.parametrize(("replicas", "decided"), [(12, True), (2, False)])
def test_cells_that_got_no_more_seeds_must_have_been_decided(replicas: int, decided: bool, trained: Trained) -> None:
    ends = [[end] * replicas + [U] * 2 for end in (C, M)]
    store = trained(ends, block=2, until_decided=True, page=False)
    store.write_settled({0, 1}, 60.0)
    Ledger(store.plan(), store).write()
    assert [record.status for record in store.records()].count(Status.SKIPPED) == 4
    found = differences(verify(store))
    assert found == [] if decided else len(found) == 2
    assert all("got no more seeds, though a hypothesis that speaks of it is not decided" in line for line in found)


def early_end(out: Path, *, audited: bool | None) -> list[str]:
    """What is found of a search whose first block ended early; nothing in its log, or that it was audited."""
    store, ledger = begin(out, plan(blocks=1))
    block = searching(ledger).next()
    assert block is not None
    if audited is not None:
        Log(store.search_path).stopped(Stop(block=block.name, rule="asha", step=200, audited=audited), 1.0)
    stop(store, ledger, block)
    ledger.write()
    checks = verify(store)
    assert not [check for check in checks if check.differences and check.name != "search"]
    return [sentence for check in checks for sentence in check.differences]


def test_an_early_end_that_the_log_has_is_right(tmp_path: Path) -> None:
    assert early_end(tmp_path, audited=False) == []


def test_an_early_end_that_nobody_decided_is_named(tmp_path: Path) -> None:
    expected = ["block c000-b000 ended early, and search.jsonl does not say so"]
    assert early_end(tmp_path / "silent", audited=None) == expected
    assert early_end(tmp_path / "audited", audited=True) == expected
