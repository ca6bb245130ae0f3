"""An artificial language. A string that it shows unmarked is not a text, so it could not be translated.

Texts are between ⟦ and ⟧, with accents and 40 % longer; foreign text, commands and so on are between ⟪ and ⟫.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from utils.localization.catalogue import ENGLISH_CATALOGUE
from utils.localization.languages import Languages
from utils.localization.localizer import Localizer, MarkdownWriter, PlainWriter
from utils.localization.pools import ENGLISH_POOLS, Pool
from utils.models.texts import Number, Text, TextWriter, Value

LANGUAGE = "qps"
SHOWN = ("title", "description", "name", "value", "text", "label", "placeholder", "content")
UNMARKED = ("title", "name", "text", "label", "placeholder")  # Discord shows no mentions there
LETTERS = str.maketrans("aceinosuyzACEINOSUYZ", "áčéíñóšúýžÁČÉÍÑÓŠÚÝŽ")
PARTS = re.compile(r"(\{\w+\}|`[^`]*`)")
MARKED = re.compile(r"⟦[^⟦⟧⟪⟫]*⟧|⟪[^⟦⟧⟪⟫]*⟫")
# the last alternative is a text that was cut at a limit of Discord
TOKENS = re.compile(r"<t:\d+:\w>|<[@#]&?\w+>|[⟦⟪].*", re.DOTALL)


def mark(form: str) -> str:
    """Return an English sentence in this language, with its placeholders."""
    places = PARTS.split(form)
    letters = sum(char.isalpha() for part in places[::2] for char in part)
    if not letters:
        return form  # a list of values
    shown = [part if number % 2 else part.translate(LETTERS) for number, part in enumerate(places)]
    return f"⟦{''.join(shown)}{'·' * (letters * 2 // 5)}⟧"


class _Pseudo(TextWriter):
    def find_form(self, each: Text) -> str:
        return mark(super().find_form(each))

    def write(self, value: Value) -> str:
        written = super().write(value)
        return written if isinstance(value, Text | Number) else f"⟪{written}⟫"


class _PlainPseudo(_Pseudo, PlainWriter):
    pass


class _MarkdownPseudo(_Pseudo, MarkdownWriter):
    pass


POOLS = {
    name: Pool(tuple(map(mark, pool.titles)), tuple(map(mark, pool.lines)))
    for name, pool in ENGLISH_POOLS.items()
}


class _EveryCommand(Mapping[str, int]):
    """An id for each command, so that they are mentions in this language."""

    def __getitem__(self, name: str) -> int:
        return 1

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


PSEUDO = Localizer(
    LANGUAGE,
    plain=_PlainPseudo(ENGLISH_CATALOGUE),
    markdown=_MarkdownPseudo(ENGLISH_CATALOGUE, _EveryCommand()),
    pools=POOLS,
)
LANGUAGES = Languages(more={LANGUAGE: PSEUDO})


def list_bare(payload: Any) -> list[str]:
    """Return the visible strings of a payload whose letters are not a text, value or command."""
    return [shown for shown in _list_shown(payload, SHOWN) if _is_bare(shown)]


def list_dead_mentions(payload: Any) -> list[str]:
    """Return the visible strings of a payload in which the mention of a command would not work."""
    return [shown for shown in _list_shown(payload, UNMARKED) if "</" in shown]


def _list_shown(payload: Any, keys: Collection[str]) -> Iterator[str]:
    if isinstance(payload, list):
        for each in payload:
            yield from _list_shown(each, keys)
    elif isinstance(payload, dict):
        for key, value in payload.items():
            is_id = key == "value" and "label" in payload  # the id of a choice in a select
            if key in keys and isinstance(value, str) and not is_id:
                yield value
            else:
                yield from _list_shown(value, keys)


def _is_bare(shown: str) -> bool:
    before = ""
    while before != shown:
        before, shown = shown, MARKED.sub("", shown)
    return any(char.isalpha() for char in TOKENS.sub("", shown))
