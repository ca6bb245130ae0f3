"""Deadside.log: which posts follow from a visit, by the wishes of the community."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from datetime import timedelta

from utils.clock import Clock
from utils.models.event_settings import ServerEventSettings
from utils.models.guilds import ChannelKind
from utils.models.notices.notice import Notice
from utils.models.scope import PlayerId, ServerScope
from utils.models.servers import GameServer
from utils.services.ingestion.deadside_memory import LogMemory
from utils.services.ingestion.deadside_reading import is_cold
from utils.services.ingestion.deadside_stores import GameLogStore
from utils.services.ports import ChannelFinder, SettingsSource
from utils.services.premium.tiers import PremiumService, has_open_channel
from utils.services.presence.announcing import VisitRules, choose_news, list_nameless
from utils.services.presence.notices import build_notices
from utils.services.world.announcing import MAX_AGE, choose_posts
from utils.services.world.notices import build_event_notices
from utils.services.world.rules import build_event_rules, build_visit_rules


@dataclass(frozen=True, slots=True)
class GameLogNews:
    """Decides about the posts of a visit to the log of one game server."""

    scope: ServerScope
    _: KW_ONLY
    store: GameLogStore
    channels: ChannelFinder
    settings: SettingsSource
    premium: PremiumService
    clock: Clock

    async def choose(self, server: GameServer, memory: LogMemory, *, is_silent: bool) -> Sequence[Notice]:
        """Return the posts that are due, and note in the memory that they were decided."""
        of_guild = await self.settings.get_settings(self.scope.guild_id)
        settings = ServerEventSettings(server.events, of_guild.events)
        visits = await self._choose_visits(server, memory, build_visit_rules(settings), is_silent=is_silent)
        events = await self._choose_events(server, memory, settings, is_silent=is_silent)
        return [*visits, *events]

    async def _choose_visits(
        self, server: GameServer, memory: LogMemory, rules: VisitRules, *, is_silent: bool
    ) -> Sequence[Notice]:
        """Return the posts about players who came and left."""
        presence, names = memory.state.presence, dict[PlayerId, str]()
        nameless = list_nameless(presence)
        if nameless and not is_silent:
            names = dict(await self.store.find_names(self.scope, nameless))
        log_now = presence.newest_at
        if log_now is not None:
            log_now += timedelta(seconds=max(0.0, self.clock.monotonic() - memory.grown_at))
        news = choose_news(presence, log_now=log_now, is_silent=is_silent, names=names, rules=rules)
        memory.state = replace(memory.state, presence=news.state)
        is_news = news.joined or news.left or news.returned
        if not is_news or not await self._has_channel(ChannelKind.CONNECTIONS):
            return []
        return build_notices(self.scope, server.name, news)

    async def _choose_events(
        self, server: GameServer, memory: LogMemory, settings: ServerEventSettings, *, is_silent: bool
    ) -> Sequence[Notice]:
        """Return the posts about events of the world."""
        world = memory.state.world
        if not world.due and not any(one.is_due for one in world.open.values()):
            return []
        is_late = is_cold(memory.state.read_at, now=self.clock.now(), max_age=MAX_AGE)
        is_late = is_late or not await self._has_channel(ChannelKind.EVENTS)
        rules = build_event_rules(settings, memory.stored.world.heard_at)
        news = choose_posts(self.scope, world, is_silent=is_silent, is_late=is_late, rules=rules)
        memory.events |= news.decided
        memory.state = replace(memory.state, world=news.state)
        return build_event_notices(self.scope, server.name, news.posts)

    async def _has_channel(self, kind: ChannelKind) -> bool:
        return await has_open_channel(self.channels, self.premium, self.scope, kind)
