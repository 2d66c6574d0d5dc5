"""The report of a launch, written again from other records and compared with the one that is there."""

import gzip
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from study.audit import html_diff
from study.audit.html_diff import Kind
from study.report.page import build
from study.storage.records import Record
from study.storage.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One step of a verification.

    Attributes:
        name: what is checked.
        compared: how much of it was, in words.
        differences: one sentence each; none if all agrees.
        notes: what a reader should know, though it is no contradiction.
    """

    name: str
    compared: str
    differences: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def checks(store: Store, computed: tuple[Record, ...], ahead: int, copy: Path | None = None) -> Iterator[Check]:
    """Write the page and the files beside it again from recomputed records, and compare.

    Args:
        ahead: how many of the records are newer than the page.
        copy: a page that was published elsewhere (``.gz``: compressed), to be compared instead of the launch's own.

    Raises:
        ValueError: if ``copy`` cannot be read.
    """
    if copy is not None:
        yield from _copy(store, computed, copy)
        return
    if ahead or not store.report_path.exists():
        why = "it is older than the last traces" if store.report_path.exists() else "there is none"
        yield Check(name="report", compared="nothing", notes=(f"{why}; study report {store.root} writes it",))
        return
    with tempfile.TemporaryDirectory() as folder:
        again = _again(store, computed, Path(folder))
        yield from _page(store.report_path.read_bytes(), again)
        yield _files(store.report_path, again.report_path)


def _copy(store: Store, computed: tuple[Record, ...], path: Path) -> Iterator[Check]:
    try:
        content = path.read_bytes()
        page = gzip.decompress(content) if path.suffix == ".gz" else content
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"--page must be a page that can be read, got {path}: {error}") from None
    with tempfile.TemporaryDirectory() as folder:
        yield from _page(page, _again(store, computed, Path(folder)))


def _page(content: bytes, again: Store) -> Iterator[Check]:
    texts = [own.decode("utf-8", errors="replace") for own in (content, again.report_path.read_bytes())]
    due = html_diff.read(texts[1])
    found = due if texts[0] == texts[1] else html_diff.read(texts[0])
    yield from (_kind(kind, found, due) for kind in html_diff.KINDS)


def _again(store: Store, computed: tuple[Record, ...], folder: Path) -> Store:
    """Return the launch with the recomputed records, its report written into another folder."""
    again = Store(store.root)
    again.records_path, again.rule_path = folder / "records.parquet", folder / "rule.json"
    again.report_path = folder / "report" / "index.html"
    again.write_decided(store.rule(), computed)
    build(again)
    return again


def _kind(kind: Kind, found: html_diff.Page, due: html_diff.Page) -> Check:
    differences = tuple(
        f"{own.place}: the page has “{own.found}”, the records give “{own.expected}”"
        for own in html_diff.compare(found, due, kind)
    )
    compared = f"{len(due.items[kind])} pieces of the page"
    if kind == "words":
        compared += f", {due.numbers()} numbers in them"
    if kind == "drawing" and differences and found.drawn_by != due.drawn_by:
        note = f"drawn by {found.drawn_by or 'an unknown version'}, here is {due.drawn_by}: shapes cannot be compared"
        return Check(name=kind, compared=compared, notes=(note,))
    return Check(name=kind, compared=compared, differences=differences)


def _files(page: Path, again: Path) -> Check:
    """Compare the files beside the page byte by byte; of a text, name the first line that differs."""
    found, due = ({path.name: path for path in own.parent.iterdir() if path != own} for own in (page, again))
    differences = [f"report/{name} is missing" for name in sorted(due.keys() - found.keys())]
    differences += [sentence for name in sorted(found.keys() & due.keys())
                    if (sentence := _bytes(found[name], due[name]))]  # fmt: skip
    notes = tuple(f"report/{name} is not written by study report" for name in sorted(found.keys() - due.keys()))
    names = ", ".join(sorted(due)) or "none beside the page"
    return Check(name="files", compared=names, differences=tuple(differences), notes=notes)


def _bytes(found: Path, due: Path) -> str:
    a, b = found.read_bytes(), due.read_bytes()
    if a == b:
        return ""
    lines = enumerate(zip_longest(a.splitlines(), b.splitlines(), fillvalue=b""), 1)
    number, (one, other) = next((at, pair) for at, pair in lines if pair[0] != pair[1])
    texts = (text.decode("utf-8", errors="replace")[:80] for text in (one, other))
    return f"report/{found.name}, line {number}: has “{next(texts)}”, the records give “{next(texts)}”"
