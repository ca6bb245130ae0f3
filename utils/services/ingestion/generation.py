"""Generations of counters: counted separately from the shown ones, and shown when they are complete."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from utils.models.deaths import Death
from utils.models.players import PlayerDay, PlayerRecord, ServerMonth
from utils.models.scope import GuildId, ServerScope
from utils.models.xp import XpEvents
from utils.services.ingestion.counting import Counting
from utils.services.ingestion.wall_clock import LONGEST_STEP_BACK

SLICE_ROWS = 50  # deaths counted before the event loop runs again: about a millisecond
COUNTED_ROWS = 5000


@dataclass(frozen=True, slots=True)
class CountedDeaths:
    """The deaths that a generation counts, and on how many days they were written."""

    deaths: int
    days: int


class GenerationStore(Protocol):  # implemented by ImportRepository
    """Storage of counters that are not shown yet, and of the deaths to count."""

    def iterate_deaths(self, scope: ServerScope, *, batch: int) -> AsyncIterator[Sequence[Death]]:
        """Yield every stored death of a server in order of time."""

    async def list_xp_events(self, guild_id: GuildId) -> XpEvents:
        """Return the times in which kills of a guild give more XP."""

    async def write_generation(
        self,
        scope: ServerScope,
        generation: int,
        *,
        players: Sequence[PlayerRecord] = (),
        days: Sequence[PlayerDay] = (),
        months: Sequence[ServerMonth] = (),
    ) -> None:
        """Add counters to a generation that is not shown yet."""

    async def drop_generation(self, scope: ServerScope, generation: int) -> None:
        """Delete counters of a generation."""


class GenerationCount:
    """Counts deaths into one generation; days of past months are written and forgotten during that.

    Attributes:
        is_in_order: every player's deaths came in order, and no month came back after it was written.
            Otherwise the counters are void.
    """

    def __init__(self, store: GenerationStore, scope: ServerScope, generation: int) -> None:
        self._store = store
        self._scope = scope
        self._generation = generation
        self._counting = Counting()
        self._month = date.min
        self._deaths = 0
        self._days: set[date] = set()
        self.is_in_order = True

    async def begin(self) -> None:
        """Delete the counters of an earlier try."""
        self._counting = Counting(xp_events=await self._store.list_xp_events(self._scope.guild_id))
        await self._store.drop_generation(self._scope, self._generation)

    async def add(self, deaths: Sequence[Death]) -> None:
        """Count some more deaths; do nothing after deaths were out of order."""
        if not deaths or not self.is_in_order:
            return
        await self._begin_month(min(death.row.written_at for death in deaths))
        for start in range(0, len(deaths), SLICE_ROWS):
            for death in deaths[start : start + SLICE_ROWS]:
                self._counting.add(death)
                self._days.add(death.row.written_at.date())
            await asyncio.sleep(0)
        self._deaths += len(deaths)
        if self._counting.late_players:
            self.is_in_order = False

    async def finish(self) -> CountedDeaths:
        """Write the remaining counters; return what was counted."""
        await self._write_days(list(self._counting.freeze_days()))
        players = list(self._counting.freeze_players())
        months = list(self._counting.freeze_months())
        await self._store.write_generation(self._scope, self._generation, players=players, months=months)
        return CountedDeaths(self._deaths, len(self._days))

    async def _begin_month(self, earliest: datetime) -> None:
        """Write the months that no later death can belong to; its time may go back by a step of the clock."""
        if earliest.date() < self._month:
            self.is_in_order = False
            return
        month = (earliest - LONGEST_STEP_BACK).date().replace(day=1)
        if month > self._month:
            self._month = month
            await self._write_days(self._counting.take_days_before(month))

    async def _write_days(self, days: Sequence[PlayerDay]) -> None:
        if days:
            await self._store.write_generation(self._scope, self._generation, days=days)


async def count_anew(
    store: GenerationStore, scope: ServerScope, generation: int, batches: AsyncIterator[Sequence[Death]]
) -> CountedDeaths:
    """Count every stored death of a server, as ``iterate_deaths`` yields them, into a generation."""
    count = GenerationCount(store, scope, generation)
    await count.begin()
    async for deaths in in_order(batches):
        await count.add(deaths)
    return await count.finish()


async def has_deaths(store: GenerationStore, scope: ServerScope) -> bool:
    """Tell whether any death of a server is stored."""
    async for deaths in store.iterate_deaths(scope, batch=1):
        return bool(deaths)
    return False


async def in_order(batches: AsyncIterator[Sequence[Death]]) -> AsyncIterator[list[Death]]:
    """Sort deaths into the order of the log; batches arrive in order of ``written_at``.

    Deaths of later batches come after all deaths before the last ``written_at``.
    """
    held: list[Death] = []
    async for batch in batches:
        held.extend(batch)
        held.sort(key=lambda death: death.order)
        last = max((death.row.written_at for death in batch), default=datetime.min)  # noqa: DTZ901
        ready = [death for death in held if death.order[0] < last]
        held = held[len(ready) :]
        if ready:
            yield ready
    if held:
        yield held
