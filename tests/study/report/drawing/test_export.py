import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from study.launch import Launch
from study.outcomes.outcome import Outcome
from study.report.drawing import export
from study.report.drawing.svg import Picture
from study.report.figures import registry
from study.report.views import GridView, View, view_of

C, M, L, O, N, D, U = tuple(Outcome)[:7]  # noqa: E741


@pytest.fixture
def view(make: Any) -> View:
    return view_of(Launch(make([[C, D], [M, C], [C, C], [D, D]])))


def picture(view: View, name: str) -> Picture:
    found: Picture | None = registry.named(name).picture(view)
    assert found is not None
    return found


APART = ("sensitivity", "variance")
"""No threshold moves a made-up launch, and it holds no source: tests of these figures draw launches of their own."""
DRAWN = [figure.name for figure in registry.figures() if figure.of in (View, GridView) and figure.name not in APART]


@pytest.mark.parametrize("name", DRAWN)
def test_every_figure_of_a_grid_is_a_file_in_real_colors(view: View, name: str, tmp_path: Path) -> None:
    export.save(picture(view, name), tmp_path / "x.svg")
    text = (tmp_path / "x.svg").read_text(encoding="utf-8")
    assert "var(--" not in text
    assert not re.search("#0a[0-9a-f]{2}5e", text)
    assert "<text" in text
    assert re.search(r'<g id="patch_1">\s*<path[^>]*style="fill: #ffffff', text)


def test_pdf_embeds_truetype_and_no_date(view: View, tmp_path: Path) -> None:
    export.save(picture(view, "success"), tmp_path / "x.pdf")
    content = (tmp_path / "x.pdf").read_bytes()
    assert b"/TrueType" in content or b"/CIDFontType2" in content
    assert b"/Type3" not in content
    assert b"/CreationDate" not in content


@pytest.mark.parametrize("suffix", export.SUFFIXES)
def test_the_same_picture_gives_the_same_bytes(view: View, suffix: str, tmp_path: Path) -> None:
    for name in ("a", "b"):
        export.save(picture(view, "composition"), tmp_path / f"{name}{suffix}")
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_png_is_sharp_enough_for_print(view: View, tmp_path: Path) -> None:
    export.save(picture(view, "forest"), tmp_path / "new" / "x.png")
    with Image.open(tmp_path / "new" / "x.png") as image:
        assert image.width > 1_800
        assert image.convert("RGB").getpixel((2, 2)) == (255, 255, 255)
