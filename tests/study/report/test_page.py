import csv
import re
from collections.abc import Callable
from dataclasses import replace
from html import escape
from typing import Any

import matplotlib
import numpy as np
import pytest
from PIL import Image

from study.design.plan import Selection
from study.evidence.estimates import summarize
from study.launch import Launch
from study.outcomes.outcome import Outcome
from study.outcomes.rule import IMAGE_RULE, OutcomeRule
from study.report import build, page
from study.report.views import view_of
from study.storage.records import Status
from study.storage.store import Store
from tests.study.conftest import graded
from tests.study.report.read_page import Page, section

C, M, L, O, N, D, U = tuple(Outcome)[:7]  # noqa: E741
MINUS = "\N{MINUS SIGN}"
MIXED = [[C, C, C, C, O], [C, C, M, L, D], [C, M, M, N, U], [D, D, M, M, N]]


def test_page_is_one_file_that_needs_nothing_else(mixed: Store) -> None:
    read = Page(mixed.report_path)
    links = [v for _, attrs in read.tags for k, v in attrs.items() if k in ("src", "href", "xlink:href", "data") and v]
    assert links
    beside = {"cells.csv", "records.csv", "../records.parquet", "../spec.json", "../traces/"}
    assert {link for link in links if not link.startswith(("data:image/png;base64,", "#"))} == beside
    assert not re.search(r"url\((?!#)|@import|<link", read.source)
    assert [attrs for attrs in read.all("script")] == [{}]


def test_files_that_the_page_names_are_there(mixed: Store) -> None:
    for name in ("cells.csv", "records.csv", "../records.parquet", "../spec.json", "../traces/"):
        assert (mixed.report_path.parent / name).exists()


def test_svg_references_resolve_within_their_own_picture(mixed: Store) -> None:
    for svg in re.findall(r"<svg.*?</svg>", Page(mixed.report_path).source, re.DOTALL):
        wanted = set(re.findall(r'(?:url\(|href=")#([^")]+)', svg))
        assert wanted <= set(re.findall(r'id="([^"]+)"', svg))


def test_sections_stand_in_the_order_of_the_reader(mixed: Store) -> None:
    read = Page(mixed.report_path)
    assert [attrs["id"] for attrs in read.all("section") if "id" in attrs] == [
        "verdicts", "success", "map", "contrasts", "outcomes", "survival", "sensitivity", "curves", "samples", "rule",
        "methods", "run",
    ]  # fmt: skip
    targets = [str(attrs["href"])[1:] for attrs in read.all("a") if str(attrs["href"]).startswith("#")]
    assert targets[1:] == [attrs["id"] for attrs in read.all("section") if "id" in attrs]


def test_head_says_what_was_asked_and_launched(mixed: Store) -> None:
    head = Page(mixed.report_path).text.partition("Verdicts Hypotheses")[0]
    for part in ("Does least squares train more often", "20260102-030405-quick", "quick: smaller nets", "20 planned"):
        assert part in head


@pytest.mark.usefixtures("undrawn")
def test_the_answer_stands_before_everything_else(make: Any) -> None:
    store = make([[D] * 3, [D] * 3])
    read = Page(build(store))
    first = read.source.partition('<div class="answer">')[2].partition("</div>")[0]
    assert not re.search(r"\d %", read.raw)
    assert re.findall("<h2>(.*?)</h2>", read.source)[0] == "Answer"
    assert "No replica of any cell converged (0 of 6)" in first
    assert "a floor effect" in first
    assert [escape(sentence, quote=False) for sentence in view_of(Launch(store)).answer] == re.findall(
        "<p>(.*?)</p>", first
    )


@pytest.mark.usefixtures("undrawn")
def test_a_launch_on_other_data_says_so_and_on_which(make: Any) -> None:
    notice = '<p class="notice">This launch has other data than its study: digits (1 x 16 x 16).'
    assert notice in Page(build(make([[C]], plan={"changes": {"data.kind": "digits"}}))).source
    assert '<p class="notice">' not in Page(build(make([[C]], plan={"changes": {"steps": 1_000}}))).source


