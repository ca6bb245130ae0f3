"""The text of an error that may be stored: sentences of our own code, without anything that people typed.

The sentence of a ``Text`` is known without its values. From any other message only plain words are kept: a
part in quotes or brackets, a number, an address, a path, or a word that looks like a name becomes ``#``.
"""

import os
import re
from collections.abc import Callable

from utils.errors import KillfeedError
from utils.models.texts import Text

LONGEST = 200  # characters
MASK = "#"

_QUOTED = re.compile(
    r"“[^”]*”|\"[^\"]*\"|«[^»]*»|\u2018[^\u2019]*\u2019|(?<!\w)'[^']*'|`[^`]*`|\*\*.*?\*\*|\([^)]*\)|\[[^\]]*\]|<[^>]*>"
)
_PLACE = re.compile(r"\{\w+\}")
_PLAIN = re.compile(r"[a-z]+(?:['\u2019-][a-z]+)*[.,:;!?]*")
_KNOWN = frozenset({"MongoDB", "Discord", "SSH", "SFTP", "I", "I'll", "I'm", "Python"})
_OPENERS = frozenset(
    {
        *("A", "An", "Another", "Every", "It", "No", "Nobody", "One", "Only", "Set", "Some", "Somebody"),
        *("Storing", "The", "There", "These", "This", "Those"),
    }
)
"""Words that may begin a sentence; any other capital could be that of a name."""
_ENDINGS = (".", "!", "?", ":")


def choose_text(error: BaseException, redact: Callable[[str], str] = str) -> str:
    """Return the text of an error that may be stored; empty if its class may hold data in it.

    ``redact`` removes known secrets before anything else.
    """
    if isinstance(error, KillfeedError):
        said = getattr(error, "said", None)
        return clean_sentence(said) if isinstance(said, Text) else clean(redact(str(error)))
    if isinstance(error, OSError) and isinstance(error.errno, int):
        return os.strerror(error.errno)[:LONGEST]
    return ""


def clean_sentence(said: Text) -> str:
    """Return the English of a text, with a mark for each of its values."""
    return _shorten(_PLACE.sub(MASK, said.source).replace("**", ""))


def clean(message: str) -> str:
    """Return the plain words of a message; everything that could be a name, an id or an address is a mark."""
    words: list[str] = []
    is_first = True
    for word in _QUOTED.sub(f" {MASK} ", message).split():
        kept = word if _is_plain(word, is_first=is_first) else MASK
        if not (kept == MASK and words and words[-1] == MASK):
            words.append(kept)
        is_first = word.endswith(_ENDINGS)
    return _shorten(" ".join(words))


def _is_plain(word: str, *, is_first: bool) -> bool:
    if word.rstrip(".,:;!?") in _KNOWN or word == MASK or (is_first and word in _OPENERS):
        return True
    return _PLAIN.fullmatch(word) is not None


def _shorten(kept: str) -> str:
    return kept if len(kept) <= LONGEST else f"{kept[: LONGEST - 1]}…"
