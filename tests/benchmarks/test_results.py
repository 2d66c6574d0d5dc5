"""The published results: archives of launches, and what is written from them."""

import shutil
import tarfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

import study
from benchmarks.results import __main__ as results
from benchmarks.results import archive, page, readme
from study.audit.claims import collect
from study.audit.claims_page import counted
from study.audit.verify import verify
from study.storage.records import Status
from study.storage.store import Store
from tests.study.conftest import C, D, M, U, make
from tests.study.retraining import retrained

ARCHIVES = archive.archives()
TRACED = [path for path in ARCHIVES if archive.has_traces(path)]


def test_an_archive_gives_the_launch_back(tmp_path: Path) -> None:
    store = make(tmp_path / "runs")
    path = archive.pack(store, tmp_path / "kept")
    assert (path.name, archive.study_of(path)) == ("demo-quick.tar.xz", "demo")
    again = archive.unpack(path, tmp_path / "again")
    assert again.root == tmp_path / "again" / "demo" / store.root.name
    assert again.plan() == store.plan()
    assert again.records() == store.records()
    assert not [sentence for check in verify(again) for sentence in check.differences]
    files = {file.relative_to(again.root).parts[0] for file in again.root.rglob("*") if file.is_file()}
    assert files == {"spec.json", "rule.json", "records.parquet", "traces"}


def test_an_archive_says_nothing_of_where_and_when_it_was_made(tmp_path: Path) -> None:
    store = make(tmp_path / "runs", page=False)
    first = archive.pack(store, tmp_path / "a").read_bytes()
    for file in store.root.rglob("*"):
        file.touch()
    moved = Store(shutil.copytree(store.root, tmp_path / "elsewhere" / "demo" / store.root.name))
    assert archive.pack(moved, tmp_path / "b").read_bytes() == first
    with tarfile.open(tmp_path / "a" / "demo-quick.tar.xz") as kept:
        assert {(entry.mtime, entry.uid, entry.uname) for entry in kept} == {(0, 0, "")}


def _lacking(folder: Path) -> Store:
    return make(folder, ((C, C, M), (U, U, U)), page=False)


def _changed(folder: Path) -> Store:
    store = make(folder, ((C, C, M), (C, D, M)), page=False)
    rows = store.records()
    store.write_records((replace(rows[0], outcome=M), *rows[1:]))
    return store


