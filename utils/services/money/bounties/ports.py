"""What the rules about bounties work with."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from utils.models.guilds import ChannelKind, GuildSettings
from utils.models.players import KnownPlayer
from utils.models.scope import ChannelId, GuildId, MemberId, PlayerId, ServerId, ServerScope
from utils.models.servers import GameServer


class OwnPlayer(Protocol):
    """A player that belongs to a member."""

    @property
    def player_id(self) -> PlayerId:
        """The player."""


class MemberLinks(Protocol):
    """Who has proven to be which player."""

    async def list_players(self, guild_id: GuildId, member_id: MemberId) -> Sequence[OwnPlayer]:
        """Return the proven players of a member."""


class BountyGuilds(Protocol):
    """A guild's settings and channels."""

    async def get_settings(self, guild_id: GuildId) -> GuildSettings:
        """Return a guild's settings."""

    async def find_channel(self, scope: ServerScope, kind: ChannelKind) -> ChannelId | None:
        """Return the channel of a kind for a server."""


class BountyServers(Protocol):
    """A guild's game servers."""

    async def list_servers(self, guild_id: GuildId) -> Sequence[GameServer]:
        """Return them, oldest first."""

    async def resolve(self, guild_id: GuildId, text: str | None) -> GameServer:
        """Return the server meant.

        Raises:
            NotFoundError, AmbiguousError
        """


class PlayerFinder(Protocol):
    """Who is meant by a name."""

    async def resolve(
        self, guild_id: GuildId, text: str, *, server_ids: Sequence[ServerId] = ()
    ) -> KnownPlayer:
        """Return the player meant.

        Raises:
            NotFoundError, AmbiguousError
        """


class DueBounties(Protocol):
    """Where bounties have ended, by key alone."""

    async def list_scopes_with_due_bounties(self, *, before: datetime) -> Sequence[ServerScope]:
        """Return every server with open bounties that ended before a moment."""
