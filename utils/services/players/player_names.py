"""Player names: finds the player of a name, and offers names while one is typed."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import KW_ONLY, dataclass
from itertools import islice
from typing import Protocol

from utils.clock import Clock
from utils.errors import AmbiguousError, NotFoundError
from utils.events import DeathsStored, HistoryImported, PlayerErased, ServerRemoved
from utils.locks import KeyedLocks
from utils.models.deaths import Death
from utils.models.labels import PlayerLabel, fold_label, label_player, label_twin
from utils.models.players import KnownPlayer
from utils.models.scope import GuildId, PlayerId, ServerId, ServerScope
from utils.models.typed_text import TYPED_CHARACTERS, fold_text
from utils.queues import WorkQueue
from utils.services.players.name_index import NameIndex, select_seen
from utils.services.players.wording import describe_missing_player, describe_several_players
from utils.services.ports import ServerStore
from utils.tasks import BackgroundTask, TaskManager
from utils.waiting import wait_for_first

CLOSEST = 3
OFFERED = 25  # what a select can hold
CANDIDATES = 100  # with more of them, the answer gets no better
LEARNED_DEATHS = 100  # handled before the event loop runs again: a few milliseconds
BLINK_SECONDS = 0.05  # a part of the 300 ms that autocomplete may take
CACHED_GUILDS = 200  # guilds whose names are kept: those that asked last


class NameStore(Protocol):  # implemented by StatisticsRepository
    """Reads of names, over one guild's servers."""

    async def list_known_players(self, guild_id: GuildId) -> Sequence[KnownPlayer]:
        """Return every player of the guild's servers, most kills first, with the shown generation's names."""

    async def search_players(self, guild_id: GuildId, text: str, *, limit: int) -> Sequence[KnownPlayer]:
        """Return players with the text in their newest name, best known first, within milliseconds."""