@pytest.mark.usefixtures("undrawn")
def test_undecided_claims_say_whether_seeds_were_too_few(make: Any) -> None:
    few = section(Page(build(make([[C] * 3, [D] * 3]))).source, "verdicts")
    many = section(Page(build(make([[C, D] * 8, [D, C] * 8]))).source, "verdicts")
    assert '<span class="why">underpowered</span>' in few
    assert "Underpowered: 3 seeds per cell cannot decide this claim, whatever comes out." in few
    assert '<span class="why">no difference shown</span>' in many
    assert "16 seeds per cell can decide this claim, but what came out shows no difference." in many


@pytest.mark.usefixtures("undrawn")
def test_figures_with_one_value_are_sentences(make: Any) -> None:
    source = Page(build(make([[N] * 2] * 4))).source
    assert "<svg viewBox" not in section(source, "map")
    assert "The map would have one color: in each of 4 cells 0 % of the replicas converged." in section(source, "map")
    survival = section(source, "survival")
    assert "Not one of 8 replicas failed by collapse or blow-up" in survival
    assert '<svg role="img"' not in survival
    several = Page(build(make([[C, C], [D, D], [C, D], [C, D]]))).source
    for name in ("map", "survival"):
        assert '<svg role="img"' in section(several, name)


@pytest.mark.usefixtures("undrawn")
def test_borderline_and_near_misses_have_their_values_and_thresholds(make: Any) -> None:
    store = make([[N, C]])
    records = store.records()
    store.write_records(tuple(replace(record, evidence={"support": 0.24}) for record in records))
    part = section(Page(build(store)).source, "outcomes")
    assert "Borderline replicas and near misses (1)" in part
    assert "<td>near miss</td><td>support 0.240, threshold at least 0.25</td>" in part
    assert "near misses" not in section(Page(build(make([[C, C]]))).source, "outcomes")


def test_intervals_are_named(mixed: Store) -> None:
    source = Page(mixed.report_path).source
    assert "Share, 95&nbsp;% Wilson interval" in section(source, "success")
    assert "exact unconditional score interval" in section(source, "contrasts")
    assert "Clopper and Pearson’s (exact)" in section(source, "verdicts")
    assert "Greenwood" in section(source, "survival")


def test_captions_stand_outside_of_what_scrolls(mixed: Store) -> None:
    source = Page(mixed.report_path).source
    scrolled = re.findall(r'<div class="wide".*?</div>', source, re.DOTALL)
    assert len(scrolled) == source.count("<table") > 4
    for own in scrolled:
        assert re.findall(r"<caption[^>]*>", own) == ['<caption class="heard">']
    assert source.count('<p class="caption">') == len(scrolled) + 1, "that of the claims has no table"


@pytest.mark.usefixtures("undrawn")
def test_head_says_what_its_seeds_could_not_decide(make: Any) -> None:
    said = "<dt>Out of reach</dt><dd>3 seeds cannot decide the claim, whatever comes out: at least 6 seeds are needed"
    assert said in Page(build(make([[C] * 3, [D] * 3]))).source
    assert "<dt>Out of reach</dt>" not in Page(build(make([[C] * 8, [D] * 8]))).source


@pytest.mark.usefixtures("undrawn")
def test_verdict_is_a_word_and_a_color_and_a_sentence(make: Any) -> None:
    part = section(Page(build(make([[C] * 8, [D] * 8]))).source, "verdicts")
    assert '<span class="verdict supported">supported</span>' in part
    assert "8 of 8 (100 %" in part
    # McNemar on eight pairs, all discordant in one direction: 2 / 2^8; the other hypothesis has no cells.
    assert '<span class="counts">8/8 against 0/8</span><span class="p">p 0.008</span>' in part
    assert '<span class="counts">not in this profile</span>' in part


