"""Identity: the keys by which all data of the bot is stored, named and logged."""

from dataclasses import dataclass
from typing import NewType

from utils.models.texts import text

GuildId = NewType("GuildId", int)
"""A Discord guild (snowflake)."""

ChannelId = NewType("ChannelId", int)
"""A Discord channel (snowflake)."""

MemberId = NewType("MemberId", int)
"""A Discord user inside a guild (snowflake)."""

ServerId = NewType("ServerId", str)
"""The bot's own id of a game server: 8 lower-case letters and digits, made when the server is added."""

ALL_SERVERS = ServerId("")
"""Stands for all game servers of a guild: of a posted board, and of a notice about the whole guild."""

PlayerId = NewType("PlayerId", str)
"""A player's EOS product user id: 32 lower-case hex digits, prefix ``0002`` (the game's death log)."""


ERASED_PLAYER_ID = PlayerId("0" * 32)
"""The id of all erased players together; no id of the game begins like this."""

ERASED = text("erased player")

ERASED_NAME = str(ERASED)
"""Their stored name; each language shows its own words (``localizer.STAND_INS``)."""

ERASED_MEMBER_ID = MemberId(0)
"""The id of all erased members, where no id would mean something else; Discord never assigns this id."""


@dataclass(frozen=True, slots=True, order=True)
class ServerScope:
    """One game server in one guild; all game data belongs to one."""

    guild_id: GuildId
    server_id: ServerId

    def __str__(self) -> str:
        """Return the form used in task names and logs, for example ``42/k3v9x0aa``."""
        return f"{self.guild_id}/{self.server_id}"
