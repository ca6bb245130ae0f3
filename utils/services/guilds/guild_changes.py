"""Changes of a guild's settings by hand: each is verified, written, and told to the audit."""

from dataclasses import dataclass

from utils.models.audit import AuditAction, AuditFacts, FieldChange
from utils.models.guilds import ChannelKind
from utils.models.premium import Tier
from utils.models.scope import ChannelId, GuildId, MemberId
from utils.models.servers import GameServer
from utils.services.guilds.audit import AuditWriter
from utils.services.guilds.guild_settings import SettingsService
from utils.services.premium.tiers import PremiumService
from utils.services.servers.game_servers import GameServerService


@dataclass(frozen=True, slots=True)
class ChannelChange:
    """What became of a channel.

    Attributes:
        server: the server it was changed for; None for the guild's own.
        channel_id: where posts of the kind go from now on; None for nowhere.
        missing_tier: the tier from which on they do; None when the guild has it.
        is_changed: there was something to change.
    """

    server: GameServer | None
    channel_id: ChannelId | None
    missing_tier: Tier | None = None
    is_changed: bool = True


class GuildChangeService:
    """Sets and clears channels and the admin role."""

    def __init__(
        self,
        settings: SettingsService,
        servers: GameServerService,
        *,
        premium: PremiumService,
        audit: AuditWriter,
    ) -> None:
        self._settings = settings
        self._servers = servers
        self._premium = premium
        self._audit = audit

    async def set_channel(
        self,
        guild_id: GuildId,
        kind: ChannelKind,
        channel_id: ChannelId,
        *,
        server: str | None,
        actor_id: MemberId,
    ) -> ChannelChange:
        """Set the channel of a kind for the guild, or for the named server."""
        chosen, before = await self._find_own(guild_id, kind, server)
        server_id = chosen.scope.server_id if chosen else None
        await self._settings.set_channel(guild_id, kind, channel_id, server_id=server_id)
        if before != channel_id:
            facts = _list_facts(chosen, FieldChange(kind.value, before, channel_id))
            await self._audit.write(guild_id, actor_id, AuditAction.CHANNEL_SET, facts)
        missing = await self._premium.find_missing_tier(guild_id, kind)
        return ChannelChange(chosen, channel_id, missing, is_changed=before != channel_id)

    async def clear_channel(
        self, guild_id: GuildId, kind: ChannelKind, *, server: str | None, actor_id: MemberId
    ) -> ChannelChange:
        """Clear the guild's own channel of a kind, or the named server's; the next in order counts then."""
        chosen, before = await self._find_own(guild_id, kind, server)
        if before is not None:
            server_id = chosen.scope.server_id if chosen else None
            await self._settings.set_channel(guild_id, kind, None, server_id=server_id)
            facts = _list_facts(chosen, FieldChange(kind.value, before))
            await self._audit.write(guild_id, actor_id, AuditAction.CHANNEL_CLEAR, facts)
        left = (await self._settings.get_settings(guild_id)).channels.get(kind) if chosen else None
        return ChannelChange(chosen, left, is_changed=before is not None)

    async def set_admin_role(
        self, guild_id: GuildId, role_id: int | None, *, actor_id: MemberId
    ) -> int | None:
        """Set or clear the admin role; return the one before."""
        before = (await self._settings.get_settings(guild_id)).admin_role_id
        await self._settings.set_admin_role(guild_id, role_id)
        if before != role_id:
            facts = _list_facts(None, FieldChange("admin_role_id", before, role_id))
            await self._audit.write(guild_id, actor_id, AuditAction.ROLE, facts)
        return before

    async def _find_own(
        self, guild_id: GuildId, kind: ChannelKind, server: str | None
    ) -> tuple[GameServer | None, ChannelId | None]:
        """Return the named server, and the channel that is its own, or the guild's."""
        if server is None:
            return None, (await self._settings.get_settings(guild_id)).channels.get(kind)
        chosen = await self._servers.resolve(guild_id, server)
        return chosen, chosen.channels.get(kind)


def _list_facts(server: GameServer | None, change: FieldChange) -> AuditFacts:
    return AuditFacts(server_name=server.name if server else None, changes=(change,))
