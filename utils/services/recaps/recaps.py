"""``/admin recap``: shows and changes when a guild gets recaps."""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from utils.clock import Clock
from utils.models.audit import AuditAction
from utils.models.guilds import ChannelKind, GuildSettings
from utils.models.recaps import RecapKind, RecapOverview, RecapPlan
from utils.models.scope import ALL_SERVERS, GuildId, MemberId, ServerScope
from utils.services.guilds.guild_changes import GuildChangeService
from utils.services.guilds.guild_settings import SettingsService
from utils.services.recaps.schedule import complete_plan, find_next, find_span


class RecapPlans(Protocol):  # implemented by RecapRepository
    """Storage of what is planned."""

    async def find_plan(self, guild_id: GuildId) -> RecapPlan:
        """Return when the next recaps of a guild are due; a kind that is not planned is left out."""

    async def put_plan(self, guild_id: GuildId, plan: RecapPlan) -> None:
        """Store when the next recaps of a guild are due."""

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
        plan = await self.store.find_plan(guild_id)
        next_at = complete_plan(guild.recap, plan, guild.zone, now=self.clock.now())
        return await self._show(guild, next_at)

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
        plan = {kind: await self._find_next_untold(guild, kind, now) for kind in guild.recap.kinds}
        await self.store.put_plan(guild_id, plan)
        return await self._show(guild, plan)

    async def _find_next_untold(self, guild: GuildSettings, kind: RecapKind, now: datetime) -> datetime:
        """Return the next moment with a recap of days that were not told yet."""
        next_at = find_next(guild.recap, kind, guild.zone, after=now)
        span = find_span(guild.recap, kind, guild.zone, due_at=next_at)
        if await self.store.has_recap(guild.guild_id, kind, span.key):
            return find_next(guild.recap, kind, guild.zone, after=next_at)
        return next_at

    async def _show(self, guild: GuildSettings, next_at: RecapPlan) -> RecapOverview:
        scope = ServerScope(guild.guild_id, ALL_SERVERS)
        channel_id = await self.settings.find_channel(scope, ChannelKind.NEWS)
        return RecapOverview(guild.recap, guild.timezone, next_at, has_channel=channel_id is not None)


def _with_recap(settings: GuildSettings, *, chosen: dict[str, Any]) -> GuildSettings:
    return replace(settings, recap=replace(settings.recap, **chosen))
