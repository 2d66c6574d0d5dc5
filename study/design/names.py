"""The one rule for names that become folders, addresses of pages and parts of a launch's id."""

import re

from study.formatting import quoted

LONGEST = 100
"""Largest number of characters: a launch's id adds a time to the name of a profile, and file systems take 255."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._-]*")


def check(what: str, name: object, *, longest: int = LONGEST) -> None:
    """Raise ValueError unless a name can be that of a folder on every file system.

    Args:
        what: is named, in the sentence.
        name: the name.
        longest: largest number of characters.
    """
    if not isinstance(name, str) or len(name) > longest or not _NAME.fullmatch(name):
        raise ValueError(
            f"{what} must be 1 to {longest} letters, digits, '-', '_', '+' and '.', the first a letter or digit, got"
            f" {quoted(name)}"
        )


def check_text(what: str, text: object) -> None:
    """Raise ValueError unless a title, question or note is text that can be printed, over any number of lines."""
    if not isinstance(text, str) or not all(letter.isprintable() or letter in "\n\t" for letter in text):
        raise ValueError(f"{what} must be a text without control characters, got {quoted(text)}")
