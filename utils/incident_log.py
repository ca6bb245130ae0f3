"""The open incidents of guilds in memory, and in the database, so that a restart reports nothing twice.

A change is in force in memory at once. It is stored soon after, or when the database answers again. An end is
stored only when people were told of it, so a restart before that tells them later.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from structlog import get_logger

from utils.clock import Clock
from utils.errors import StorageConflictError, StorageError
from utils.models.incidents import Incident, IncidentKey
from utils.models.scope import GuildId

MOST_UNSTORED = 1_000  # changes that wait for the database; the oldest are given up

logger = get_logger(__name__)


class IncidentStore(Protocol):  # implemented by IncidentRepository
    """Storage of incidents."""

    async def list_open(self, guild_id: GuildId) -> tuple[Incident, ...]:
        """Return the incidents of a guild that are not over."""

    async def put(self, guild_id: GuildId, incident: Incident) -> None:
        """Store an incident as it is now.

        Raises:
            StorageConflictError: another process has an open one with this key.
        """


class IncidentLog:
    """The incidents of every guild of this process, and those of the whole bot."""

    def __init__(self, store: IncidentStore, *, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._open: dict[GuildId, dict[IncidentKey, Incident]] = {}
        self._loaded: set[GuildId] = set()
        self._unstored: dict[tuple[IncidentKey, float], Incident] = {}
        self._turn = asyncio.Lock()

    async def load(self, guild_id: GuildId) -> None:
        """Read the stored incidents of a guild, once; those in memory win.

        Raises:
            StorageError: the database is away; the next call tries again.
        """
        if guild_id in self._loaded:
            return
        stored = await self._store.list_open(guild_id)
        if guild_id not in self._loaded:
            self._loaded.add(guild_id)
            known = self._open.get(guild_id, {})
            self._open[guild_id] = {one.key: one for one in stored} | known

    async def try_to_load(self, guild_id: GuildId) -> bool:
        """Load a guild's incidents if the database answers; tell whether they are known."""
        try:
            await self.load(guild_id)
        except StorageError as error:
            logger.info("stored incidents are not known", guild_id=guild_id, problem=str(error))
            return False
        return True

    def find(self, key: IncidentKey) -> Incident | None:
        """Return the incident with this key that is not over."""
        return self._open.get(key.guild_id, {}).get(key)

    def list_open(self, guild_id: GuildId) -> tuple[Incident, ...]:
        """Return the incidents of a guild that are not over, the oldest first."""
        return tuple(sorted(self._open.get(guild_id, {}).values(), key=lambda one: one.opened_at))

    @property
    def all_open(self) -> Mapping[IncidentKey, Incident]:
        """The incidents of all guilds that are not over."""
        return {key: one for of_guild in self._open.values() for key, one in of_guild.items()}

    def put(self, incident: Incident) -> None:
        """Keep a new or changed incident."""
        self._open.setdefault(incident.key.guild_id, {})[incident.key] = incident
        if incident.is_open:
            self._note_unstored(incident)

    def finish(self, incident: Incident) -> None:
        """Note that an incident is over and that everybody was told who has to be."""
        of_guild = self._open.get(incident.key.guild_id, {})
        of_guild.pop(incident.key, None)
        if not of_guild:
            self._open.pop(incident.key.guild_id, None)
        ended = incident if incident.resolved_at else replace(incident, resolved_at=self._clock.now())
        self._note_unstored(ended)

    async def write(self) -> None:
        """Store all changes; what the database does not take now waits for the next call."""
        async with self._turn:
            for place, incident in list(self._unstored.items()):
                try:
                    await self._store.put(incident.key.guild_id, incident)
                except StorageConflictError:
                    logger.info("another process has this incident", kind=incident.key.kind)
                except StorageError as error:
                    logger.info("incidents are stored later", problem=str(error))
                    return
                if self._unstored.get(place) is incident:
                    del self._unstored[place]

    async def end_guild(self, guild_id: GuildId) -> None:
        """End the incidents of a guild that the bot has left: nobody there can be told, or mend anything."""
        if await self.try_to_load(guild_id):
            for incident in self.list_open(guild_id):
                self.finish(incident)
            self._loaded.discard(guild_id)
            await self.write()

    def forget_guild(self, guild_id: GuildId) -> None:
        """Forget the incidents of a guild; the stored ones stay."""
        self._open.pop(guild_id, None)
        self._loaded.discard(guild_id)
        self._unstored = {place: one for place, one in self._unstored.items() if one.key.guild_id != guild_id}

    def _note_unstored(self, incident: Incident) -> None:
        place = incident.key, incident.opened_at.timestamp()
        self._unstored.pop(place, None)
        self._unstored[place] = incident
        if len(self._unstored) > MOST_UNSTORED:
            del self._unstored[next(iter(self._unstored))]
