"""Options and menus that name a channel, a role or a member of the guild that the command is used in.

Discord offers and sends no others, but isolation must not depend on that.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import discord

from utils.errors import InvalidInputError
from utils.models.texts import Text, text

Option = Mapping[str, Any]
IsOwn = Callable[[discord.Guild, int, Mapping[str, Any]], bool]


def verify_options(ctx: discord.ApplicationContext, *, may_have_left: bool) -> None:
    """Refuse a command that names a channel, a role or a member of another guild, or is used on a bot.

    ``may_have_left`` lets it name a former member, to find the data that this guild has stored.

    Raises:
        InvalidInputError: this guild has no such thing with that id, or the member is a bot.
    """
    data: Option = ctx.interaction.data or {}
    if "target_id" in data:
        _verify_target(str(data["target_id"]), data.get("resolved") or {})
    guild = ctx.bot.get_guild(ctx.interaction.guild_id or 0)
    resolved: Mapping[str, Any] = data.get("resolved") or {}
    for option in _walk(data):
        owned = OWNED.get(option["type"])
        if owned is None or (may_have_left and option["type"] == USER):
            continue
        refusal, is_own = owned
        if guild is None or not is_own(guild, int(option["value"]), resolved):
            raise InvalidInputError(refusal)


def _verify_target(user_id: str, resolved: Mapping[str, Any]) -> None:
    """Refuse a command of the menu on a member if they left, or play nothing."""
    if user_id not in (resolved.get("members") or {}):
        raise InvalidInputError(text("They aren't in this Discord server any more."))
    if resolved["users"][user_id].get("bot"):
        raise InvalidInputError(text("That's a bot, and bots don't play. Choose a person."))


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
    """Ask Discord whether a user is a member of the guild; the bot does not cache members."""
    return str(user_id) in (resolved.get("members") or {})


USER = discord.SlashCommandOptionType.user.value

OWNED: Mapping[int, tuple[Text, IsOwn]] = {
    discord.SlashCommandOptionType.channel.value: (
        text("This Discord server has no such channel. Pick one from the list."),
        _is_channel,
    ),
    discord.SlashCommandOptionType.role.value: (
        text("This Discord server has no such role. Pick one from the list."),
        _is_role,
    ),
    USER: (text("This Discord server has no such member. Pick one from the list."), _is_member),
}
"""For each type of option that names a thing of a guild: the sentence about a foreign one, and the check."""
