"""The timer of recaps: it tells each of them once.

Theory of operation
-------------------
Once a minute each guild is looked at that has a news channel and a recap that is due, or one that is not
planned yet. The moment of the next recap is stored with its days: if the settings or the guild's clock
change, the same days are told by the new ones, at once if their moment is over by then. One transaction
remembers what became of a recap under its kind and days, appends the notice and plans the next one, if the
plan is still the one that was read. So of several processes one does it, and a moment that an admin changed
is not told twice. If somebody who is named was erased since then, nothing is stored, and the next round
reads the figures again. A guild whose tier has no recaps is passed over.
"""

from collections.abc import Collection, Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import datetime
from typing import Protocol

from utils.clock import Clock
from utils.errors import TierRequiredError
from utils.events import EventDispatcher
from utils.models.guilds import GuildSettings
from utils.models.notices.recaps import RecapNotice
from utils.models.premium import Feature
from utils.models.recaps import LEAST_KILLS, Recap, RecapKind, RecapPlan, RecapState
from utils.models.scope import GuildId, PlayerId
from utils.models.servers import GameServer, list_zones
from utils.services.guilds.guild_settings import SettingsService
from utils.services.guilds.news import build_news_queued, has_open_news
from utils.services.ports import ServerReadings, ServerStore
from utils.services.premium.tiers import PremiumService
from utils.services.recaps.figures import RecapReader
from utils.services.recaps.notices import build_recap_notice
from utils.services.recaps.recaps import RecapPlans
from utils.services.recaps.schedule import (
    Readiness,
    Step,
    choose_step,
    complete_plan,
    find_end,
    plan_after,
)
from utils.tasks import TaskManager

RECAPS_TASK = "recaps:tell"


class DueRecaps(Protocol):  # implemented by ScopeIndexRepository
    """Lists the guilds with something to do."""

    async def list_guilds_with_due_recaps(self, now: datetime) -> Sequence[GuildId]:
        """Return every guild with a news channel and a recap that is due or not planned."""


class ToldRecaps(RecapPlans, Protocol):  # implemented by RecapRepository
    """Storage of what the timer does."""

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
        """Remember a recap with its notice and plan the next one, if the plan is still as it was read."""


@dataclass(eq=False, repr=False)
class RecapTimer:
    """Tells the recaps of all guilds."""

    index: DueRecaps
    store: ToldRecaps
    _: KW_ONLY
    reader: RecapReader
    servers: ServerStore
    readings: ServerReadings
    settings: SettingsService
    premium: PremiumService
    events: EventDispatcher
    tasks: TaskManager
    clock: Clock

    def __post_init__(self) -> None:
        self._started_at = self.clock.now()

    async def tell_all(self) -> None:
        """Carry out everything that is due.

        Raises:
            StorageError: the database is away; the next time goes on.
        """
        due = await self.index.list_guilds_with_due_recaps(self.clock.now())
        await self.tasks.for_each(RECAPS_TASK, due, self.tell)

    async def tell(self, guild_id: GuildId) -> None:
        """Plan the recaps of a guild that are not planned, and carry out those that are due."""
        try:
            await self.premium.verify_premium_for_feature(guild_id, Feature.RECAPS)
        except TierRequiredError:
            return
        if not await has_open_news(self.settings, self.premium, guild_id):
            return
        guild, now = await self.settings.get_settings(guild_id), self.clock.now()
        settings = guild.recap
        if not settings.kinds:
            return
        plan = await self.store.find_plan(guild_id)
        if settings.kinds != tuple(plan):
            days = await self.store.find_days(guild_id)
            await self.store.put_plan(guild_id, complete_plan(settings, plan, days, guild.zone, now=now))
            return
        for kind in settings.kinds:
            if plan[kind].due_at <= now:
                plan = await self._carry_out(guild, plan, kind)

    async def _carry_out(self, guild: GuildSettings, plan: RecapPlan, kind: RecapKind) -> RecapPlan:
        """Carry out one recap that is due, or let it wait; return the plan afterwards."""
        guild_id, settings = guild.guild_id, guild.recap
        planned, now = plan[kind], self.clock.now()
        span = planned.span
        servers = await self.servers.list_servers(guild_id)
        ready_at = max(planned.due_at, find_end(span, list_zones(servers)))
        readiness = await self._find_readiness(guild_id, servers, ready_at)
        step = choose_step(kind, ready_at, readiness, now=now)
        if step is Step.WAIT:
            return plan
        after = {**plan, kind: plan_after(settings, planned, guild.zone, now=now)}
        recap = Recap(guild_id=guild_id, kind=kind, period=span.key, state=RecapState.LATE, at=now)
        notice, named = None, frozenset[PlayerId]()
        if step is Step.TELL:
            figures = await self.reader.read(guild_id, servers, span)
            is_quiet = figures.kills < LEAST_KILLS
            recap = Recap(
                guild_id=guild_id,
                kind=kind,
                period=span.key,
                state=RecapState.QUIET if is_quiet else RecapState.POSTED,
                at=now,
                kills=figures.kills,
                killers=figures.killers,
            )
            if not is_quiet:
                notice = build_recap_notice(guild_id, span, figures, at=now)
                named = figures.player_ids
        is_done = await self._finish(recap, before=plan, after=after, notice=notice, named=named)
        return after if is_done else plan

    async def _finish(
        self,
        recap: Recap,
        *,
        before: RecapPlan,
        after: RecapPlan,
        notice: RecapNotice | None,
        named: Collection[PlayerId],
    ) -> bool:
        try:
            return await self.store.finish_recap(
                recap.guild_id, recap, before=before, after=after, notice=notice, named=named
            )
        finally:  # after a commit without an answer as well
            if notice is not None:
                self.events.dispatch(build_news_queued(recap.guild_id))

    async def _find_readiness(
        self, guild_id: GuildId, servers: Sequence[GameServer], ready_at: datetime
    ) -> Readiness:
        health = await self.readings.get_health(guild_id)
        own = {one.scope for one in servers if not one.is_paused}
        importing = {one.scope for one in self.readings.list_readings() if one.is_importing}
        reads = [health[scope].last_read_at if scope in health else None for scope in own]
        return Readiness(
            started_at=self._started_at,
            is_importing=bool(own & importing),
            is_read=all(read_at is not None and read_at >= ready_at for read_at in reads),
        )
