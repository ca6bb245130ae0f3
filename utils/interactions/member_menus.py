"""Commands of the menu on a member: Discord lists them under *Apps* when somebody is pressed.

Discord shows a name and no description, so the help takes it from the declaration.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import discord

from utils.models.texts import Text

Decorator = Callable[[Callable[..., Awaitable[None]]], discord.UserCommand]


class MemberMenu(discord.UserCommand):
    """A command of the menu on a member.

    Attributes:
        said: what it does, for the help.
    """

    def __init__(
        self, function: Callable[..., Awaitable[None]], *args: Any, said: Text, **kwargs: Any
    ) -> None:
        super().__init__(function, *args, **kwargs)
        self.said = said


def member_menu(name: str, *, said: Text) -> Decorator:
    """Make a method of a cog a command of the menu on a member; it is given the ``discord.Member``.

    ``Access`` stands below it, as with other commands. ``GuildCog`` refuses bots and people who left.

    Args:
        name: what Discord shows, at most 32 characters; it may have capitals and blanks.
        said: what it does, for the help.
    """
    decorator: Decorator = discord.application_command(cls=MemberMenu, name=name, said=said)
    return decorator


def list_member_menus(bot: discord.Bot) -> list[MemberMenu]:
    """Return the commands of the menu on a member, by name."""
    found = [each for each in bot.pending_application_commands if isinstance(each, MemberMenu)]
    return sorted(found, key=lambda command: str(command.name))
