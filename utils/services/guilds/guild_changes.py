"""Changes of a guild's settings by hand: each is checked, stored, and written to the audit."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass, replace
from functools import partial
from typing import Any

from utils.errors import InvalidInputError
from utils.events import EventDispatcher, GuildSettingsChanged
from utils.locks import KeyedLocks
from utils.models.audit import AuditAction, AuditFacts, FieldChange
from utils.models.counters import clean_format, find_format_problem
from utils.models.declared_settings import find_problem, list_changes
from utils.models.guilds import CHANNEL_KIND_NAMES, OF_WHOLE_GUILDS, ChannelKind, GuildSettings
from utils.models.post_styles import NEW_STYLE, ChannelStyle
from utils.models.premium import Tier
from utils.models.scope import ChannelId, GuildId, MemberId
from utils.models.servers import GameServer
from utils.models.texts import Mention, text
from utils.services.guilds.audit import AuditLog
from utils.services.guilds.guild_settings import GuildStore, SettingsService
from utils.services.ports import ServerStore
from utils.services.premium.tiers import PremiumService
from utils.services.servers.game_servers import GameServerService


@dataclass(frozen=True, slots=True)
class ChannelChange:
    """The result of setting a channel.

    Attributes:
        server: the server of the channel; None for the guild's own channel.
        channel_id: the channel for posts of the kind from now on; None if there is none.
        missing_tier: the lowest tier that posts there; None if the guild has it.
        is_changed: True if there was something to change.
    """

    server: GameServer | None
    channel_id: ChannelId | None
    missing_tier: Tier | None = None
    is_changed: bool = True


@dataclass(frozen=True, slots=True)
class SettingsChange:
    """A guild's settings before and after a change."""

    before: GuildSettings
    after: GuildSettings


Mutation = Callable[[GuildSettings], GuildSettings]


