"""Figures of members kept in memory: the kills inside a group of players, and each player's days.

MongoDB is too slow to read a year of a million kills for each question, so they are followed (``followed``).
A day is kept by its player, so somebody who joins or leaves costs a read of their own days alone.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from pymongo.client_session import ClientSession

from utils.database.core.database import SafeDatabase
from utils.database.core.scoped import ScopedCollection
from utils.database.documents.death_documents import decode_documents
from utils.database.read_models.followed import FollowedAnswers
from utils.database.read_models.member_tables import (
    PROJECTION,
    DayTable,
    KillTable,
    add_kills,
    build_kills,
    join_days,
    read_month,
    replace_days,
    weigh_days,
    weigh_kills,
)
from utils.events import CountersStored, ServerRemoved
from utils.models.players import PlayerDay
from utils.models.scope import GuildId, PlayerId, ServerScope

MOST_DAYS = 1_500_000
"""Those of all guilds, 24 bytes each: 36 MB. A year of 50 full factions has 456,250 on a server at most."""

MOST_KILLS = 1_000_000
"""Those of all guilds, 12 bytes each: 12 MB. A year of 50 full factions and a million kills has 20,000."""

Group = tuple[PlayerId, ...]
"""Players in order; a kill holds their places in it."""

_MONTHS = 500  # decoding blocks Python, so only for a few milliseconds at a time
_FIELDS = {"_id": 0, "killer_id": 1, "victim_id": 1, "written_at": 1}


class MemberFigures:
    """The kills and days of members on all servers, which take 48 MB at most.

    Args:
        most_days: how many days are kept in memory.
        most_kills: how many kills.
    """

    def __init__(
        self, database: SafeDatabase, *, most_days: int = MOST_DAYS, most_kills: int = MOST_KILLS
    ) -> None:
        self._database = database
        self.kills = FollowedAnswers[Group, KillTable](
            database, read=self._read_kills, follow=_follow_kills, weigh=weigh_kills, most=most_kills
        )
        self.days = FollowedAnswers[PlayerId, DayTable](
            database, read=self._read_days, follow=_follow_days, weigh=weigh_days, most=most_days
        )

    def on_counters_stored(self, event: CountersStored) -> None:
        """Bring what is kept one batch forward."""
        self.kills.on_counters_stored(event)
        self.days.on_counters_stored(event)

    def on_server_removed(self, event: ServerRemoved) -> None:
        """Drop what is kept of a removed server."""
        self.kills.on_server_removed(event)
        self.days.on_server_removed(event)

    def forget_guild(self, guild_id: GuildId) -> None:
        """Drop what is kept of a guild."""
        self.kills.forget_guild(guild_id)
        self.days.forget_guild(guild_id)

    async def _read_kills(
        self, scope: ServerScope, generation: int, groups: Sequence[Group], session: ClientSession
    ) -> Mapping[Group, KillTable]:
        """Read the kills inside groups; the index holds all of them."""
        del generation  # they are the same in every one
        kills = ScopedCollection.of_server(self._database, "kills", scope, session=session)
        read = {}
        for group in groups:
            among = {"$in": list(group)}
            inside = {"killer_id": among, "victim_id": among}
            found = await kills.find(inside, projection=_FIELDS, hint="killer")
            read[group] = _build_kills(
                group, ((one["killer_id"], one["victim_id"], one["written_at"]) for one in found)
            )
        return read

    async def _read_days(
        self, scope: ServerScope, generation: int, players: Sequence[PlayerId], session: ClientSession
    ) -> Mapping[PlayerId, DayTable]:
        """Read the days of players."""
        stored = ScopedCollection.of_server(self._database, "player_days", scope, session=session)
        months: dict[PlayerId, list[DayTable]] = defaultdict(list)
        async for encoded in stored.iterate_raw(
            {"generation": generation, "player_id": {"$in": sorted(players)}},
            sort=[("month", 1)],
            hint="month",
            batch=_MONTHS,
            projection=PROJECTION,
        ):
            await asyncio.to_thread(_add_months, months, encoded)
        return {player_id: join_days(months[player_id]) for player_id in players}


def _add_months(months: Mapping[PlayerId, list[DayTable]], encoded: bytes) -> None:
    for document in decode_documents(encoded):
        months[document["player_id"]].append(read_month(document))


def _follow_kills(kept: Mapping[Group, KillTable], event: CountersStored) -> Mapping[Group, KillTable]:
    """Return the kills of the groups that killed one of their own."""
    rows = [death.row for death in event.deaths]
    kills = [(row.killer_id, row.victim_id, row.written_at) for row in rows if row.killer_id is not None]
    new = {group: [one for one in kills if one[0] in group and one[1] in group] for group in kept}
    return {
        group: add_kills(kept[group], _build_kills(group, inside)) for group, inside in new.items() if inside
    }


def _build_kills(group: Group, kills: Iterable[tuple[PlayerId, PlayerId, datetime]]) -> KillTable:
    """Return those of the kills that are inside a group."""
    numbers = {player_id: number for number, player_id in enumerate(group)}
    return build_kills(
        (numbers[killer_id], numbers[victim_id], written_at.date())
        for killer_id, victim_id, written_at in kills
        if killer_id in numbers and victim_id in numbers and killer_id != victim_id
    )


def _follow_days(kept: Mapping[PlayerId, DayTable], event: CountersStored) -> Mapping[PlayerId, DayTable]:
    """Return the days of the players of a batch."""
    changed: dict[PlayerId, list[PlayerDay]] = defaultdict(list)
    for one in event.days:
        if one.player_id in kept:
            changed[one.player_id].append(one)
    return {player_id: replace_days(kept[player_id], days) for player_id, days in changed.items()}
