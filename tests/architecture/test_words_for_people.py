"""Texts for people are friendly and plain: sentences, pools, documents, and the meaning of each emoji."""

import re
from collections.abc import Iterator, Mapping
from functools import cache

import pytest

from tests.architecture.source_tree import ROOT
from utils.embeds.notices.registry import NOTICE_LOOKS
from utils.localization.messages import collect_texts
from utils.localization.pools import ENGLISH_POOLS

UNFRIENDLY: Mapping[str, str] = {
    r"\b(is|are|was|were) no\b(?! longer| more)": "isn't a, aren't",
    r"\bthere (is|are|was|were) no\b": "there's no, no … yet",
    r"\bstands? (in|there|here|below|above|beside)\b": "is in",
    r"\b(is|are|was|were) read\b": "say who reads, or that it is imported",
    r"\b(whoever|whatever|whichever|whosoever)\b": "the person, the thing",
    r"\b(those|people) who (host|run) this bot\b": "the bot's owner",
    r"\b(he|him|his|himself|she|her|hers|herself)\b": "they",
    r"\b(man|men|woman|women|guy|guys|gunman|gunmen|marksman|huntsman|headsman|bro|dude|lady)\b": "a player",
    r"\bhere\.": "leave it out",
    r"\b(menu|commit\w*|attempted) suicides?\b": "respawn",
    r"\b(themself|thou|naught|anew|thereof|wherein)\b": "a word of today",
}
"""Patterns of texts that read as translated, with better ones."""

GENDERED = r"\b(he|him|his|himself|she|her|hers|herself)\b"

MEANINGS: Mapping[str, str] = {
    "💎": r"emerald|\} 💎|in 💎",  # money alone
    "⭐": r"\b[Tt]iers?\b",  # premium alone
    "🔎": r"Not found|Which one",
    "🔒": r"Not allowed|only",
    "✋": r"Check that again|Limit",
    "🔧": r"permission",
    "🔌": r"connect|logs|login|Login|key",
    "🏆": r"Most|Best|Longest|Deadliest|Highest",
    "📰": r"Latest deaths",
    "🕒": r"Activity",
    "📖": r"",
    "📝": r"Changes",
}
"""The meaning of each emoji, as a pattern that its texts contain; no other text has it."""

NUMBERED_NOUN = re.compile(r"\{(count|total)\} [a-z]+s\b")


@cache
def list_texts() -> tuple[tuple[str, str, bool], ...]:
    """Return the place and the English of every text, and whether it has forms for one and many."""
    return tuple(_find_texts())


def _find_texts() -> Iterator[tuple[str, str, bool]]:
    for message in collect_texts():
        forms = message.id if isinstance(message.id, tuple) else (message.id,)
        for form in filter(None, forms):
            yield f"{message.locations[0][0]}: {form}", form, len(forms) > 1
    for name, pool in ENGLISH_POOLS.items():
        for line in (*pool.titles, *pool.lines):
            yield f"pool {name}: {line}", line, False


def find_unfriendly(text: str) -> list[str]:
    """Return better words for what reads as translated in a text."""
    return [better for pattern, better in UNFRIENDLY.items() if re.search(pattern, text, re.IGNORECASE)]


def find_wrong_emoji(text: str) -> list[str]:
    """Return the emoji that mean something else than the text says."""
    used = [emoji for emoji in MEANINGS if emoji in text]
    return [emoji for emoji in used if not re.search(MEANINGS[emoji], text)]


def test_texts_are_friendly() -> None:
    """No text has a pattern that reads as translated, and a person is "they"."""
    found = [f"{place} ({better})" for place, text, _ in list_texts() for better in find_unfriendly(text)]
    assert found == []


def test_counted_nouns_have_a_form_for_one() -> None:
    """A number in front of a noun is a plural: "1 links" never shows."""
    single = [(place, text) for place, text, is_plural in list_texts() if not is_plural]
    assert [place for place, text in single if NUMBERED_NOUN.search(text)] == []


def test_emoji_have_one_meaning() -> None:
    """💎 is money and ⭐ is premium; no other text uses them."""
    found = [f"{place} ({emoji})" for place, text, _ in list_texts() for emoji in find_wrong_emoji(text)]
    assert found == []


def test_marks_of_posts_are_none_of_the_marks_of_answers() -> None:
    """A post is not taken for a refusal, for money or for premium."""
    marks = {variant.mark for look in NOTICE_LOOKS.values() for variant in look.variants.values()}
    assert marks.isdisjoint(set(MEANINGS) - {"📖"})


@pytest.mark.parametrize("name", ["README.md", "COMPLIANCE.md", "CHANGELOG.md", "docs"])
def test_documents_call_a_person_they(name: str) -> None:
    """The documents for people do not guess the gender of a person."""
    place = ROOT / name
    files = sorted(place.glob("*.md")) if place.is_dir() else [place]
    found = [
        f"{file.name}:{number}"
        for file in files
        for number, line in enumerate(file.read_text("utf-8").splitlines(), start=1)
        if re.search(GENDERED, line, re.IGNORECASE)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("There is no player “{name}” here.", 3),
        ("The history of {server} is read.", 1),
        ("Whoever hosts the bot", 1),
        ("{player} lost his loot", 1),
        ("No game server is set up yet. Admins: start with {setup}.", 0),
        ("It's no longer posted.", 0),
    ],
)
def test_unfriendly_texts_are_found(text: str, count: int) -> None:
    """The patterns find bad texts and spare good ones."""
    assert len(find_unfriendly(text)) == count