@dataclass(eq=False, repr=False)
class GuildChangeService:
    """Changes settings of guilds, always in the same way.

    A change is checked, stored together with its entry of the audit (old and new values), and announced.
    Changes of one guild take turns, and each begins with the stored settings, so two changes at once both
    count.

    Args:
        settings: the cache that a change drops.
        guilds: storage of the settings of guilds.
        channels: storage of the channels of servers.
    """

    settings: SettingsService
    servers: GameServerService
    _: KW_ONLY
    guilds: GuildStore
    channels: ServerStore
    premium: PremiumService
    audit: AuditLog
    events: EventDispatcher

    def __post_init__(self) -> None:
        self._locks = KeyedLocks[GuildId]()

    async def change(
        self, guild_id: GuildId, actor_id: MemberId, action: AuditAction, mutate: Mutation
    ) -> SettingsChange:
        """Apply ``mutate`` and store the changes; nothing is written if there are none.

        Raises:
            InvalidInputError: a value is not allowed.
        """
        async with self._locks.hold(guild_id):
            before = await self.guilds.get_settings(guild_id)
            after = mutate(before)
            if (problem := find_problem(before, after)) is not None:
                raise InvalidInputError(problem)
            changes = list_changes(before, after)
            if changes:
                facts = AuditFacts(changes=changes)
                write = partial(self.guilds.write_settings, guild_id, before, after)
                with self._dropping(guild_id):
                    await self.audit.carry_out(guild_id, actor_id, action, facts, write)
        if changes:
            self._announce(guild_id, *(change.name for change in changes))
        return SettingsChange(before, after)

    async def set_channel(
        self,
        guild_id: GuildId,
        kind: ChannelKind,
        channel_id: ChannelId,
        *,
        server: str | None,
        actor_id: MemberId,
    ) -> ChannelChange:
        """Set the channel of a kind for the guild, or for the named server.

        The same channel is announced as well, so that waiting posts are tried again after its permissions
        were repaired.

        Raises:
            AmbiguousError: a counter belongs to one server, and none is named.
            InvalidInputError: it is the counter of another server, or the kind is for the whole guild.
        """
        chosen = await self._choose_server(guild_id, kind, server)
        if chosen is not None and kind in OF_WHOLE_GUILDS:
            raise InvalidInputError(
                text(
                    "The {kind} channel is for all game servers together. Leave out “server”.",
                    kind=CHANNEL_KIND_NAMES[kind],
                )
            )
        if kind is ChannelKind.COUNTER:
            await self._verify_free_counter(guild_id, channel_id, chosen)
        is_changed = await self._put_channel(guild_id, kind, channel_id, chosen, actor_id)
        if not is_changed:
            self._announce(guild_id, kind.value)
        missing = await self.premium.find_missing_tier(guild_id, kind)
        return ChannelChange(chosen, channel_id, missing, is_changed=is_changed)

    async def clear_channel(
        self, guild_id: GuildId, kind: ChannelKind, *, server: str | None, actor_id: MemberId
    ) -> ChannelChange:
        """Clear the guild's own channel of a kind, or the named server's; the next in order counts then."""
        chosen = await self._choose_server(guild_id, kind, server)
        is_changed = await self._put_channel(guild_id, kind, None, chosen, actor_id)
        left = (await self.settings.get_settings(guild_id)).channels.get(kind) if chosen else None
        return ChannelChange(chosen, left, is_changed=is_changed)

    async def set_style(
        self, guild_id: GuildId, channel_id: ChannelId, chosen: Mapping[str, Any], *, actor_id: MemberId
    ) -> ChannelStyle:
        """Change the fields of a channel's style that are ``chosen``; return the style.

        Raises:
            InvalidInputError: a value is not allowed.
        """
        mutate = partial(_with_style, channel_id=channel_id, chosen=chosen)
        changed = await self.change(guild_id, actor_id, AuditAction.CHANNEL_STYLE, mutate)
        return changed.after.get_style(channel_id)

    async def set_admin_role(
        self, guild_id: GuildId, role_id: int | None, *, actor_id: MemberId
    ) -> int | None:
        """Set or clear the admin role; return the previous one."""
        changed = await self.change(
            guild_id, actor_id, AuditAction.ROLE, partial(replace, admin_role_id=role_id)
        )
        return changed.before.admin_role_id

    async def set_counter_format(
        self, guild_id: GuildId, server: str, template: str | None, *, actor_id: MemberId
    ) -> GameServer:
        """Set the format of a counter's name, or go back to the default one; return the changed server.

        Raises:
            InvalidInputError: it has an unknown place, or the name could be too long.
        """
        chosen = await self.servers.resolve(guild_id, server)
        cleaned = None if template is None else clean_format(template)
        if cleaned is not None and (problem := find_format_problem(cleaned, chosen.name)) is not None:
            raise InvalidInputError(problem)
        if cleaned != chosen.counter_format:
            change = FieldChange("counter_format", chosen.counter_format, cleaned)
            facts = AuditFacts(server_name=chosen.name, changes=(change,))
            put = partial(self.channels.set_counter_format, chosen.scope, cleaned)
            await self.audit.carry_out(guild_id, actor_id, AuditAction.COUNTER_FORMAT, facts, put)
            self._announce(guild_id, change.name)
        return replace(chosen, counter_format=cleaned)

    async def _choose_server(
        self, guild_id: GuildId, kind: ChannelKind, server: str | None
    ) -> GameServer | None:
        """Return the named server; a counter belongs to the guild's only one if none is named."""
        if server is None and kind is not ChannelKind.COUNTER:
            return None
        return await self.servers.resolve(guild_id, server)

    async def _verify_free_counter(
        self, guild_id: GuildId, channel_id: ChannelId, chosen: GameServer | None
    ) -> None:
        """Refuse a channel whose name shows another server already."""
        for server in await self.servers.list_servers(guild_id):
            is_other = chosen is None or server.scope != chosen.scope
            if is_other and server.channels.get(ChannelKind.COUNTER) == channel_id:
                raise InvalidInputError(
                    text(
                        "{channel} is the counter of {server} already. Choose another channel.",
                        channel=Mention("#", channel_id),
                        server=server.name,
                    )
                )

    async def _put_channel(
        self,
        guild_id: GuildId,
        kind: ChannelKind,
        channel_id: ChannelId | None,
        server: GameServer | None,
        actor_id: MemberId,
    ) -> bool:
        """Set or clear a channel of the guild or of a server; tell whether that changed anything."""
        action = AuditAction.CHANNEL_CLEAR if channel_id is None else AuditAction.CHANNEL_SET
        if server is None:
            mutate = partial(_with_channel, kind=kind, channel_id=channel_id)
            changed = await self.change(guild_id, actor_id, action, mutate)
            return changed.before != changed.after
        change = FieldChange(kind.value, server.channels.get(kind), channel_id)
        if change.old == change.new:
            return False
        facts = AuditFacts(server_name=server.name, changes=(change,))
        put = partial(self.channels.set_channel, server.scope, kind, channel_id)
        with self._dropping(guild_id):
            await self.audit.carry_out(guild_id, actor_id, action, facts, put)
        self._announce(guild_id, kind.value)
        return True

    @contextmanager
    def _dropping(self, guild_id: GuildId) -> Iterator[None]:
        """Drop a guild's cached settings after a write, also after a failed one: it may have happened."""
        try:
            yield
        finally:
            self.settings.forget_guild(guild_id)

    def _announce(self, guild_id: GuildId, *names: str) -> None:
        self.events.dispatch(GuildSettingsChanged(guild_id=guild_id, names=frozenset(names)))


def _with_style(
    settings: GuildSettings, *, channel_id: ChannelId, chosen: Mapping[str, Any]
) -> GuildSettings:
    style = replace(settings.get_style(channel_id), **chosen)
    others = {one: kept for one, kept in settings.styles.items() if one != channel_id}
    return replace(settings, styles=others if style == NEW_STYLE else {**others, channel_id: style})


def _with_channel(
    settings: GuildSettings, *, kind: ChannelKind, channel_id: ChannelId | None
) -> GuildSettings:
    others = {one: channel for one, channel in settings.channels.items() if one is not kind}
    return replace(settings, channels=others if channel_id is None else {**others, kind: channel_id})
