"""Recaps: what became of them, and when the next ones are due."""

from collections.abc import Collection

from utils.database.core.transaction import Transaction
from utils.database.documents.recap_documents import RECAPS, build_plan_update, read_days, read_plan
from utils.database.repositories.repository import FencedRepository
from utils.database.units.outbox_entries import append_entries
from utils.models.notices.recaps import RecapNotice
from utils.models.recaps import MOST_RECAPS, Recap, RecapDays, RecapKind, RecapPlan
from utils.models.scope import ALL_SERVERS, GuildId, PlayerId, ServerScope

_PLAN = {"_id": 0, "recap.next_at": 1, "recap.days": 1}


class RecapRepository(FencedRepository):
    """The recaps of guilds. A recap is stored once by its kind and days."""

    async def find_plan(self, guild_id: GuildId) -> RecapPlan:
        """Return the next recaps of a guild; a kind that is not planned is left out."""
        return read_plan(await self._of_guild("guilds", guild_id).find_one({}, projection=_PLAN))

    async def find_days(self, guild_id: GuildId) -> RecapDays:
        """Return the days of the next recaps, even if a change of settings took their moments away."""
        return read_days(await self._of_guild("guilds", guild_id).find_one({}, projection=_PLAN))

    async def put_plan(self, guild_id: GuildId, plan: RecapPlan) -> None:
        """Store the next recaps of a guild."""

        def put(transaction: Transaction) -> None:
            guilds = transaction.of_guild("guilds", guild_id)
            guilds.update_one({}, {"$set": build_plan_update(plan)}, upsert=True)

        await self._in_transaction(guild_id, put)

    async def forget_plan(self, guild_id: GuildId) -> None:
        """Forget when the next recaps are due, so that they are planned from now on."""

        def forget(transaction: Transaction) -> None:
            guilds = transaction.of_guild("guilds", guild_id)
            guilds.update_one({}, {"$unset": dict.fromkeys(build_plan_update({}), "")})

        await self._in_transaction(guild_id, forget)

    async def has_recap(self, guild_id: GuildId, kind: RecapKind, period: str) -> bool:
        """Tell whether it is known what became of a recap."""
        wanted = {"kind": kind.value, "period": period}
        return await self._of_guild("recaps", guild_id).find_one(wanted) is not None

    async def list_recaps(self, guild_id: GuildId) -> tuple[Recap, ...]:
        """Return every recap that is remembered, the oldest first."""
        found = await self._of_guild("recaps", guild_id).find({"kind": {"$gt": ""}}, hint="recap")
        recaps = (RECAPS.read(document, guild_id=guild_id) for document in found)
        return tuple(sorted(recaps, key=lambda one: (one.at, one.kind)))

    async def finish_recap(
        self,
        guild_id: GuildId,
        recap: Recap,
        *,
        before: RecapPlan,
        after: RecapPlan,
        notice: RecapNotice | None,
        named: Collection[PlayerId],
    ) -> bool:
        """Remember a recap with its notice and plan the next one, if the plan is still as it was read.

        Nothing is stored if a player who is named has no figures any more: they were erased, so the figures
        are to be read again.

        Returns:
            whether it was done; also if the days were told before, because then only the plan moves on.
        """

        def finish(transaction: Transaction) -> bool:
            guilds = transaction.of_guild("guilds", guild_id)
            if read_plan(guilds.find_one({}, projection=_PLAN)) != before:
                return False
            recaps = transaction.of_guild("recaps", guild_id)
            if recaps.find_one({"kind": recap.kind.value, "period": recap.period}) is None:
                if not _are_known(transaction, guild_id, named):
                    return False
                _insert(transaction, recap)
                if notice is not None:
                    everywhere = ServerScope(guild_id, ALL_SERVERS)
                    append_entries(transaction, everywhere, [notice], created_at=recap.at)
            return guilds.update_one({}, {"$set": build_plan_update(after)})

        return await self._in_transaction(guild_id, finish)


def _insert(transaction: Transaction, recap: Recap) -> None:
    """Store a recap; of a full guild the oldest one goes."""
    recaps = transaction.of_guild("recaps", recap.guild_id)
    if recaps.count({}) >= MOST_RECAPS:
        oldest = recaps.find_one({}, sort=[("at", 1), ("kind", 1)])
        if oldest is not None:
            recaps.delete({"kind": oldest["kind"], "period": oldest["period"]})
    recaps.insert_one(RECAPS.build(recap))


def _are_known(transaction: Transaction, guild_id: GuildId, player_ids: Collection[PlayerId]) -> bool:
    """Tell whether all of these players have figures on some game server of a guild."""
    if not player_ids:
        return True
    servers = transaction.of_guild("game_servers", guild_id).find({}, projection={"_id": 0, "server_id": 1})
    wanted = {
        "server_id": {"$in": [one["server_id"] for one in servers]},
        "generation": {"$gte": 0},
        "player_id": {"$in": sorted(player_ids)},
    }
    players = transaction.of_guild("players", guild_id)
    found = players.find(wanted, projection={"_id": 0, "player_id": 1}, hint="player")
    return {one["player_id"] for one in found} >= set(player_ids)
