"""The text about a launch: its plan, its state, its results and its files."""

from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

import study
from study.design.hypotheses import Share
from study.design.study import Contrast
from study.launch import Launch
from study.report.views import view_of
from study.scheduling.ledger import Ledger
from study.storage.store import Store
from study.terminal import launches, standing
from study.terminal.progress import Terminal
from tests.study import made_searches as searches
from tests.study.conftest import C, M, U, make
from tests.study.made_estimates import estimated


def printed(show: object, *arguments: object, **options: object) -> str:
    out = StringIO()
    show(*arguments, Console(file=out, width=120), **options)  # type: ignore[operator]
    return out.getvalue()


def test_a_grid_is_described_by_its_size(tmp_path: Path) -> None:
    plan = make(tmp_path, page=False).plan()
    assert launches.describe(plan).plain == (
        f"demo (quick): 2 cells x 3 seeds = 6 replicas in 2 blocks\nplan {plan.digest()}"
    )


def test_seeds_that_depend_on_the_verdicts_are_called_the_most(tmp_path: Path) -> None:
    plan = make(tmp_path, page=False, block=1, until_decided=True, least=1).plan()
    assert (
        "6 replicas in 6 blocks at most; 1 per cell, then blocks of 1 until the hypotheses are decided"
        in launches.describe(plan).plain
    )


def test_a_search_is_described_by_its_budget() -> None:
    assert "at most 12 blocks in blocks of 2 seeds, at most 6 per candidate, sampler tpe" in (
        launches.describe(searches.plan(blocks=12)).plain
    )


def test_the_status_counts_replicas_and_shows_the_cells(tmp_path: Path) -> None:
    store = make(tmp_path, ((C, C, M), (U, U, U)), page=False)
    text = printed(standing.status, Ledger(store.plan(), store))
    assert "6 replicas planned: 3 finished, 3 planned" in text
    assert "2 of 3" in text


def test_a_search_lists_its_best_candidates_and_counts_the_others(tmp_path: Path) -> None:
    store, ledger = searches.begin(tmp_path, searches.plan(blocks=30, seeds=2))
    assert "no candidate has a result yet" in printed(standing.status, ledger)
    searches.go(store, ledger, searches.searching(ledger))
    text = printed(launches.results, Launch(store, ledger.records))
    assert text.partition("Answer")[0].count("optimizer=") == 10
    assert f"and {len(ledger.plan.cells) - 10} more candidates; the report has them" in text


def test_tables_of_contrasts_say_when_seeds_were_added_by_the_results(tmp_path: Path) -> None:
    fixed = make(tmp_path / "fixed", page=False)
    open_ended = make(tmp_path / "open", page=False, until_decided=True, least=3)
    warning = "this launch added seeds by its results"
    assert warning not in printed(launches.results, Launch(fixed))
    assert warning in printed(launches.results, Launch(open_ended))


def test_the_files_of_a_launch_are_listed_with_mlflow_if_it_has_them() -> None:
    store = Store(Path("runs/demo/one"))
    with_mlflow = printed(launches.paths, store, Path("page.html"), tracked=True)
    assert with_mlflow.splitlines() == [
        "report   page.html", f"records  {store.records_path}", f"traces   {store.traces_path}", "MLflow   study ui",
    ]  # fmt: skip
    assert "MLflow" not in printed(launches.paths, store, Path("page.html"), tracked=False)
    elsewhere = printed(launches.paths, Store(Path("other/demo/one")), Path("page.html"), tracked=True)
    assert "study ui --out other" in elsewhere


def test_what_cannot_be_decided_is_said_before_the_launch(tmp_path: Path) -> None:
    said = "5 seeds cannot decide 3 of the 3 claims under Holm, whatever comes out: at least 7 seeds are needed"
    plan = study.plan("mixture-modes", seeds=5)
    out = StringIO()
    Terminal(Console(file=out, width=300)).planned(plan)
    assert said in out.getvalue()
    assert printed(launches.out_of_reach, study.plan("mixture-modes", seeds=7)) == ""


def test_the_answer_ends_what_is_printed_of_a_launch_and_is_that_of_the_page(tmp_path: Path) -> None:
    launch = Launch(make(tmp_path, ((C,) * 3, (C,) * 3), page=False))
    answer = view_of(launch).answer
    assert answer[0].startswith("Every replica of every cell converged (6 of 6)")
    out = StringIO()
    launches.results(launch, Console(file=out, width=1_000))
    unbroken = [sentence.replace(" %", "%") for sentence in answer]
    assert unbroken != list(answer), "no line begins with a percent sign"
    unbroken[-1] = f"  {answer[-1]}"
    assert out.getvalue().endswith("\n".join(["Answer", *unbroken, ""]))
    narrow = StringIO()
    launches.results(launch, Console(file=narrow, width=40))
    assert narrow.getvalue().splitlines()[-1] == f"  {answer[-1]}"
    assert answer[-1].startswith("study run STUDY --profile quick --until-decided --seeds ")


def test_an_interrupted_launch_ends_with_its_counts_and_the_way_on(tmp_path: Path) -> None:
    store = make(tmp_path, ((C, C, M), (U, U, U)), page=False)
    text = printed(launches.interrupted, Launch(store))
    assert text.startswith("6 replicas planned: 3 finished, 3 planned\n")
    assert "2 of 3" in text
    assert "0 of 0" not in text
    for empty in ("Contrasts", "Verdicts", "Answer"):
        assert empty not in text
    nothing = make(tmp_path / "other", ((U, U), (U, U)), page=False)
    assert printed(launches.interrupted, Launch(nothing)) == "4 replicas planned: 4 planned\n"


