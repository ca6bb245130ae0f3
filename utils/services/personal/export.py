"""Export: all stored data about a person, as files."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Protocol

from utils.clock import Clock
from utils.models.audit import AuditAction, AuditFacts
from utils.models.personal import Archive, DataQuestion, Person
from utils.models.scope import GuildId, MemberId, PlayerId, ServerScope
from utils.models.texts import Text
from utils.services.guilds.audit import AuditLog
from utils.services.personal.archives import (
    ANOTHER_MEMBER,
    ANOTHER_PLAYER,
    ArchiveWriter,
    Stored,
    hide_members,
    hide_others,
)
from utils.services.personal.people import PersonFinder

TextWriting = Callable[[Text], str]
Parts = Mapping[str, Sequence[Stored]]


class ExportStore(Protocol):  # implemented by PersonalDataRepository
    """Reads of the stored data about one person."""

    async def list_servers(self, guild_id: GuildId) -> Mapping[ServerScope, str]:
        """Return the names of all servers with stored statistics."""

    async def list_parts_of_player(self, scope: ServerScope, player_id: PlayerId) -> Parts:
        """Return one server's documents about a player, besides their deaths."""

    async def list_guild_parts_of_player(self, guild_id: GuildId, player_id: PlayerId) -> Parts:
        """Return a guild's documents about a player that belong to no server, with the proven link."""

    async def list_parts_of_member(self, guild_id: GuildId, member_id: MemberId) -> Parts:
        """Return a guild's documents about a member."""

    def iterate_deaths(
        self, scope: ServerScope, player_ids: Sequence[PlayerId]
    ) -> AsyncIterator[Sequence[Stored]]:
        """Yield the death rows that players take part in, each once, many at a time."""


class ExportService:
    """Answers ``/data export``."""

    def __init__(self, store: ExportStore, people: PersonFinder, *, audit: AuditLog, clock: Clock) -> None:
        self._store = store
        self._people = people
        self._audit = audit
        self._clock = clock

    async def export(self, question: DataQuestion, *, write: TextWriting) -> AsyncIterator[Archive]:
        """Yield the files of an export, one by one; a thread packs them.

        Args:
            question: whose data is meant.
            write: gives texts in the language of who asks.

        Raises:
            InvalidInputError, NotAllowedError, NotFoundError, AmbiguousError: the person is unclear, or the
            asker may not see their data.
        """
        person = await self._people.find(question)
        if not person.is_asker:
            facts = list_facts(person)
            await self._audit.write(person.guild_id, question.asker_id, AuditAction.DATA_EXPORT, facts)
        writer = await asyncio.to_thread(ArchiveWriter, await self._collect(person, write), person.player_ids)
        for scope, server in (await self._store.list_servers(person.guild_id)).items():
            async for deaths in self._store.iterate_deaths(scope, person.player_ids):
                full = await asyncio.to_thread(writer.add, server, deaths)
                if full is not None:
                    yield full
        yield await asyncio.to_thread(writer.finish)

    async def _collect(self, person: Person, write: TextWriting) -> Mapping[str, object]:
        guild_id, member_id = person.guild_id, person.member_id
        data: dict[str, object] = {
            "exported_at": self._clock.now(),
            "community_id": str(guild_id),
            "member_id": None if member_id is None else str(member_id),
            "players": [await self._collect_player(person, one, write) for one in person.player_ids],
        }
        if member_id is not None:
            data |= await self._store.list_parts_of_member(guild_id, member_id)
        other = write(ANOTHER_MEMBER)
        return {name: hide_members(value, member_id, other=other) for name, value in data.items()}

    async def _collect_player(
        self, person: Person, player_id: PlayerId, write: TextWriting
    ) -> Mapping[str, object]:
        other = write(ANOTHER_PLAYER)
        servers: list[Mapping[str, object]] = []
        for scope, server in (await self._store.list_servers(person.guild_id)).items():
            parts = dict(await self._store.list_parts_of_player(scope, player_id))
            parts["rejected_lines"] = [
                {**line, "line": hide_others(str(line["line"]), person.player_ids, other=other)}
                for line in parts["rejected_lines"]
            ]
            if any(parts.values()):
                servers.append({"server": server, **parts})
        parts = dict(await self._store.list_guild_parts_of_player(person.guild_id, player_id))
        if person.member_id is not None:
            del parts["links"]  # they are among the member's documents
        return {"player_id": player_id, "servers": servers, **parts}


def list_facts(person: Person) -> AuditFacts:
    """Return the facts about a person for the audit; an erasure removes them."""
    if person.member_id is not None:
        return AuditFacts(member_id=person.member_id)
    player = person.players[0]
    return AuditFacts(player_id=player.player_id, player_name=player.name)