@pytest.mark.parametrize(
    ("made", "message"),
    [(_lacking, "must be finished: 3 replicas have not ended"), (_changed, "must be as it was written: ")],
)
def test_what_is_not_finished_or_does_not_follow_is_not_kept(
    made: Callable[[Path], Store], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        archive.pack(made(tmp_path / "runs"), tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def _without_a_record(folder: Path) -> Store:
    store = make(folder, ((C, C, M), (C, D, M)), page=False)
    store.write_records(store.records()[1:])
    return store


def _of_no_plan(folder: Path) -> Store:
    """Plans and records from before plans had digests: the hypotheses may have been written after the run."""
    store = make(folder, page=False, meta={"plan": ""})
    store.write_records([replace(row, plan="") for row in store.records()])
    return store


def _with_a_gap(folder: Path) -> Store:
    """Two seeds in the middle of a cell are said to have been skipped, and their trace is gone."""
    store = make(folder, ((C,) * 6, (D,) * 6), page=False, block=2, until_decided=True, least=2)
    (block,) = [block for block in store.plan().blocks() if (block.cell.index, block.first) == (0, 2)]
    store.trace_path(block).unlink()
    skipped = {"status": Status.SKIPPED, "outcome": U}
    rows = [replace(row, **skipped) if row.block == block.name else row for row in store.records()]
    store.write_records(rows)
    return store


def _decided_again(folder: Path) -> Store:
    store = make(folder, page=False)
    store.write_decided(replace(store.plan().rule, quality_min=0.1), store.records())
    return store


def _without_traces(folder: Path) -> Store:
    store = make(folder, page=False)
    shutil.rmtree(store.traces_path)
    return store


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (_without_a_record, "must have a record of every planned replica: 1 have none"),
        (_of_no_plan, "must have records of its plan, .*: 6 do not say that they are"),
        (_with_a_gap, "must have trained the first seeds of each cell, and cell ls has skipped some of them"),
        (_decided_again, "must be decided by its declared rule, .*: study decide .* does that"),
        (_without_traces, "must have traces: its records cannot be verified without"),
        (
            partial(make, study="dirac", page=False),
            "must have the hypotheses of the study's profile quick, and has oth",
        ),
        (partial(make, study="dirac", page=False, profile="mine"), "must be of a profile of the study, got mine"),
    ],
)
def test_what_is_not_as_it_was_declared_is_not_kept(
    made: Callable[[Path], Store], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        archive.pack(made(tmp_path / "runs"), tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def test_a_launch_is_replaced_by_a_newer_one_alone(tmp_path: Path) -> None:
    old, new = (make(tmp_path / "runs", name=f"2026010{day}-030405-quick", page=False) for day in (2, 3))
    archive.pack(new, tmp_path / "kept")
    with pytest.raises(ValueError, match="must be newer than the launch that it would replace, 20260103-030405-quick"):
        archive.pack(old, tmp_path / "kept")
    assert archive.pack(new, tmp_path / "kept").exists()


def _kept(tmp_path: Path) -> Path:
    """Return a folder of archives with one launch."""
    folder = tmp_path / "docs" / "launches"
    archive.pack(make(tmp_path / "runs", page=False), folder)
    return folder


def test_an_archive_with_another_name_or_other_records_is_not_published(tmp_path: Path) -> None:
    folder = _kept(tmp_path)
    kept = folder / "demo-quick.tar.xz"
    shutil.copy(kept, folder / readme.FIRST)
    with pytest.raises(ValueError, match=r"must have the name of its launch, demo-quick\.tar\.xz"):
        results.texts(folder)
    (folder / readme.FIRST).unlink()
    assert {path.name for path in results.texts(folder)} == {"demo-quick.md", "demo-quick.svg", "claims.md"}
    forged = _changed(tmp_path / "forged")
    with tarfile.open(kept, "w:xz") as made:
        made.add(forged.root, arcname=f"demo/{forged.root.name}")
    with pytest.raises(ValueError, match="must be as it was written: "):
        results.texts(folder)


def test_a_page_of_no_launch_is_noticed(tmp_path: Path) -> None:
    folder = _kept(tmp_path)
    for path, text in results.texts(folder).items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert results.stale(folder) == []
    invented = folder.parent / "studies" / "wgan-clip-paper.md"
    invented.write_text("Of 3 claims, 3 are supported.\n", encoding="utf-8")
    assert results.stale(folder) == [invented]


def test_of_several_launches_those_that_are_fit_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written: list[str] = []
    monkeypatch.setattr(results, "texts", lambda: {tmp_path / "page.md": "text"})
    monkeypatch.setattr(archive, "pack", lambda store, traces: written.append(store.root.name) or _refuse(store))
    monkeypatch.setattr("sys.argv", ["results", "keep", "runs/bad", "runs/good"])
    assert results.main() == 2
    assert (written, (tmp_path / "page.md").read_text()) == (["bad", "good"], "text")
    assert capsys.readouterr().err == "error: runs/bad must be good\n"


def _refuse(store: Store) -> Path:
    if store.root.name == "bad":
        raise ValueError(f"{store.root} must be good")
    return store.root


def test_a_page_has_answer_verdicts_cells_and_how_to_check_them(tmp_path: Path) -> None:
    launch = study.load(make(tmp_path, ((C,) * 12, (D,) * 12), page=False).root)
    text = page.page(launch, "demo-quick")
    assert "Both claims are supported." in text
    assert "| ls | 12 of 12 | 1.00 [0.76, 1.00] | 0 of 12 | – | " in text
    assert "| ns | 0 of 12 | 0.00 [0.00, 0.24] | 0 of 12 | 12\N{NO-BREAK SPACE}diverged | " in text
    assert "| Least squares converges more often. | 12 of 12 against 0 of 12 converged | " in text
    assert f"plan `{launch.plan.digest()}`" in text
    assert (
        f"tar -xf docs/results/launches/demo-quick.tar.xz -C runs\nstudy verify runs/demo/{launch.plan.launch}" in text
    )


def test_the_section_of_the_readme_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    launch = study.load(make(tmp_path, page=False).root)
    ledger = collect(tmp_path)
    text = f"before\n\n{readme.BEGIN}\n\nold 7 of 9\n\n{readme.END}\n\nafter\n"
    found = readme.replaced(text, launch, ledger)
    assert found.startswith(f"before\n\n{readme.BEGIN}\n\n| claim |")
    assert found.endswith(f"{readme.END}\n\nafter\n")
    assert "old" not in found
    assert "2 of 3 against 1 of 3" in found
    assert f"has the claims of all studies. {counted(ledger)} <!--" in " ".join(found.split())
    assert readme.replaced(found, launch, ledger) == found
    with pytest.raises(ValueError, match="once, got 0"):
        readme.replaced("no marks", launch, ledger)


def test_traces_may_stay_outside_and_the_page_says_so(tmp_path: Path) -> None:
    store = make(tmp_path / "runs", page=False)
    path = archive.pack(store, tmp_path / "kept", traces=False)
    assert not archive.has_traces(path)
    again = archive.unpack(path, tmp_path / "again")
    assert again.records() == store.records()
    text = page.page(study.load(again.root), "demo-quick")
    assert "cannot be from here: `study run demo --profile quick` trains anew." in text
    assert "study verify" not in text


def test_archives_are_small_in_all() -> None:
    assert sum(path.stat().st_size for path in ARCHIVES) < 20_000_000


@pytest.mark.slow
def test_what_is_published_is_what_would_be_written_from_the_archives() -> None:
    assert results.stale() == []


@pytest.mark.slow
@pytest.mark.parametrize("path", TRACED, ids=[path.name.removesuffix(archive.SUFFIX) for path in TRACED])
def test_every_published_number_follows_from_the_traces(path: Path, tmp_path: Path) -> None:
    checks = verify(archive.unpack(path, tmp_path))
    assert {check.name for check in checks} >= {"plan", "traces", "records"}
    assert not [sentence for check in checks for sentence in check.differences]


@pytest.mark.slow
def test_a_published_launch_trains_to_the_same_outcomes_again(tmp_path: Path) -> None:
    """Another processor may round otherwise; the smallest game hardly minds."""
    store = archive.unpack(archive.FOLDER / f"dirac-quick{archive.SUFFIX}", tmp_path)
    plan, records = store.plan(), {(row.cell, row.seed): row.outcome for row in store.records()}
    seeds = plan.seeds[:20]
    pairs = [
        (outcome, records[cell.index, seed])
        for cell in plan.cells[::7]
        for seed, outcome in zip(seeds, retrained(cell.config, seeds, store.rule()), strict=True)
    ]
    assert len({found for found, _ in pairs}) > 1
    assert sum(found is published for found, published in pairs) >= 0.98 * len(pairs)


def test_the_map_of_the_ring_says_what_its_records_say(tmp_path: Path) -> None:
    rows = pd.concat(
        study.load(archive.unpack(archive.FOLDER / f"ring-stability-map-{rule}{archive.SUFFIX}", tmp_path).root).records
        for rule in ("adam", "rmsprop")
    )
    text = " ".join((archive.FOLDER.parent / "stability_map.md").read_text(encoding="utf-8").split())
    won, parts = rows.outcome == "converged", rows.cell_name.str.split(" / ", expand=True)
    parts.columns = pd.Index(["bn", "objective", "layers", "rate"])
    ridge = (parts.layers == "4") & (parts.rate == "1e-3")
    counts = [f"{won[ridge & (parts.bn == bn)].sum()} of 16" for bn in ("no_bn_gd", "no_bn_g", "full")]
    assert f"without any {counts[0]} replicas converged, with batch norm in D alone {counts[1]}," in text
    assert f"with batch norm in both nets {counts[2]} (both" in text
    beside = (parts.layers == "4") & (parts.rate == "3e-4") & (parts.bn == "no_bn_gd")
    first = len(rows) // 2  # the launch with Adam
    found = [won[:first][(beside & (parts.objective == own))[:first]].sum() for own in ("ns", "ls(0,1,1)")]
    assert f"cross-entropy converged in {found[0]} of 4, least squares in {found[1]} of 4" in text
    slow, shallow = won[parts.rate == "1e-4"], won[parts.layers == "2"]
    assert f"no replica converged ({slow.sum()} of {len(slow)}), with two hidden layers {shallow.sum()} of 240" in text
    assert len(shallow) == 240


def test_the_map_of_digits_says_what_its_records_say(tmp_path: Path) -> None:
    text = " ".join((archive.FOLDER.parent / "stability_map.md").read_text(encoding="utf-8").split())
    counts: dict[tuple[str, ...], int] = {}
    for rule in ("adam", "rmsprop"):
        path = archive.FOLDER / f"digits-stability-map-{rule}-16{archive.SUFFIX}"
        rows = study.load(archive.unpack(path, tmp_path).root).records
        bn, objective, rate = (own for _, own in rows.cell_name.str.split(" / ", expand=True).items())
        won = rows.outcome == "converged"
        counts |= {(rule, place): won[bn == place].sum() for place in ("full", "no_bn_g", "no_bn_gd")}
        for own in ("ls(0,1,1)", "ns"):
            counts[rule, "no_bn_gd", own] = won[(bn == "no_bn_gd") & (objective == own)].sum()
            counts[rule, "no_bn_g", own, "1e-3"] = won[(bn == "no_bn_g") & (objective == own) & (rate == "1e-3")].sum()
    both, alone, none = ([counts[rule, bn] for rule in ("adam", "rmsprop")] for bn in ("full", "no_bn_g", "no_bn_gd"))
    assert f"{both[0]} of 24 replicas converged with Adam and {both[1]} of 24 with RMSProp" in text
    assert f"in D alone {alone[0]} of 24 and {alone[1]} of 24, without any {none[0]} of 24 and {none[1]} of 24." in text
    (ls, ns), (other_ls, other_ns) = (
        [counts[rule, "no_bn_gd", own] for own in ("ls(0,1,1)", "ns")] for rule in ("adam", "rmsprop")
    )
    assert (
        f"least squares converged in {ls} of 12, cross-entropy in {ns} of 12 (with RMSProp in {other_ls} of 12" in text
    )
    assert f"and {other_ns} of 12)" in text
    ls, ns = (counts["rmsprop", "no_bn_g", own, "1e-3"] for own in ("ls(0,1,1)", "ns"))
    assert f"least squares {ls} of 4 and cross-entropy {ns} of 4" in text


def test_the_page_of_lsgan_says_what_its_records_say(tmp_path: Path) -> None:
    launch = study.load(archive.unpack(archive.FOLDER / readme.FIRST, tmp_path).root)
    text = " ".join((archive.FOLDER.parent / "lsgan_stability.md").read_text(encoding="utf-8").split())
    counts = {name: own.outcome.value_counts() for name, own in launch.records.groupby("cell_name")}
    ls, ns = (counts[f"no_bn_gd / adam / {objective}"] for objective in ("ls(0,1,1)", "ns"))
    collapsed = ls["mode_collapsed"] + ls["late_collapse"]
    assert f"least squares collapsed in {collapsed} of 20 replicas" in text
    assert f"cross-entropy trained in {ns['converged']} of 20 and collapsed in {ns['mode_collapsed']}" in text
    assert f"plan `{launch.plan.digest()}`" in text


def test_the_page_of_variance_says_what_its_records_say(tmp_path: Path) -> None:
    launch = study.load(archive.unpack(archive.FOLDER / "variance-standard.tar.xz", tmp_path).root)
    text = " ".join((archive.FOLDER.parent / "variance.md").read_text(encoding="utf-8").split())
    found = study.variance_components(launch).set_index("varied")
    words = {
        "init": "initial weights alone",
        "data": "data alone",
        "noise": "noise alone",
        "nothing": "evaluation alone",
    }
    for varied, name in words.items():
        own = found.loc[varied]
        assert f"| {name} | {own.share:.2f} [{own.low:.2f}, {own.high:.2f}] |" in text
    excess = found.loc["excess"]
    assert f"sum to {1 + excess.share:.2f} ({1 + excess.low:.2f} to {1 + excess.high:.2f})" in text
    assert f"{100 * excess.low / 2:.0f} % of the variance or more is of pairs and of all three" in text
    free = launch.records[launch.records.cell_name == "all"]
    assert f"{(free.outcome == 'converged').sum()} of {len(free)} replicas (95 % interval" in text
