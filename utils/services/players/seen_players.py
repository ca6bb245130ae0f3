"""Seen players: everybody who was on a game server, also those without a death or a kill.

Deadside.log tells of players whom no death names. Commands that can answer about them find them behind the
players of the deaths (``player_names.py``). Their names are read once in ten minutes for a guild that asks,
so a keystroke costs no read.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Protocol

from utils.caching import Remembered
from utils.clock import Clock
from utils.errors import AmbiguousError, NotFoundError
from utils.events import PlayerErased, ServerRemoved
from utils.locks import KeyedLocks
from utils.models.labels import add_labels
from utils.models.players import KnownPlayer
from utils.models.scope import GuildId, PlayerId, ServerId
from utils.models.typed_text import fold_text
from utils.services.players.name_index import NameIndex
from utils.services.players.player_names import OFFERED, PlayerNames
from utils.services.players.wording import describe_several_players

KEPT_SECONDS = 600.0
SEEN_TIME = timedelta(days=90)  # as long as their sessions are kept


class SeenStore(Protocol):  # implemented by PlaytimeRepository
    """Reads of the players in Deadside.log."""

    async def list_seen(self, guild_id: GuildId, *, since: date) -> Sequence[KnownPlayer]:
        """Return the named players who were on a guild's servers since a day, or are now."""


class SeenPlayers:
    """Finds players by name among those of the deaths, and then among all who were seen."""

    def __init__(self, store: SeenStore, names: PlayerNames, *, clock: Clock) -> None:
        self._store = store
        self._names = names
        self._clock = clock
        self._locks = KeyedLocks[GuildId]()
        self._seen = Remembered(self._read, seconds=KEPT_SECONDS, clock=clock)

    async def search(self, guild_id: GuildId, text: str, *, limit: int) -> list[KnownPlayer]:
        """Return players with a text in any of their names: first those of the deaths, best known first."""
        found = await self._names.search(guild_id, text, limit=limit)
        if len(found) >= limit:
            return found
        known = {player.player_id for player in found}
        seen = await (await self._get(guild_id)).search(fold_text(text), limit=limit)
        return [*found, *(player for player in seen if player.player_id not in known)][:limit]

    async def resolve(
        self, guild_id: GuildId, text: str, *, server_ids: Iterable[ServerId] = ()
    ) -> KnownPlayer:
        """Return the player with this id or name, as ``PlayerNames`` does; then one who was only seen.

        Raises:
            NotFoundError: no player has this name; it offers the closest names.
            AmbiguousError: several players fit.
        """
        try:
            return await self._names.resolve(guild_id, text, server_ids=server_ids)
        except NotFoundError as unknown:
            found = await self._find_seen(guild_id, text, frozenset(server_ids))
            if not found:
                raise
            if len(found) == 1:
                return found[0]
            choices = add_labels([(player.player_id, player.name) for player in found])
            raise AmbiguousError(describe_several_players(text), typed=text, choices=choices) from unknown

    def on_player_erased(self, event: PlayerErased) -> None:
        """Forget the erased name."""
        self.forget_guild(event.guild_id)

    def on_server_removed(self, event: ServerRemoved) -> None:
        """Forget who was seen on the server."""
        self.forget_guild(event.scope.guild_id)

    def forget_guild(self, guild_id: GuildId) -> None:
        """Drop the names of a guild."""
        self._seen.drop(guild_id)

    async def _find_seen(
        self, guild_id: GuildId, text: str, server_ids: frozenset[ServerId]
    ) -> list[KnownPlayer]:
        """Return the player with an id, or those with an exact name, or else with a part of one."""
        known, wanted = await self._get(guild_id), fold_text(text)
        picked = known.find(PlayerId(text))
        if picked is not None:
            return [picked]
        if not wanted:
            return []
        exact = await known.search_exact(wanted, limit=OFFERED, server_ids=server_ids)
        return exact or await known.search(wanted, limit=OFFERED, server_ids=server_ids)

    async def _get(self, guild_id: GuildId) -> NameIndex:
        async with self._locks.hold(guild_id):  # every keystroke asks, but only one task reads
            return await self._seen.get(guild_id)

    async def _read(self, guild_id: GuildId) -> NameIndex:
        since = (self._clock.now() - SEEN_TIME).date()
        return await NameIndex.build(await self._store.list_seen(guild_id, since=since))
