"""Computes the expected posts of the rows of a log, and reads the bot's posts, to compare both.

A post is a death as a channel shows it: a card, or one of several lines that share an embed.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from simulation.counting import Count
from utils.models.deaths import DeathRow
from utils.models.servers import SILENT_AT_FIRST

Embed = dict[str, Any]

_FACTS = re.compile(r"(?P<weapon>.*?)( [\d,]+\u00a0m)?( · .*)?")
"""The facts of a line: ``Mosin 187 m · Northwatch``."""


@dataclass(frozen=True, slots=True, eq=False)
class Post:
    """The content of a killfeed post.

    Attributes:
        names: the killer, if there is one, and the victim.
        weapon: the name for people; empty unless a player killed.
        ratio: the killer's K/D after a kill; None where a line does not show it.
    """

    names: frozenset[str]
    weapon: str = ""
    ratio: str | None = None

    def __eq__(self, other: object) -> bool:
        """Compare what both show."""
        if not isinstance(other, Post):
            return NotImplemented
        is_ratio_equal = None in (self.ratio, other.ratio) or self.ratio == other.ratio
        return is_ratio_equal and (self.names, self.weapon) == (other.names, other.weapon)

    def __hash__(self) -> int:
        """Hash what every post shows."""
        return hash((self.names, self.weapon))


def split_posts(embed: Embed) -> Iterator[Embed]:
    """Yield each death of an embed as an embed of its own: a card as it is, lines one by one."""
    if "title" in embed:
        yield embed
        return
    for line in embed["description"].split("\n"):
        yield {**embed, "description": line}


def is_about(post: Embed, server: str) -> bool:
    """Tell whether a post ends with the name of a game server."""
    last = post["footer"]["text"] if "footer" in post else post["description"]
    return bool(last == server or last.endswith(f" · {server}"))


def read_posts(posts: Sequence[Embed]) -> list[Post]:
    """Return the contents of posts, each with one death."""
    return [_read_card(post) if "title" in post else _read_line(post["description"]) for post in posts]


def _read_line(text: str) -> Post:
    plain = _unescape(text)
    names = frozenset(re.findall(r"\*\*(.+?)\*\*", plain))
    if " → " not in plain:
        return Post(names)
    found = _FACTS.fullmatch(plain.rpartition("** · ")[2])
    return Post(names, found["weapon"] if found else "")


def _read_card(card: Embed) -> Post:
    sentence = _unescape(card["description"].split("\n")[0])
    facts = card.get("footer", {}).get("text", "").split(" · ")
    names = frozenset(re.findall(r"\*\*(.+?)\*\*", sentence))
    ratio = next((fact.removeprefix("K/D ") for fact in facts if fact.startswith("K/D ")), None)
    return Post(names, facts[0] if ratio is not None else "", ratio)


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def expect_posts(rows: Sequence[DeathRow], history: Sequence[DeathRow] = ()) -> list[Post]:
    """Return the expected posts of live rows after a history."""
    count = Count()
    for row in history:
        count.add(row)
    expected = [_expect_post(row, count) for row in rows]
    return [post for row, post in zip(rows, expected, strict=True) if is_posted(row)]


def is_posted(row: DeathRow) -> bool:
    """Tell whether a new game server's deaths of this kind are posted."""
    return row.kind not in SILENT_AT_FIRST


def _expect_post(row: DeathRow, count: Count) -> Post:
    count.add(row)
    if row.killer_id is None or row.killer_id == row.victim_id:
        return Post(frozenset({row.victim_name}))
    killer = count.players[row.killer_id]
    weapon = {"land_vehicle": "Vehicle", "boat": "Boat"}.get(row.weapon, row.weapon)
    ratio = round(killer.kills / max(killer.deaths, 1), 2)
    return Post(frozenset({row.killer_name, row.victim_name}), weapon, f"{ratio:,.2f}")
