"""Options that name a channel, a role or a member: each must be of the guild that the command is used in.

Discord offers and sends no others. That is its kindness, and isolation does not rest on it.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import discord

from utils.errors import InvalidInputError

Option = Mapping[str, Any]
IsOwn = Callable[[discord.Guild, int, Mapping[str, Any]], bool]


def verify_options(ctx: discord.ApplicationContext, *, may_have_left: bool) -> None:
    """Refuse a command that names a channel, a role or a member of another guild.

    ``may_have_left`` lets it name somebody who is no member any more: it finds what this guild has stored.

    Raises:
        InvalidInputError: this guild has none of that kind with that id.
    """
    data: Option = ctx.interaction.data or {}
    guild = ctx.bot.get_guild(ctx.interaction.guild_id or 0)
    resolved: Mapping[str, Any] = data.get("resolved") or {}
    for option in _walk(data):
        what, is_own = OWNED.get(option["type"], ("", None))
        if is_own is None or (may_have_left and what == "member"):
            continue
        if guild is None or not is_own(guild, int(option["value"]), resolved):
            raise InvalidInputError(f"This Discord server has no such {what}. Pick one from the list.")


def _walk(data: Option) -> Iterator[Option]:
    """Yield every option with a value, at any depth."""
    for option in data.get("options") or ():
        if "value" in option:
            yield option
        yield from _walk(option)


def _is_channel(guild: discord.Guild, channel_id: int, _: Mapping[str, Any]) -> bool:
    return guild.get_channel(channel_id) is not None


def _is_role(guild: discord.Guild, role_id: int, _: Mapping[str, Any]) -> bool:
    return guild.get_role(role_id) is not None


def _is_member(_: discord.Guild, user_id: int, resolved: Mapping[str, Any]) -> bool:
    """Tell whether Discord knows somebody as a member of the guild; the bot itself knows no members."""
    return str(user_id) in (resolved.get("members") or {})


OWNED: Mapping[int, tuple[str, IsOwn]] = {
    discord.SlashCommandOptionType.channel.value: ("channel", _is_channel),
    discord.SlashCommandOptionType.role.value: ("role", _is_role),
    discord.SlashCommandOptionType.user.value: ("member", _is_member),
}
"""What options of each type name, and whether it belongs to a guild."""
