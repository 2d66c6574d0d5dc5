import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from study.launch import Launch
from study.outcomes.outcome import Outcome
from study.report.figures import export, registry
from study.report.view import View

C, M, L, O, N, D, U = Outcome  # noqa: E741


@pytest.fixture
def launch(make: Any) -> View:
    store = make([[C, D], [M, C], [C, C], [D, D]])
    return View(Launch(store))


@pytest.mark.parametrize("name", registry.PICTURES)
def test_every_picture_of_the_page_is_a_file_in_real_colors(launch: View, name: str, tmp_path: Path) -> None:
    picture = registry.PICTURES[name](launch)
    assert picture is not None
    export.save(picture, tmp_path / "x.svg")
    text = (tmp_path / "x.svg").read_text(encoding="utf-8")
    assert "var(--" not in text
    assert not re.search("#0a[0-9a-f]{2}5e", text)
    assert "<text" in text
    assert re.search(r'<g id="patch_1">\s*<path[^>]*style="fill: #ffffff', text)


def test_pdf_embeds_truetype_and_no_date(launch: View, tmp_path: Path) -> None:
    export.save(registry.PICTURES["success"](launch), tmp_path / "x.pdf")  # type: ignore[arg-type]
    content = (tmp_path / "x.pdf").read_bytes()
    assert b"/TrueType" in content or b"/CIDFontType2" in content
    assert b"/Type3" not in content
    assert b"/CreationDate" not in content


@pytest.mark.parametrize("suffix", export.SUFFIXES)
def test_the_same_picture_gives_the_same_bytes(launch: View, suffix: str, tmp_path: Path) -> None:
    for name in ("a", "b"):
        export.save(registry.PICTURES["composition"](launch), tmp_path / f"{name}{suffix}")  # type: ignore[arg-type]
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_png_is_sharp_enough_for_print(launch: View, tmp_path: Path) -> None:
    export.save(registry.PICTURES["forest"](launch), tmp_path / "new" / "x.png")  # type: ignore[arg-type]
    with Image.open(tmp_path / "new" / "x.png") as image:
        assert image.width > 1_800
        assert image.convert("RGB").getpixel((2, 2)) == (255, 255, 255)


def test_a_launch_without_outcomes_has_pictures_of_nothing(make: Any) -> None:
    store = make([[U, U]])
    launch = View(Launch(store))
    assert {name for name, draw in registry.PICTURES.items() if draw(launch) is None} == {
        "map", "composition", "survival", "sensitivity", "forest", "curves"
    }  # fmt: skip
