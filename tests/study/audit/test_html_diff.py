"""Two pages are told apart down to one digit, one shape, one pixel, and the place is named."""

import re
from base64 import b64encode
from io import BytesIO

import pytest
from PIL import Image

from study.audit.html_diff import KINDS, Difference, compare, read
from study.storage.store import Store


@pytest.fixture(scope="module")
def page(trained_once: Store) -> str:
    return trained_once.report_path.read_text(encoding="utf-8")


def found(page: str, changed: str) -> dict[str, list[Difference]]:
    """Kind to what differs, of the kinds that do."""
    compared = {kind: list(compare(read(changed), read(page), kind)) for kind in KINDS}
    return {kind: differences for kind, differences in compared.items() if differences}


def replaced(page: str, old: str, new: str) -> str:
    assert old in page
    return page.replace(old, new, 1)


def test_a_page_is_equal_to_itself(page: str) -> None:
    assert not found(page, page)
    assert read(page).numbers() > 100


def test_a_digit_is_told_with_the_row_of_its_table(page: str) -> None:
    assert found(page, replaced(page, '<td class="num">2 of 3<', '<td class="num">3 of 3<')) == {
        "words": [Difference("Success per cell, row 0", "3 of 3", "2 of 3")]
    }


def test_a_label_for_those_who_do_not_see_is_a_word_of_the_page(page: str) -> None:
    changed = found(page, replaced(page, "ls: 2 of 3, 0.67", "ls: 3 of 3, 0.67"))
    assert [difference.found for difference in changed.pop("words")] == ["% interval: ls: 3 of 3, 0.67"]
    assert not changed


def test_a_text_inside_a_drawing_is_a_word_of_the_page(page: str) -> None:
    changed = found(page, re.sub(r"(<text [^>]*>)2 of 3", r"\g<1>3 of 3", page, count=1))
    assert list(changed) == ["words"]


def test_a_row_that_is_gone_is_told_without_all_that_follows(page: str) -> None:
    rows = re.findall(r"<tr>.*?</tr>", page, flags=re.DOTALL)
    changed = found(page, replaced(page, rows[-2], ""))
    assert {difference.found for difference in changed["words"]} == {""}
    assert len(changed["words"]) < 20


def test_a_shape_is_drawing_and_a_style_is_markup(page: str) -> None:
    place = page.index('d="M ', page.index('id="curves"')) + 5
    assert list(found(page, page[:place] + "7" + page[place:])) == ["drawing"]
    assert list(found(page, replaced(page, "</style>", ".num { display: none }</style>"))) == ["markup"]


def test_a_pixel_differs_and_another_encoding_does_not() -> None:
    image = Image.new("L", (8, 8), 7)
    other = image.copy()
    other.putpixel((0, 0), 8)
    plain, smaller, changed = (_page(image, compress_level=0), _page(image, compress_level=9), _page(other))
    assert plain != smaller
    assert not found(plain, smaller)
    assert found(plain, changed) == {"pictures": [Difference("Samples", "a picture", "another")]}
    assert list(found(plain, re.sub('base64,.*?"', 'base64,broken"', plain))) == ["pictures"]


def test_what_drew_the_figures_is_no_part_of_the_comparison() -> None:
    one, other = (f'<meta name="generator" content="matplotlib {version}"><p>1</p>' for version in ("3.10", "3.11"))
    assert read(one).drawn_by == "matplotlib 3.10"
    assert not found(one, other)


def test_anything_can_be_read() -> None:
    assert read("</p></svg><<>> 12 <tr").numbers() == 1
    assert found("", "<p>12 of 13</p>")["words"] == [Difference("the head of the page", "12 of 13", "")]


def _page(image: Image.Image, **options: int) -> str:
    out = BytesIO()
    image.save(out, format="PNG", **options)
    return f'<h2>Samples</h2><img src="data:image/png;base64,{b64encode(out.getvalue()).decode()}">'


def test_a_number_of_a_verdict_is_named_with_its_claim() -> None:
    verdict = "<h2>Verdicts</h2><details><summary><h3>A beats B.</h3><span>3/3</span></summary><p>3 of 3</p></details>"
    one, other = (read(text) for text in (verdict.replace("3/3", "2/3"), verdict))
    assert list(compare(one, other, "words")) == [Difference("A beats B.", "2/3", "3/3")]
