"""Computes the expected posts of the rows of a log, and reads the bot's posts, to compare both."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from simulation.counting import Count
from utils.models.deaths import DeathRow
from utils.models.servers import SILENT_AT_FIRST

Embed = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Post:
    """The content of a killfeed post; ``facts`` is the middle line of a kill."""

    at: int
    names: frozenset[str]
    facts: str


def read_posts(embeds: Sequence[Embed]) -> list[Post]:
    """Return the contents of posts."""
    return [_read_post(embed["description"]) for embed in embeds]


def _read_post(text: str) -> Post:
    line, facts, place = re.sub(r"\\(.)", r"\1", text).split("\n")
    [moment] = set(re.findall(r"<t:(\d+):", place))
    names = frozenset(re.findall(r"\*\*(.+?)\*\*", line))
    return Post(int(moment), names, facts if "K/D" in facts else "")


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
    at = int(row.written_at.replace(tzinfo=UTC).timestamp())
    if row.killer_id is None or row.killer_id == row.victim_id:
        return Post(at, frozenset({row.victim_name}), "")
    killer = count.players[row.killer_id]
    weapon = {"land_vehicle": "Vehicle", "boat": "Boat"}.get(row.weapon, row.weapon)
    ratio = round(killer.kills / max(killer.deaths, 1), 2)
    facts = f"{weapon} · {row.distance:,} m · K/D {ratio:,.2f} · Streak {killer.current_streak}"
    return Post(at, frozenset({row.killer_name, row.victim_name}), facts)