@pytest.mark.usefixtures("undrawn")
def test_a_fragile_verdict_is_marked_in_its_line(trained: Callable[..., Store]) -> None:
    store = graded(trained)
    fragile = Launch(store).verdicts[0].fragility
    source = Page(build(store)).source
    assert fragile is not None
    assert fragile.mark == "fragile"
    line = section(source, "verdicts").partition("<summary>")[2].partition("</summary>")[0]
    assert f'<span class="fragile">{escape(fragile.sentence(3), quote=False)}</span>' in line
    shown = section(source, "sensitivity")
    assert "No rate and no verdict changes with <code>" in shown
    assert re.search(r"The worst pair is|are worse than", shown)


@pytest.mark.usefixtures("undrawn")
def test_a_verdict_whose_sensitivity_is_unknown_says_why(trained: Callable[..., Store]) -> None:
    store = trained(((C,) * 3, (N,) * 3), page=False)
    store.trace_path(store.plan().blocks()[0]).unlink()
    source = Page(build(store)).source
    why = "3 of 6 replicas with an outcome have no trace that can be read"
    assert f"<dt>Sensitivity</dt><dd>sensitivity unknown: {why}</dd>" in section(source, "verdicts")
    assert f"It cannot be said which verdicts are fragile: {why}." in section(source, "sensitivity")


def test_verdicts_show_adjusted_p_difference_and_correlation(mixed: Store) -> None:
    part = section(Page(mixed.report_path).source, "verdicts")
    assert '<span class="p">p 0.426</span>' in part
    assert ": p 0.250, adjusted 0.426</dd>" in part
    assert f"0.33 [{MINUS}0.22, 0.69], 95&nbsp;% interval" in part
    assert "9, correlation 0.48" in part
    assert "adjusted by Holm" in part


def test_what_a_verdict_rests_on_is_behind_its_line(mixed: Store) -> None:
    part = section(Page(mixed.report_path).source, "verdicts")
    lines, opened = (re.findall(rf"<{tag}>(.*?)</{tag}>", part, re.DOTALL) for tag in ("summary", "details"))
    hypotheses = mixed.plan().hypotheses
    assert len(lines) == len(opened) == len(hypotheses)
    for line, own, hypothesis in zip(lines, opened, hypotheses, strict=True):
        assert f"<h3>{hypothesis.claim}</h3>" in line
        assert hypothesis.source not in line
        assert hypothesis.source in own


@pytest.mark.usefixtures("undrawn")
def test_seeds_until_decided_are_said_to_be_anytime_valid(make: Any) -> None:
    store = make(MIXED, plan={"until_decided": True, "least": 2})
    read = Page(build(store))
    part = section(read.source, "verdicts")
    assert "anytime-valid" in part
    assert "at least 2 and at most 5 per cell" in part
    assert store.plan().digest() in part
    assert "fixed-n tests" in section(read.source, "contrasts")


@pytest.mark.usefixtures("undrawn")
def test_a_confirmation_shows_both_rates(make: Any) -> None:
    chosen = Selection(launch="before", plan="0" * 16, cell="full", successes=5, n=5, of_cells=8)
    part = section(Page(build(make([[C, C, D]], plan={"selection": chosen}))).source, "verdicts")
    assert "5 of 5 [0.57, 1.00] among 8 cells" in part
    assert "2 of 3 [0.21, 0.94]" in part


def test_success_is_the_estimate_of_the_records(mixed: Store) -> None:
    part = section(Page(mixed.report_path).source, "success")
    row = re.search(r"<tr><th[^>]*>1</th>.*?</tr>", part, re.DOTALL)
    assert row
    assert "2 of 5" in row[0]
    assert "0.40 [0.12, 0.77]" in row[0]
    assert "3 of 5" in row[0]


def test_cells_are_sorted_by_rate_in_table_and_picture(make: Any) -> None:
    part = section(Page(build(make([[D, D], [C, C], [C, D]]))).source, "success")
    assert re.findall(r'<th scope="row"[^>]*>(\d)</th>', part) == ["1", "2", "0"]
    assert re.search(r"full / ns: 2 of 2.*no_bn_g / ls\(0,1,1\): 1 of 2.*full / ls\(0,1,1\): 0 of 2", part)


@pytest.mark.usefixtures("undrawn")
def test_crashed_and_pending_are_apart_from_failures(make: Any) -> None:
    part = section(Page(build(make([[C, U, U]], crashed=[(0, 1)]))).source, "success")
    assert "1 of 1" in part
    assert "1 crashed, 1 pending" in part


