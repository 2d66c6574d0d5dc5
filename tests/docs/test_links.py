"""Every link of the README and of docs that stays inside the repository leads somewhere, headings included."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")


def _prose(page: Path) -> str:
    """The page without its code: brackets there are no links."""
    text = re.sub(r"^( *)```.*?^\1```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]*`", "", text)


def links(page: Path) -> Iterator[str]:
    """Targets of the page's links and pictures that are no address on the web."""
    for found in _LINK.finditer(_prose(page)):
        target = found[1] or found[2]
        if not re.match(r"[a-z]+:", target):
            yield target


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as code hosts and the site make them."""
    text = re.sub(r"^( *)```.*?^\1```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.replace("`", "")).strip().lower().replace(" ", "-") for heading in headings}


def broken(page: Path) -> list[str]:
    """The links of a page that lead nowhere."""
    found = []
    for target in links(page):
        path, _, anchor = target.partition("#")
        goal = (page.parent / path).resolve() if path else page
        if not goal.exists() or (anchor and (goal.suffix != ".md" or anchor not in anchors(goal))):
            found.append(target)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    assert broken(page) == []


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("# A `code` heading, here\n```\n# no heading\n```\n", "utf-8")
    page = tmp_path / "page.md"
    page.write_text(
        "[a](there.md) [b](there.md#a-code-heading-here) `[c](code.md)` [d](https://example.org/x)\n"
        '[e](gone.md) [f](there.md#gone) ![g](gone.png) <img src="gone.svg"> [h](there.md#no-heading)\n',
        "utf-8",
    )
    assert broken(page) == ["gone.md", "there.md#gone", "gone.png", "gone.svg", "there.md#no-heading"]


def test_every_page_is_in_the_sites_navigation() -> None:
    named = re.findall(r"[\w/-]+\.md", (ROOT / ".mkdocs.yml").read_text("utf-8"))
    pages = {str(page.relative_to(ROOT / "docs")) for page in PAGES[1:]}
    apart = ("decisions/", "results/studies/")  # others link to them
    unlisted = {page for page in pages if page not in named and not any(folder in page for folder in apart)}
    assert (unlisted, set(named) - pages) == (set(), set())
