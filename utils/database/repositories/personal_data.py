"""Personal data as it is stored: everything of a member or a player, for an export."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial

from utils.database.core.database import SafeDatabase
from utils.database.core.operations import Document
from utils.database.core.scoped import ScopedCollection
from utils.database.documents.death_documents import decode_documents
from utils.models.links import LinkState
from utils.models.player_ids import find_player_ids
from utils.models.scope import GuildId, MemberId, PlayerId, ServerId, ServerScope

DEATHS_AT_ONCE = 1_000
_PLAIN = {"_id": 0, "guild_id": 0}
_WITHOUT_VICTIM = {**_PLAIN, "player_id": 0}
_WITHOUT_CLAIMER = {**_WITHOUT_VICTIM, "claimer_id": 0, "claimer_player_id": 0}
_WITHOUT_PLACER = {**_WITHOUT_VICTIM, "placer_id": 0}
_WITHOUT_HUNTERS = {**_PLAIN, "placer_id": 0, "claimer_id": 0, "claimer_player_id": 0}
_WITHOUT_SUBJECTS = {**_PLAIN, "facts.member_id": 0, "facts.player_id": 0}
_OLDEST_FIRST = [("written_at", 1)]

Parts = Mapping[str, Sequence[Document]]
"""Documents by what they are."""


class PersonalDataRepository:
    """Reads of one person's data; documents are returned as they stand there, without the ids of others."""

    def __init__(self, database: SafeDatabase) -> None:
        self._database = database

    async def list_servers(self, guild_id: GuildId) -> Mapping[ServerScope, str]:
        """Return the names of all servers of which statistics are stored, removed ones too."""
        found = await self._of_guild("game_servers", guild_id).find(
            {}, projection={"server_id": 1, "name": 1}, hint="server"
        )
        return {ServerScope(guild_id, ServerId(one["server_id"])): one["name"] for one in found}

    async def list_parts_of_player(self, scope: ServerScope, player_id: PlayerId) -> Parts:
        """Return what one server has of a player besides their deaths.

        The id alone finds rejected lines: a name can be chosen to be that of another, or a part of anything.
        """
        own = {"generation": await self._get_generation(scope), "player_id": player_id}
        figures = await self._of("players", scope).find(own, projection=_PLAIN, hint="player")
        every_month = {**own, "month": {"$gte": ""}}
        days = await self._of("player_days", scope).find(every_month, projection=_PLAIN, hint="month")
        lines = await self._of("rejected_lines", scope).find({}, projection=_PLAIN, hint="newest")
        bounties = self._of("bounties", scope)
        on_him = await bounties.find({"player_id": player_id}, projection=_WITHOUT_HUNTERS, hint="open")
        return {
            "figures": figures,
            "days": days,
            "rejected_lines": [one for one in lines if player_id in find_player_ids(one["line"])],
            "bounties": on_him,
        }

    async def list_links_of_player(self, guild_id: GuildId, player_id: PlayerId) -> Sequence[Document]:
        """Return the proven link of a player, if there is one."""
        proven = {"player_id": player_id, "state": LinkState.PROVEN.value}
        return await self._of_guild("links", guild_id).find(proven, projection=_PLAIN, hint="proven")

    async def list_attempts(self, guild_id: GuildId, player_id: PlayerId) -> Sequence[Document]:
        """Return how often a player was asked for in vain, if anybody did."""
        return await self._read(guild_id, "proof_attempts", {"player_id": player_id}, "player", _PLAIN)

    async def list_parts_of_member(self, guild_id: GuildId, member_id: MemberId) -> Parts:
        """Return what a guild has of a member: links, money, bounties, and changes by hand."""
        own, member = {"member_id": int(member_id)}, int(member_id)
        placed, claimed = {"placer_id": member}, {"claimer_id": member}
        read = partial(self._read, guild_id)
        return {
            "links": await read("links", own, "link", _PLAIN),
            "wallet": await read("wallets", own, "member", _PLAIN),
            "ledger": await read("ledger", own, "member", _WITHOUT_VICTIM),
            "bounties_placed": await read("bounties", placed, "placer", _WITHOUT_CLAIMER),
            "bounties_claimed": await read("bounties", claimed, "claimer", _WITHOUT_PLACER),
            "changes_by_hand": await read("audit", {"actor_id": member}, "actor", _WITHOUT_SUBJECTS),
            "premium_granted": await self._list_granted(guild_id, member),
        }

    async def iterate_deaths(
        self, scope: ServerScope, player_ids: Sequence[PlayerId]
    ) -> AsyncIterator[Sequence[Document]]:
        """Yield the death rows that players take part in, each once, many at a time.

        What a player did comes first, then what was done to them, each in order of time.
        """
        for player_id in player_ids:
            others = {"$nin": list(player_ids)}
            queries = (
                ("killer", {"killer_id": player_id}),
                ("victim", {"victim_id": player_id, "killer_id": others}),
            )
            for hint, query in queries:
                batches = self._of("kills", scope).iterate_raw(
                    query, sort=_OLDEST_FIRST, hint=hint, batch=DEATHS_AT_ONCE
                )
                async for encoded in batches:
                    yield await asyncio.to_thread(decode_documents, encoded)

    async def _read(
        self, guild_id: GuildId, name: str, query: Document, hint: str, projection: Mapping[str, int]
    ) -> list[Document]:
        return await self._of_guild(name, guild_id).find(query, projection=projection, hint=hint)

    async def _list_granted(self, guild_id: GuildId, member: int) -> list[Document]:
        found = await self._of_guild("guilds", guild_id).find_one({}, projection={"premium_history": 1})
        return [line for line in (found or {}).get("premium_history", ()) if line["by"] == member]

    async def _get_generation(self, scope: ServerScope) -> int:
        server = await self._of("game_servers", scope).find_one({}, projection={"generation": 1})
        return int(server["generation"]) if server else 0

    def _of_guild(self, name: str, guild_id: GuildId) -> ScopedCollection:
        return ScopedCollection.of_guild(self._database, name, guild_id)

    def _of(self, name: str, scope: ServerScope) -> ScopedCollection:
        return ScopedCollection.of_server(self._database, name, scope)
