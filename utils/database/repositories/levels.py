"""Levels of members: the XP that they follow from, and the levels last known, which are told once."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from utils.database.core.blocking import BlockingCollection
from utils.database.core.database import FenceSource, SafeDatabase
from utils.database.core.operations import Document
from utils.database.core.transaction import Transaction
from utils.database.documents.link_documents import PROVEN
from utils.database.documents.xp_documents import KNOWN_LEVEL
from utils.database.read_models.standings.standings import Standings
from utils.database.repositories.repository import FencedRepository
from utils.database.repositories.shown import list_shown
from utils.database.units.direct_unit import append_direct_messages
from utils.database.units.outbox_entries import append_entries
from utils.models.levels import KnownLevel, LevelChange, MemberXp, compute_basis
from utils.models.notices.levels import LevelNotice
from utils.models.notifications import tell_level
from utils.models.scope import ALL_SERVERS, GuildId, MemberId, PlayerId, ServerScope

CHANGES_AT_ONCE = 500
"""Levels that one transaction stores at most, because MongoDB limits its time and its size."""


class LevelRepository(FencedRepository):
    """The levels of a guild's members.

    Args:
        standings: has the XP of all players in memory.
    """

    def __init__(self, database: SafeDatabase, standings: Standings, *, fences: FenceSource) -> None:
        super().__init__(database, fences=fences)
        self._standings = standings

    async def list_levels(self, guild_id: GuildId) -> Mapping[MemberId, KnownLevel]:
        """Return the level last known of each member who has one."""
        found = await self._of_guild("levels", guild_id).find({}, hint="member")
        return {MemberId(one["member_id"]): KNOWN_LEVEL.read(one) for one in found}

    async def list_xp(self, guild_id: GuildId) -> Sequence[MemberXp]:
        """Return the XP of each member with proven links, over all game servers of the guild."""
        links: defaultdict[MemberId, list[Document]] = defaultdict(list)
        for link in await self._of_guild("links", guild_id).find(PROVEN, hint="proven"):
            links[MemberId(link["member_id"])].append(link)
        if not links:
            return ()
        shown = await list_shown(self._database, guild_id, None)
        generations = [(server_id, one.generation) for one in shown for server_id in one.server_ids]
        players = [PlayerId(link["player_id"]) for own in links.values() for link in own]
        sums = await self._standings.sum_players(guild_id, shown, players, since=None)
        xp = {player_id: counters.xp for player_id, counters in sums.items()}
        return [
            MemberXp(
                member_id=member_id,
                name=max(own, key=_is_main)["player_name"],
                xp=sum(xp.get(PlayerId(link["player_id"]), 0) for link in own),
                basis=compute_basis([PlayerId(link["player_id"]) for link in own], generations),
            )
            for member_id, own in sorted(links.items())
        ]

    async def put_silently(self, guild_id: GuildId, changes: Sequence[LevelChange], *, at: datetime) -> None:
        """Store levels without notices, each if it is still the one that was read.

        Many are stored in several transactions. If a process ends in between, the next look finds the rest.
        """
        for start in range(0, len(changes), CHANGES_AT_ONCE):
            piece = changes[start : start + CHANGES_AT_ONCE]

            def put(transaction: Transaction, piece: Sequence[LevelChange] = piece) -> None:
                stored = [change for change in piece if _put(transaction, guild_id, change)]
                told = [message for change in stored for message in tell_level(change, at=at)]
                append_direct_messages(transaction, guild_id, told)

            await self._in_transaction(guild_id, put)

    async def put_told(self, guild_id: GuildId, change: LevelChange, notice: LevelNotice) -> bool:
        """Store a level and its notice, if it is still the one that was read; tell whether it was."""

        def put(transaction: Transaction) -> bool:
            if not _put(transaction, guild_id, change):
                return False
            append_entries(transaction, ServerScope(guild_id, ALL_SERVERS), [notice], created_at=notice.at)
            append_direct_messages(transaction, guild_id, tell_level(change, at=notice.at))
            return True

        return await self._in_transaction(guild_id, put)

    async def silence_all(self, guild_id: GuildId) -> None:
        """Let the next look take the levels of all members as they are then, without telling them."""

        def silence(transaction: Transaction) -> None:
            transaction.of_guild("levels", guild_id).update_many({}, {"$set": {"basis": ""}})

        await self._in_transaction(guild_id, silence)

    async def delete_levels(self, guild_id: GuildId, member_ids: Collection[MemberId]) -> None:
        """Forget the levels of members."""

        def delete(transaction: Transaction) -> None:
            gone = {"member_id": {"$in": sorted(map(int, member_ids))}}
            transaction.of_guild("levels", guild_id).delete(gone)

        await self._in_transaction(guild_id, delete)


def _put(transaction: Transaction, guild_id: GuildId, change: LevelChange) -> bool:
    levels, own = transaction.of_guild("levels", guild_id), {"member_id": int(change.member_id)}
    after = {"$set": KNOWN_LEVEL.build(change.after)}
    if change.before is not None:
        return levels.update_one({**own, **KNOWN_LEVEL.build(change.before)}, after)
    if not _hold_link(transaction.of_guild("links", guild_id), own):
        return False
    if levels.find_one(own) is not None:
        return False
    levels.update_one(own, after, upsert=True)
    return True


def _hold_link(links: BlockingCollection, own: Document) -> bool:
    """Tell whether the member is still linked; an erasure at this moment has to wait, or this has to."""
    # a write and not only a read, so that an erasure leaves no level behind
    return links.update_one({**own, "is_main": True}, {"$inc": {"levels_begun": 1}})


def _is_main(link: Document) -> bool:
    return bool(link.get("is_main"))
