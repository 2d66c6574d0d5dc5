import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from study.outcomes.outcome import Outcome
from study.report import build
from study.report.film import films, spread
from study.report.samples import embedded

C, M, L, O, N, D, U = tuple(Outcome)[:7]  # noqa: E741


def test_each_outcome_has_the_film_of_its_first_replica(make: Any) -> None:
    store = make([[D, C, C], [M, C, D]])
    seeds = store.plan().seeds
    found = films(store, store.records())
    assert [(film.record.outcome, film.record.cell, film.record.seed) for film in found] == [
        (C, 0, seeds[1]), (M, 1, seeds[0]), (D, 0, seeds[0])
    ]  # fmt: skip
    assert [frame.step for frame in found[0].frames] == [500, 1_000]


def test_a_replica_without_an_outcome_has_no_film(make: Any) -> None:
    store = make([[C, D]])
    records = [replace(record, outcome=U) if record.outcome is D else record for record in store.records()]
    assert [film.record.outcome for film in films(store, records)] == [C]


def test_a_replica_without_grids_is_passed_over(make: Any) -> None:
    store = make([[C, C]])
    for grid in store.grids(0, store.plan().seeds[0]):
        grid.unlink()
    assert films(store, store.records())[0].record.seed == store.plan().seeds[1]
    assert films(make([[C]], grids=False), store.records()[:1]) == []


def test_a_frame_cut_off_is_left_out(make: Any) -> None:
    store = make([[C]])
    first = store.grids(0, store.plan().seeds[0])[0]
    first.write_bytes(first.read_bytes()[:50])
    assert [frame.step for frame in films(store, store.records())[0].frames] == [1_000]


def test_at_most_six_frames_with_both_ends() -> None:
    paths = [Path(f"step-{i}.png") for i in range(21)]
    assert [path.name for path in spread(paths)] == [f"step-{i}.png" for i in (0, 4, 8, 12, 16, 20)]
    assert spread(paths[:6]) == paths[:6]
    assert spread([]) == []


@pytest.mark.usefixtures("undrawn")
def test_only_the_last_frame_shows_without_a_script(make: Any) -> None:
    source = build(make([[C]])).read_text(encoding="utf-8")
    film = source.partition('<figure class="film">')[2].partition("</figure>")[0]
    assert [" hidden" in image for image in re.findall(r"<img[^>]*>", film)] == [True, False]
    assert '<input type="range" min="0" max="1" step="1" value="1" hidden' in film
    assert "<output>step 1\N{NARROW NO-BREAK SPACE}000</output>" in film
    assert "autoplay" not in source
    assert "setInterval" not in source


@pytest.mark.usefixtures("undrawn")
def test_a_single_frame_has_no_slider(make: Any) -> None:
    store = make([[C]])
    store.grids(0, store.plan().seeds[0])[0].unlink()
    assert '<input type="range"' not in build(store).read_text(encoding="utf-8")


def test_photographs_are_embedded_small(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (512, 512, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "step-1.png")
    shown = embedded(tmp_path / "step-1.png", 256)
    assert (shown.width, shown.height) == (256, 256)
    assert shown.uri.startswith("data:image/webp;base64,")
    assert len(shown.uri) < 60_000


def test_small_pictures_keep_their_bytes(tmp_path: Path) -> None:
    Image.new("L", (128, 128), 90).save(tmp_path / "step-1.png")
    assert embedded(tmp_path / "step-1.png", 256).uri.startswith("data:image/png;base64,")