@dataclass(eq=False, repr=False)
class PlayerNames:
    """Names for autocomplete and look-up: read once for a guild, then updated by ingestion."""

    store: NameStore
    servers: ServerStore
    tasks: TaskManager
    _: KW_ONLY
    clock: Clock

    def __post_init__(self) -> None:
        self._guilds: dict[GuildId, NameIndex] = {}
        self._before: dict[GuildId, NameIndex] = {}  # of guilds whose names are read again after an import
        self._locks = KeyedLocks[GuildId]()
        self._missed: dict[GuildId, list[DeathsStored]] = {}
        self._unlearned: defaultdict[GuildId, list[DeathsStored]] = defaultdict(list)
        self._learning = WorkQueue("names:learn", self._learn_slowly, tasks=self.tasks)
        self._comparing = asyncio.Lock()  # one thread at a time, to leave CPU to the loop

    async def search(
        self, guild_id: GuildId, text: str, *, server_ids: Iterable[ServerId] = (), limit: int = 25
    ) -> list[KnownPlayer]:
        """Return players with ``text`` (folded) in any of their names, best known first.

        While the names are being read for the first time, the answer comes from the newest names only:
        reading 100,000 players takes a second or two, and autocomplete must answer sooner.
        """
        wanted, servers = fold_text(text), frozenset(server_ids)
        known = self._guilds.get(guild_id)
        if known is None:
            few = await self.store.search_players(guild_id, text[:TYPED_CHARACTERS].strip(), limit=limit)
            known = await self._wait_for_names(guild_id)
            if known is None:
                return list(select_seen(few, servers))
        found = await known.search(wanted, limit=limit, server_ids=servers)
        marked = None if found else known.find_marked(text)
        return [marked] if marked else found

    async def label(self, guild_id: GuildId, players: Sequence[KnownPlayer]) -> list[PlayerLabel]:
        """Return the labels of players; players with the same name get different labels."""
        known = self._guilds.get(guild_id)
        labels = [fold_label(player.name, fold_text(player.name)) for player in players]
        are_twins = [
            labels.count(label) > 1 or (known is not None and known.has_twins(label)) for label in labels
        ]
        if not any(are_twins):
            return [label_player(player) for player in players]
        servers = await self.servers.list_servers(guild_id)
        names = {server.scope.server_id: server.name for server in servers}
        return [
            label_twin(player, names) if is_twin else label_player(player)
            for player, is_twin in zip(players, are_twins, strict=True)
        ]

    async def resolve(
        self, guild_id: GuildId, text: str, *, server_ids: Iterable[ServerId] = ()
    ) -> KnownPlayer:
        """Return the player with this id, label or exact name, or with a unique part of a name.

        If several players have or had that exact name, the one who has it now is returned. While names are
        read again after an import, those from before it answer for the players whom they know.

        Raises:
            NotFoundError: no player has this name; it offers the closest names.
            AmbiguousError: several players fit; equal names are told apart.
        """
        known, servers = await self._get_for(guild_id, text), frozenset(server_ids)
        picked = known.find(PlayerId(text)) or known.find_marked(text)
        if picked is not None:
            return picked
        chosen = await _choose(known, text, servers)
        if len(chosen) == 1:
            return chosen[0]
        if chosen:
            offered = chosen[:OFFERED]
            labels = await self.label(guild_id, offered)
            choices = [
                (player.player_id, label.describe()) for player, label in zip(offered, labels, strict=True)
            ]
            raise AmbiguousError(describe_several_players(text), typed=text, choices=choices)
        async with self._comparing:
            closest = await known.list_closest(fold_text(text), limit=CLOSEST)
        raise NotFoundError(describe_missing_player(text), suggestions=closest, typed=text)

    def on_deaths_stored(self, event: DeathsStored) -> None:
        """Add the names of new deaths, if the guild's names are in memory."""
        guild_id = event.scope.guild_id
        known = self._guilds.get(guild_id)
        if known is None:
            if guild_id in self._missed:
                self._missed[guild_id].append(event)
        elif len(event.deaths) <= LEARNED_DEATHS and guild_id not in self._unlearned:
            _learn(known, event.scope, event.deaths)
        else:
            self._unlearned[guild_id].append(event)
            self._learning.put(guild_id, guild_id=guild_id)

    def on_history_imported(self, event: HistoryImported) -> None:
        """Read a guild's names again, now if they are in memory: a command should not wait seconds for it."""
        guild_id = event.scope.guild_id
        known = self._guilds.get(guild_id)
        self.forget_guild(guild_id)
        if known is not None:
            self._before[guild_id] = known
            self._begin_reading(guild_id)

    def on_server_removed(self, event: ServerRemoved) -> None:
        """Read a guild's names again when they are asked for next."""
        self.forget_guild(event.scope.guild_id)

    def on_player_erased(self, event: PlayerErased) -> None:
        """Read a guild's names again when they are asked for next."""
        self.forget_guild(event.guild_id)

    def forget_guild(self, guild_id: GuildId) -> None:
        """Drop the names of a guild, also those that are being read at this moment."""
        self._guilds.pop(guild_id, None)
        self._before.pop(guild_id, None)
        self._missed.pop(guild_id, None)
        self._unlearned.pop(guild_id, None)

    async def _learn_slowly(self, guild_id: GuildId) -> None:
        """Add the names of a large batch in slices, so that the event loop is not blocked."""
        while events := self._unlearned.get(guild_id):
            event, known = events.pop(0), self._guilds.get(guild_id)
            if known is not None:
                for start in range(0, len(event.deaths), LEARNED_DEATHS):
                    _learn(known, event.scope, event.deaths[start : start + LEARNED_DEATHS])
                    await asyncio.sleep(0)
        self._unlearned.pop(guild_id, None)

    async def _wait_for_names(self, guild_id: GuildId) -> NameIndex | None:
        """Read the names in the background, and return them if that is quick enough."""
        reading = self._begin_reading(guild_id)
        await wait_for_first(reading.wait(), self.clock.sleep(BLINK_SECONDS))
        return self._guilds.get(guild_id)

    def _begin_reading(self, guild_id: GuildId) -> BackgroundTask:
        async def read() -> None:
            await self._get(guild_id)

        name = f"names:{guild_id}"
        return self.tasks.find_running(name) or self.tasks.start(name, read, guild_id=guild_id)

    async def _get_for(self, guild_id: GuildId, text: str) -> NameIndex:
        before = self._before.get(guild_id)
        if before is not None and before.knows(text):
            return await self._wait_for_names(guild_id) or before
        return await self._get(guild_id)

    async def _get(self, guild_id: GuildId) -> NameIndex:
        async with self._locks.hold(guild_id):  # every keystroke asks, but only one task reads
            known = self._guilds.pop(guild_id, None)
            while known is None:
                known = await self._read(guild_id)
            self._before.pop(guild_id, None)
            self._guilds[guild_id] = known  # the guild that asked last is the last one
        while len(self._guilds) > CACHED_GUILDS:
            del self._guilds[next(iter(self._guilds))]
        return known

    async def _read(self, guild_id: GuildId) -> NameIndex | None:
        """Read a guild's names, and those stored during that; None if they were dropped during that."""
        self._missed[guild_id] = []
        try:
            known = await NameIndex.build(await self.store.list_known_players(guild_id))
        finally:
            missed = self._missed.pop(guild_id, None)
        for event in missed or ():
            _learn(known, event.scope, event.deaths)
        return None if missed is None else known


async def _choose(known: NameIndex, text: str, server_ids: frozenset[ServerId]) -> list[KnownPlayer]:
    """Return the players of a name, by the first way of search that finds any."""
    wanted, typed = fold_text(text), text.strip().casefold()
    if not wanted:
        return []
    exact = await known.search_exact(wanted, limit=CANDIDATES, server_ids=server_ids)
    return (
        [player for player in exact if player.name.casefold() == typed]
        or list(islice(select_seen(known.search_labelled(wanted), server_ids), CANDIDATES))
        or exact
        or await known.search(wanted, limit=CANDIDATES, server_ids=server_ids)
    )


def _learn(known: NameIndex, scope: ServerScope, deaths: Iterable[Death]) -> None:
    for death in deaths:
        known.learn(scope, death)