def test_the_way_on_is_one_unbroken_line_at_any_width_even_with_odd_paths(tmp_path: Path) -> None:
    store = make(tmp_path / "a folder [/y] with a long name that goes on and on and on", page=False)
    out = StringIO()
    console = Console(file=out, width=40, force_terminal=True)
    console.print(launches.way_on(store), soft_wrap=True)
    assert out.getvalue().splitlines() == [
        "the results so far are kept; go on with", f"  study resume '{store.root}'"
    ]  # fmt: skip
    assert (
        str(launches.way_on(Store(tmp_path / "absent"))) == "nothing has been trained, and there is no launch to resume"
    )


@pytest.mark.parametrize("width", [80, 120])
def test_names_are_no_markup_and_nothing_is_highlighted(tmp_path: Path, width: int) -> None:
    """Numbers in ids, digests and paths keep the color of their line."""
    contrasts = (Contrast(factor="loss", a="ls", b="ns"),)
    claim = Share(
        name="n", claim="[/c] 1", source="s", where={"loss": "ls"}, outcomes=(C,), side="below", threshold=0.5
    )
    named = {"hypotheses": (claim,), "contrasts": contrasts}
    store = make(tmp_path, page=False, **named)
    store.write_records(tuple(replace(row, cell_name="cell [/d] 3") for row in store.records()))
    out = StringIO()
    console = Console(file=out, width=width, force_terminal=True, color_system="standard", highlight=False)
    standing.status(Ledger(store.plan(), store), console)
    launches.results(Launch(store), console)
    launches.interrupted(Launch(store), console)
    launches.paths(store, store.report_path, console, tracked=True)
    text = out.getvalue()
    for name in ("cell [/d] 3", "[/c] 1", str(store.report_path)):
        assert name in text
    assert "\x1b[1;36m" not in text


def test_a_study_says_what_it_takes_and_of_what_that_consists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = make(tmp_path, page=False).plan()
    monkeypatch.setattr(launches.cost, "estimate", lambda plan: estimated())
    text = " ".join(printed(launches.study, plan, ("smoke",)).split())
    assert "Estimated time here: about 1 h 00 min with 2 blocks at a time" in text
    assert "2 h 00 min of one CPU core for steps and 10 min 00 s for reports and pictures" in text
    assert "on a GPU: unknown without one" in text


def test_a_launch_until_decided_takes_between_its_least_and_its_most_seeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = make(tmp_path, page=False).plan()
    monkeypatch.setattr(launches.cost, "estimate", lambda plan: estimated(least_wall_seconds=600.0, device="A Card"))
    text = " ".join(printed(launches.study, plan, ("smoke",)).split())
    assert "Estimated time here: between 10 min 00 s and 1 h 00 min, from the least seeds to the most" in text
    assert "on a GPU" not in text


def test_a_study_that_adds_seeds_says_how_many_at_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launches.cost, "estimate", lambda plan: estimated())
    plan = make(tmp_path, page=False, block=1, until_decided=True, least=1).plan()
    limited = replace(plan, budget=240.0)
    said = "at most 3 seeds each, blocks of 1, until the hypotheses are decided"
    for own, end in ((plan, ""), (limited, ", within 4 min 00 s")):
        lines = printed(launches.study, own, ("smoke",)).splitlines()
        assert f"2 cells, {said}{end}" in lines


def test_a_study_is_shown_with_names_that_look_like_markup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = make(tmp_path, page=False, title="[/t]", sources=("[/s]",), note="[/n]").plan()
    monkeypatch.setattr(launches.cost, "estimate", lambda plan: estimated(device="[/d]"))
    text = printed(launches.study, plan, ("[/p]",))
    for name in ("[/t]", "(of [/p])", "[/s]", "[/n]", "of one [/d]"):
        assert name in text


def test_a_launch_on_other_data_says_so_before_it_runs(tmp_path: Path) -> None:
    own = make(tmp_path / "own", page=False).plan()
    other = make(tmp_path / "other", page=False, changes={"data.modes": 2}).plan()
    said = "This launch has other data than its study: ring (2)."
    for plan, expected in ((own, False), (other, True)):
        out = StringIO()
        Terminal(Console(file=out, width=300)).planned(plan)
        assert (said in out.getvalue()) is expected


def test_claims_that_a_profile_has_no_cells_for_are_listed_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launches.cost, "estimate", lambda plan: estimated())
    text = printed(launches.study, study.plan("lsgan-stability", "quick"), ("quick",))
    words = " ".join(text.partition("Hypotheses, declared before the run\n")[2].partition("\nSources")[0].split())
    tested, others = words.split("Hypotheses that this profile has no cells for")
    assert (tested.count("Mao et al. 2017, section 4.4"), tested.count("RMSProp")) == (3, 0)
    assert others.count("Mao et al. 2017, section 4.4") == 6
    assert "\nNo hypotheses are declared.\n" in printed(launches.study, study.plan("variance", "smoke"), ("smoke",))


def test_levels_whose_names_have_commas_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launches.cost, "estimate", lambda plan: estimated())
    text = " ".join(printed(launches.study, study.plan("variance", "smoke"), ("smoke",)).split())
    assert "all; init, held at 31001; data, held at 31001" in text
