"""The names of what role rules are about."""

from dataclasses import dataclass

from utils.models.roles import NamedTerms, RuleTerms
from utils.models.scope import GuildId
from utils.services.factions.stores import FactionStore
from utils.services.ports import ServerStore


@dataclass(eq=False, repr=False)
class RuleNaming:
    """Names the game server and the faction of a rule."""

    servers: ServerStore
    factions: FactionStore

    async def name(self, guild_id: GuildId, terms: RuleTerms) -> NamedTerms:
        """Return terms with the names of what they are about."""
        return NamedTerms(
            terms, await self._name_server(guild_id, terms), await self._name_faction(guild_id, terms)
        )

    async def _name_server(self, guild_id: GuildId, terms: RuleTerms) -> str | None:
        if terms.server_id is None:
            return None
        servers = await self.servers.list_servers(guild_id)
        return next((one.name for one in servers if one.scope.server_id == terms.server_id), None)

    async def _name_faction(self, guild_id: GuildId, terms: RuleTerms) -> str | None:
        if terms.faction_id is None:
            return None
        factions = await self.factions.list_active(guild_id)
        return next((one.name for one in factions if one.faction_id == terms.faction_id), None)
