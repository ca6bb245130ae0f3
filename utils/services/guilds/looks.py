"""Looks at guilds: one task for all guilds lets features compare what is stored with what they did about it.

Theory of operation
-------------------
Nobody says when a member has reached a level or fulfils a rule: it follows from many counters. So a feature
*looks* at a guild, and decides by stored data alone. A guild is looked at soon after an
event that may change something, every half hour besides because days roll over, and at the start, which
finds what happened while the bot was away. An event only notes the guild, so a poll never waits for a look.

Every ``PAUSE_SECONDS`` a round puts the noted guilds into a queue. ``GUILDS_AT_ONCE`` workers take from it,
each one guild at a time, and a round does not wait for the one before. So a guild for which Discord is slow,
or the first comparison of a large one, keeps one worker busy, and the others go on with the other guilds. A
guild that is in the queue or at a worker is not queued again, so it is never looked at twice at once.

A look that took a second is not repeated for ``REST_FACTOR`` seconds, however many events come: a guild never
costs more than a hundredth of a core. A look can also take long because Discord does not answer, so no guild
rests longer than ``ROUND_SECONDS``.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import KW_ONLY, dataclass
from datetime import datetime
from functools import partial
from typing import Protocol

from utils.clock import Clock
from utils.events import (
    CountersStored,
    FactionChanged,
    HistoryImported,
    LinksChanged,
    PlayerErased,
    RolesChanged,
    SeasonChanged,
    ServerRemoved,
)
from utils.models.scope import GuildId
from utils.tasks import TaskManager, run_together

LOOKS_TASK = "guilds:look"
PAUSE_SECONDS = 20.0  # between two rounds over the noted guilds; an event waits for this and for a worker
GUILDS_AT_ONCE = 4  # most looks take milliseconds of CPU; those that wait for Discord share its pace
ROUND_SECONDS = 1800.0
REST_FACTOR = 100.0


class GuildLook(Protocol):
    """Compares what is stored of a guild with what a feature did about it, and does what is missing."""

    async def __call__(self, guild_id: GuildId, *, now: datetime) -> None:
        """Look at a guild; a failure is reported, and the look comes again."""


@dataclass(eq=False, repr=False)
class GuildLooks:
    """Looks at guilds, a few at a time; a look that fails stops no other one.

    Args:
        looks: the look of each feature, by its name; at one guild in this order.
        tasks: reports the failures.
    """

    looks: Mapping[str, GuildLook]
    _: KW_ONLY
    tasks: TaskManager
    clock: Clock

    def __post_init__(self) -> None:
        self._wanted: set[GuildId] = set()
        self._free_at: dict[GuildId, float] = {}  # guilds that rest, in monotonic seconds
        self._told: set[str] = set()  # problems that are logged already, until the queue is empty
        self._queue: asyncio.Queue[GuildId] = asyncio.Queue()
        self._taken: set[GuildId] = set()  # guilds in the queue or at a worker

    async def run(self, list_guilds: Callable[[], Collection[GuildId]]) -> None:
        """Look at all guilds regularly, and at those that were noted, without end."""
        self._queue, self._taken = asyncio.Queue(), set()  # a run before may have been cut short
        await run_together([partial(self._go_round, list_guilds), *[self._work_off] * GUILDS_AT_ONCE])

    def forget_guild(self, guild_id: GuildId) -> None:
        """Do not look at a guild before something happens there."""
        self._wanted.discard(guild_id)
        self._free_at.pop(guild_id, None)

    def on_counters_stored(self, event: CountersStored) -> None:
        """Note a guild with new kills."""
        self._wanted.add(event.scope.guild_id)

    def on_history_imported(self, event: HistoryImported) -> None:
        """Note a guild whose counters were counted again."""
        self._wanted.add(event.scope.guild_id)

    def on_server_removed(self, event: ServerRemoved) -> None:
        """Note a guild with fewer counters."""
        self._wanted.add(event.scope.guild_id)

    def on_player_erased(self, event: PlayerErased) -> None:
        """Note a guild whose counters have changed by an erasure."""
        self._wanted.add(event.guild_id)

    def on_links_changed(self, event: LinksChanged) -> None:
        """Note a guild with a member whose links changed."""
        self._wanted.add(event.guild_id)

    def on_roles_changed(self, event: RolesChanged) -> None:
        """Note a guild whose roles in Discord changed."""
        self._wanted.add(event.guild_id)

    def on_season_changed(self, event: SeasonChanged) -> None:
        """Note a guild in which a season began or ended."""
        self._wanted.add(event.guild_id)

    def on_faction_changed(self, event: FactionChanged) -> None:
        """Note a guild with a changed faction."""
        self._wanted.add(event.guild_id)

    async def _go_round(self, list_guilds: Callable[[], Collection[GuildId]]) -> None:
        while True:
            self._wanted.update(list_guilds())
            round_ends_at = self.clock.monotonic() + ROUND_SECONDS
            while self.clock.monotonic() < round_ends_at:
                self._queue_wanted()
                await self.clock.sleep(PAUSE_SECONDS)

    def _queue_wanted(self) -> None:
        """Put each noted guild into the queue that neither rests nor has its turn already."""
        if self._queue.empty():
            self._told.clear()
        now = self.clock.monotonic()
        self._free_at = {guild_id: at for guild_id, at in self._free_at.items() if at > now}
        for guild_id in sorted(self._wanted - self._free_at.keys() - self._taken):
            self._taken.add(guild_id)
            self._queue.put_nowait(guild_id)

    async def _work_off(self) -> None:
        while True:
            guild_id = await self._queue.get()
            if guild_id in self._wanted:  # else the bot has left it since
                await self._look_at(guild_id)
            self._taken.discard(guild_id)

    async def _look_at(self, guild_id: GuildId) -> None:
        """Let each feature look at a guild; a failed look is wanted again."""
        began = self.clock.monotonic()
        self._wanted.discard(guild_id)  # an event during the look asks for one more
        for name, look in self.looks.items():
            work = partial(self._look_once, look)
            if not await self.tasks.attempt(LOOKS_TASK, (guild_id, name), work, told=self._told):
                self._wanted.add(guild_id)
        ended = self.clock.monotonic()
        self._free_at[guild_id] = ended + min(REST_FACTOR * (ended - began), ROUND_SECONDS)

    async def _look_once(self, look: GuildLook, key: tuple[GuildId, str]) -> None:
        await look(key[0], now=self.clock.now())
