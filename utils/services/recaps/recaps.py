"""``/admin recap``: shows and changes when a guild gets recaps."""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from utils.clock import Clock
from utils.models.audit import AuditAction
from utils.models.guilds import ChannelKind, GuildSettings
from utils.models.recaps import PlannedRecap, RecapDays, RecapKind, RecapOverview, RecapPlan
from utils.models.scope import ALL_SERVERS, GuildId, MemberId, ServerScope
from utils.services.guilds.guild_changes import GuildChangeService
from utils.services.guilds.guild_settings import SettingsService
from utils.services.recaps.schedule import complete_plan, plan_next


class RecapPlans(Protocol):  # implemented by RecapRepository
    """Storage of what is planned."""

    async def find_plan(self, guild_id: GuildId) -> RecapPlan:
        """Return the next recaps of a guild; a kind that is not planned is left out."""

    async def find_days(self, guild_id: GuildId) -> RecapDays:
        """Return the days of the next recaps, even if a change of settings took their moments away."""

    async def put_plan(self, guild_id: GuildId, plan: RecapPlan) -> None:
        """Store the next recaps of a guild."""

    async def has_recap(self, guild_id: GuildId, kind: RecapKind, period: str) -> bool:
        """Tell whether it is known what became of a recap."""


@dataclass(eq=False, repr=False)
class RecapService:
    """The settings of recaps."""

    store: RecapPlans
    changes: GuildChangeService
    settings: SettingsService
    clock: Clock

    async def describe(self, guild_id: GuildId) -> RecapOverview:
        """Return what is set, and when the next recaps are due."""
        guild = await self.settings.get_settings(guild_id)
        plan, days = await self.store.find_plan(guild_id), await self.store.find_days(guild_id)
        return await self._show(
            guild, complete_plan(guild.recap, plan, days, guild.zone, now=self.clock.now())
        )

    async def change(self, guild_id: GuildId, actor_id: MemberId, **chosen: Any) -> RecapOverview:
        """Change the chosen settings, and plan the next recaps again.

        Raises:
            InvalidInputError: a value is not allowed.
        """
        now = self.clock.now()
        changed = await self.changes.change(
            guild_id, actor_id, AuditAction.RECAP, partial(_with_recap, chosen=chosen)
        )
        guild = changed.after
        if guild.recap == changed.before.recap:
            return await self.describe(guild_id)
        days = await self.store.find_days(guild_id)
        new = set(guild.recap.kinds) - days.keys()
        untold = {kind: await self._plan_untold(guild, kind, now) for kind in new}
        plan = complete_plan(guild.recap, untold, days, guild.zone, now=now)
        await self.store.put_plan(guild_id, plan)
        return await self._show(guild, plan)

    async def _plan_untold(self, guild: GuildSettings, kind: RecapKind, now: datetime) -> PlannedRecap:
        """Return the next recap of days that were not told yet."""
        planned = plan_next(guild.recap, kind, guild.zone, after=now)
        if await self.store.has_recap(guild.guild_id, kind, planned.span.key):
            return plan_next(guild.recap, kind, guild.zone, after=planned.due_at)
        return planned

    async def _show(self, guild: GuildSettings, plan: RecapPlan) -> RecapOverview:
        scope = ServerScope(guild.guild_id, ALL_SERVERS)
        channel_id = await self.settings.find_channel(scope, ChannelKind.NEWS)
        next_at = {kind: planned.due_at for kind, planned in plan.items()}
        return RecapOverview(guild.recap, guild.timezone, next_at, has_channel=channel_id is not None)


def _with_recap(settings: GuildSettings, *, chosen: dict[str, Any]) -> GuildSettings:
    return replace(settings, recap=replace(settings.recap, **chosen))
