"""Figures of members kept in memory: the kills inside a group of players, and their months.

MongoDB is too slow to read a year of a million kills for each question, so they are followed (``followed``).
"""

from pymongo.client_session import ClientSession

from utils.database.core.database import SafeDatabase
from utils.database.core.operations import Document
from utils.database.core.scoped import ScopedCollection
from utils.database.documents.player_documents import format_month
from utils.database.read_models.followed import FollowedAnswers
from utils.events import CountersStored, ServerRemoved
from utils.models.factions import MemberKill
from utils.models.players import Counters
from utils.models.scope import GuildId, PlayerId, ServerScope

MOST_ANSWERS = 2_000  # of each kind; a year of 50 full factions on a server are 62, with 30,000 figures

Group = frozenset[PlayerId]
MonthOfGroup = tuple[str, Group]
"""A month, and the players."""

MonthSums = dict[PlayerId, Counters]

_FIELDS = {"_id": 0, "killer_id": 1, "victim_id": 1, "written_at": 1}
_SUMMED, _BEST = ("kills", "deaths", "xp"), ("longest", "best_streak")
_HOWS = {**dict.fromkeys(_SUMMED, "$sum"), **dict.fromkeys(_BEST, "$max")}
"""How the counters that factions show are put together."""


class MemberFigures:
    """The kills and months of members on all servers."""

    def __init__(self, database: SafeDatabase, *, most: int = MOST_ANSWERS) -> None:
        self._database = database
        self.kills = FollowedAnswers[Group, tuple[MemberKill, ...]](
            database, read=self._read_kills, follow=_follow_kills, most=most
        )
        self.months = FollowedAnswers[MonthOfGroup, MonthSums](
            database, read=self._read_month, follow=_follow_month, most=most
        )

    def on_counters_stored(self, event: CountersStored) -> None:
        """Bring what is kept one batch forward."""
        self.kills.on_counters_stored(event)
        self.months.on_counters_stored(event)

    def on_server_removed(self, event: ServerRemoved) -> None:
        """Drop what is kept of a removed server."""
        self.kills.on_server_removed(event)
        self.months.on_server_removed(event)

    def forget_guild(self, guild_id: GuildId) -> None:
        """Drop what is kept of a guild."""
        self.kills.forget_guild(guild_id)
        self.months.forget_guild(guild_id)

    async def _read_kills(
        self, scope: ServerScope, generation: int, group: Group, session: ClientSession
    ) -> tuple[MemberKill, ...]:
        """Read the kills inside a group; the index holds all of it."""
        del generation  # they are the same in every one
        kills = ScopedCollection.of_server(self._database, "kills", scope, session=session)
        among = {"$in": sorted(group)}
        inside = {"killer_id": among, "victim_id": among}
        found = await kills.find(inside, projection=_FIELDS, hint="killer")
        return tuple(
            MemberKill(one["killer_id"], one["victim_id"], one["written_at"].date())
            for one in found
            if one["killer_id"] != one["victim_id"]
        )

    async def _read_month(
        self, scope: ServerScope, generation: int, question: MonthOfGroup, session: ClientSession
    ) -> MonthSums:
        """Sum the days of a month by player."""
        month, group = question
        days = ScopedCollection.of_server(self._database, "player_days", scope, session=session)
        query = {"generation": generation, "month": month, "player_id": {"$in": sorted(group)}}
        found = await days.aggregate(_build_sums(query), hint="month")
        return {PlayerId(one.pop("player_id")): Counters(**one) for one in found}


def _follow_kills(
    group: Group, kills: tuple[MemberKill, ...], event: CountersStored
) -> tuple[MemberKill, ...]:
    rows = [one.row for one in event.deaths]
    return kills + tuple(
        MemberKill(row.killer_id, row.victim_id, row.written_at.date())
        for row in rows
        if row.killer_id in group and row.victim_id in group and row.killer_id != row.victim_id
    )


def _follow_month(question: MonthOfGroup, sums: MonthSums, event: CountersStored) -> MonthSums | None:
    """Return the sums; None if a day in them changed, because its earlier figures are not known."""
    month, group = question
    is_changed = any(format_month(one.day) == month and one.player_id in group for one in event.days)
    return None if is_changed else sums


def _build_sums(match: Document) -> list[Document]:
    """Return the stages that sum the days of each player's month."""
    of_month = {name: {how: f"$days.{name}"} for name, how in _HOWS.items()}
    return [{"$match": match}, {"$project": {"_id": 0, "player_id": 1, **of_month}}]
