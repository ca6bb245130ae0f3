"""The language of a guild: an admin chose it, else it is the one set in Discord, else English."""

from collections.abc import Awaitable, Callable

from utils.localization.languages import Languages
from utils.models.scope import GuildId


async def find_guild_language(
    guild_id: GuildId | None,
    locale: str | None,
    languages: Languages,
    *,
    find_chosen: Callable[[GuildId], Awaitable[str | None]],
) -> str:
    """Return a guild's language, among those the bot has.

    Args:
        guild_id: the guild; None where there is none.
        locale: the guild's locale in Discord; None if it is not known.
        languages: the languages of the bot.
        find_chosen: returns the language that an admin chose; None if it is not known.
    """
    chosen = None if guild_id is None else await find_chosen(guild_id)
    return languages.choose(chosen, locale)