@pytest.mark.usefixtures("undrawn")
def test_contrast_without_replicas_shows_no_number(make: Any) -> None:
    part = section(Page(build(make([[C, C], [U, U]]))).source, "contrasts")
    assert "2 of 2" in part
    assert "1.000" not in part


@pytest.mark.usefixtures("undrawn")
def test_contrast_shows_difference_interval_and_p(make: Any) -> None:
    part = section(Page(build(make([[C, C, C, C, C], [D, D, D, D, D]]))).source, "contrasts")
    # Five for a of five: 2 * 0.025^(1 / 5) - 1. McNemar on five discordant pairs: 2 / 2^5.
    assert f'<td class="num">1.00</td><td class="num">[{MINUS}0.04, 1.00]</td><td>exact McNemar test</td>' in part
    assert part.count('<td class="num">0.062</td>') == 2


def test_composition_labels_its_counts_in_the_outcomes_color(make: Any) -> None:
    part = section(Page(build(make([[C, C, C, M, D]]))).source, "outcomes")
    assert [part.count(f"fill: var(--{name})") for name in ("converged", "mode-collapsed", "oscillating")] == [1, 1, 0]
    assert re.search(r"fill: var\(--on-converged\)[^>]*>3<", part)


def test_lines_and_marks_of_failures_lie_over_those_of_successes(make: Any) -> None:
    part = section(Page(build(make([[C, D]]))).source, "curves")
    panel = part.partition("Fréchet distance")[0]
    drawn = re.findall(r"(?:stroke|fill): var\(--(converged|diverged)\)", panel)
    assert drawn.index("diverged") > max(place for place, name in enumerate(drawn) if name == "converged")


def test_curves_are_two_panels_wide_and_need_no_scrolling(mixed: Store) -> None:
    part = section(Page(mixed.report_path).source, "curves")
    boxes = re.findall(r'<svg viewBox="0 0 (\d+) (\d+)"', part)
    assert {int(width) for width, _ in boxes} == {460}
    assert 'class="scroll"' not in part


def test_curves_are_one_line_and_one_mark_per_replica_in_the_outcomes_color(make: Any) -> None:
    part = section(Page(build(make([[C, C, L, M, D]]))).source, "curves")
    assert "Fréchet distance (classifier)" in part
    panels_drawn = 4
    for name, replicas in (("converged", 2), ("late-collapse", 1), ("diverged", 1), ("oscillating", 0)):
        lines = re.findall(rf'<path d="([^"]*)"[^>]*stroke: var\(--{name}\)', part)
        marks = re.findall(rf"<use [^>]*fill: var\(--{name}\)", part)
        assert sum(line.count("M ") for line in lines) == panels_drawn * replicas
        assert len(marks) == panels_drawn * replicas


@pytest.mark.usefixtures("undrawn")
def test_a_sample_grid_says_which_threshold_its_replica_misses(make: Any) -> None:
    part = section(Page(build(make([[N, C]]))).source, "samples")
    assert "Missed: quality 0.412 (at least 0.9)." in part
    assert part.count("Missed:") == 2  # the made evidence is the same for the success


def test_mixtures_show_covered_modes_by_the_rule(make: Any) -> None:
    part = section(Page(build(make(images=False))).source, "curves")
    for title in (
        "samples near a mode (within 1/8",
        "of their distance)",
        "covered modes",
        "discriminator loss",
        "generator loss",
    ):
        assert title in part
    assert "Fréchet" not in part


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("images", [False, True])
def test_pictures_of_points_have_a_legend(make: Any, images: bool) -> None:
    part = section(Page(build(make([[C]], images=images))).source, "samples")
    assert ("Pale discs are the modes of the data" in part) is not images


