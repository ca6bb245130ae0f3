"""What the killfeed must say of the rows of a log, and what it says: the judge over what the bot posts."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from simulation.counting import Count
from utils.models.deaths import DeathRow

Embed = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Post:
    """What a post of the killfeed says of a death; ``facts`` is the middle line of a kill."""

    at: int
    names: frozenset[str]
    facts: str


def read_posts(embeds: Sequence[Embed]) -> list[Post]:
    """Return what posts say."""
    return [_read_post(embed["description"]) for embed in embeds]


def _read_post(text: str) -> Post:
    line, facts, place = re.sub(r"\\(.)", r"\1", text).split("\n")
    [moment] = set(re.findall(r"<t:(\d+):", place))
    names = frozenset(re.findall(r"\*\*(.+?)\*\*", line))
    return Post(int(moment), names, facts if "K/D" in facts else "")


def expect_posts(rows: Sequence[DeathRow], history: Sequence[DeathRow] = ()) -> list[Post]:
    """Return what the posts of live rows must say, after a history."""
    count = Count()
    for row in history:
        count.add(row)
    return [_expect_post(row, count) for row in rows]


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
