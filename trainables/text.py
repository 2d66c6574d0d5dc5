"""Other people's text, such as the name of a folder, in one line that can be printed and stored."""

from unicodedata import category


def printable(text: str) -> str:
    r"""Return a text in one line: control characters and the like are escaped, bytes that are no UTF-8 as ``\xe9``."""
    return "".join(letter if letter.isprintable() or category(letter) == "Zs" else _escaped(letter) for letter in text)


def is_utf8(text: str) -> bool:
    """Return whether a name that the system has given is UTF-8, which others could not be stored as."""
    return not any(category(letter) == "Cs" for letter in text)


def _escaped(letter: str) -> str:
    if "\udc80" <= letter <= "\udcff":  # what stands for a byte that is no UTF-8
        return f"\\x{ord(letter) - 0xDC00:02x}"
    return letter.encode("unicode_escape").decode()