@pytest.mark.usefixtures("undrawn")
def test_samples_are_the_last_grid_of_one_success_and_one_failure(make: Any) -> None:
    store = make([[D, C, C, D, M]])
    read = Page(build(store))
    assert len(list(read.all("img"))) == 2 * 3 + 2  # three films of two frames
    images = [attrs["alt"] for attrs in read.all("img")][-2:]
    seeds = store.plan().seeds
    assert images == [
        f"Samples of seed {seeds[1]} at step 1000: converged",
        f"Samples of seed {seeds[0]} at step 1000: diverged",
    ]


@pytest.mark.usefixtures("undrawn")
def test_large_grids_are_made_smaller(make: Any) -> None:
    store = make([[C]])
    seed = store.plan().seeds[0]
    noise = np.random.default_rng(0).integers(0, 256, (1_000, 1_500), dtype=np.uint8)
    Image.fromarray(noise).save(store.sample_folder(0, seed) / "step-001000.png")
    *_, image = Page(build(store)).all("img")
    assert (image["width"], image["height"]) == ("448", "299")
    assert str(image["src"]).startswith("data:image/webp;base64,")


@pytest.mark.usefixtures("undrawn")
def test_unreadable_last_grid_falls_back_to_the_one_before(make: Any) -> None:
    store = make([[C]])
    last = store.grids(0, store.plan().seeds[0])[-1]
    last.write_bytes(last.read_bytes()[:60])
    assert {attrs["alt"] for attrs in Page(build(store)).all("img")} == {
        f"Samples of seed {store.plan().seeds[0]} at step 500: converged"
    }


def test_rule_is_shown_with_the_meaning_of_every_threshold() -> None:
    rows = page.rule_rows(IMAGE_RULE)
    assert ("window", "3", "number of snapshots in a window; a single snapshot never decides.") in rows
    assert len(rows) == len(OutcomeRule.__dataclass_fields__) - 2  # without criteria and a rule of the user's own
    assert all(meaning for _, _, meaning in rows)


def test_page_says_that_no_training_is_needed_to_decide_anew(mixed: Store) -> None:
    text = Page(mixed.report_path).text
    assert "study decide demo/20260102-030405-quick --rule" in text


def test_what_was_run_traces_every_number(mixed: Store) -> None:
    part = section(Page(mixed.report_path).source, "run")
    plan = mixed.plan()
    for expected in (
        plan.cells[3].digest,
        str(plan.seeds[-1]),
        "torch 2.15.0",
        "stack[5]",
        "cpu",
        "float32",
        "3 min 58 s",
    ):
        assert expected in part


@pytest.mark.usefixtures("undrawn")
def test_methods_name_the_classifier_and_its_accuracy(make: Any) -> None:
    methods = Page(build(make())).text.rpartition("Methods")[2].partition("What was run")[0]
    assert "not the Inception FID" in methods
    assert "0.972 of held-out images" in methods
    assert "statistics of the batch at hand" in methods


NOT_A_NUMBER = r"\b(nan|NaN|inf|Infinity|None)\b"
PLANS = {
    "none finished": [[U, U], [U, U]],
    "one replica": [[C]],
    "one replica, none finished": [[U]],
    "all succeeded": [[C, C], [C, C], [C, C], [C, C]],
    "all failed": [[D, N], [M, D], [L, O], [N, N]],
    "one cell finished": [[C, D], [U, U], [U, U], [U, U]],
}


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS.keys())
@pytest.mark.parametrize("images", [True, False])
def test_any_launch_has_a_page_without_nan(request: Any, make: Any, plan: Any, images: bool) -> None:
    if images:  # the pictures are the same functions: drawn once
        request.getfixturevalue("undrawn")
    store = make(plan, images=images)
    text = Page(build(store)).source
    assert not re.search(NOT_A_NUMBER, re.sub(r"base64,[^\"]*", "", text))
    for name in ("cells.csv", "records.csv"):
        assert not re.search(NOT_A_NUMBER, (store.report_path.parent / name).read_text(encoding="utf-8"))


@pytest.mark.usefixtures("undrawn")
def test_a_launch_without_any_outcome_says_so(make: Any) -> None:
    read = Page(build(make([[U, U], [U, U]])))
    assert "No replica has an outcome yet." in read.text
    assert "No trace is stored yet." in read.text
    assert not {"survival", "sensitivity"} & {attrs.get("id") for attrs in read.all("section")}


@pytest.mark.usefixtures("undrawn")
def test_replicas_that_were_not_needed_are_named_apart(make: Any) -> None:
    store = make([[C, C, U], [D, U, U]], plan={"until_decided": True})
    skipped = [replace(r, status=Status.SKIPPED) if r.outcome is U else r for r in store.records()]
    store.write_records(tuple(skipped))
    text = Page(build(store)).text
    assert "3 skipped" in text
    assert "3 of 6 replicas that it allowed were not run" in text


@pytest.mark.usefixtures("undrawn")
def test_replicas_that_were_stopped_are_named_apart(make: Any) -> None:
    store = make([[C, C, U], [D, U, U]])
    stopped = [replace(r, status=Status.STOPPED) if r.outcome is U else r for r in store.records()]
    store.write_records(tuple(stopped))
    built = build(store)
    assert "3 stopped" in Page(built).text
    rows = csv.DictReader((built.parent / "cells.csv").read_text(encoding="utf-8").splitlines())
    assert [(row["stopped"], row["pending"]) for row in rows] == [("1", "0"), ("2", "0")]


@pytest.mark.usefixtures("undrawn")
def test_the_page_depends_on_the_records_that_it_is_given(make: Any) -> None:
    """What verification relies on: the stored page is the page of the stored records, and of no others."""
    store = make([[C, D], [M, M]])
    stored = build(store).read_text(encoding="utf-8")
    records = store.records()
    assert page.render(view_of(Launch(store, records, store.rule()))) == stored
    assert summarize(records)[0].rate.successes == 1
    other = [replace(record, outcome=M) for record in records]
    assert page.render(view_of(Launch(store, other, store.rule()))) != stored


@pytest.mark.usefixtures("undrawn")
def test_missing_traces_and_grids_are_said_to_be_missing(make: Any) -> None:
    text = Page(build(make(traces=False, grids=False))).text
    assert "No trace is stored yet." in text
    assert "No sample grid is stored." in text
    assert "4 of 5" in text


def test_missing_trace_of_one_cell_leaves_the_others(make: Any) -> None:
    store = make()
    store.trace_path(store.plan().blocks()[0]).unlink()
    part = section(Page(build(store)).source, "curves")
    assert part.count("No trace is stored for this cell.") == 1
    assert part.count("<svg viewBox") == 3


@pytest.mark.usefixtures("undrawn")
def test_classifier_and_hypotheses_may_be_absent(make: Any) -> None:
    text = Page(build(make(images=False, plan={"hypotheses": (), "contrasts": ()}))).text
    assert "This study declared no hypotheses." in text
    assert "No classifier was used in this launch." in text
    assert "Differences" not in text


def test_pictures_and_tables_can_be_heard(mixed: Store) -> None:
    read = Page(mixed.report_path)
    assert all(attrs.get("alt") for attrs in read.all("img"))
    assert all(attrs.get("aria-label") or attrs.get("aria-hidden") for attrs in read.all("svg"))
    assert all(attrs.get("scope") in ("row", "col") for attrs in read.all("th"))
    assert sum(1 for _ in read.all("caption")) == sum(1 for _ in read.all("table")) > 4


def test_same_launch_gives_the_same_page(make: Any) -> None:
    store = make([[C, D]])
    first = build(store).read_bytes()
    assert build(store).read_bytes() == first


def test_building_leaves_matplotlib_as_it_was(make: Any) -> None:
    with matplotlib.rc_context({"font.size": 7.0, "svg.fonttype": "path"}):
        before = dict(matplotlib.rcParams)
        build(make([[C]]))
        assert dict(matplotlib.rcParams) == before


def test_page_is_written_whole(mixed: Store) -> None:
    path = mixed.report_path
    assert sorted(p.name for p in path.parent.iterdir()) == ["cells.csv", "index.html", "records.csv"]


def test_page_of_forty_replicas_stays_small(make: Any) -> None:
    path = build(make([[C, M, L, O, N, D, C, C, M, D]] * 4))
    assert 50_000 < path.stat().st_size < 1_500_000
