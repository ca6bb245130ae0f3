"""The texts of commands that Discord shows by itself, in the language of each client.

Descriptions of commands and options, and names of choices and of menus, are translated. Names of commands and
options are not: Discord shows mentions of commands in English only, and help, documents and admins of several
languages share one name.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from string import Formatter
from typing import Any, NamedTuple

import discord
from discord.utils import MISSING

from utils.localization.localizer import Localizer
from utils.models.languages import LANGUAGE_NAMES, name_in_discord
from utils.models.texts import Text

Described = discord.SlashCommand | discord.SlashCommandGroup | discord.Option

CONTEXT = "ctx"  # the first parameter of every command


class CommandText(NamedTuple):
    """A text of a command.

    Attributes:
        owner: the command, option or choice of the library that has it.
        field: the attribute of the owner for the translations.
        said: its English, with the context for translators.
    """

    owner: Any
    field: str
    said: Text


def list_command_texts(commands: Iterable[object]) -> Iterator[CommandText]:
    """Yield every text of these commands and of all that they contain; a language's own name is none."""
    for command in commands:
        if isinstance(command, discord.SlashCommandGroup):
            yield _describe(command)
            yield from list_command_texts(command.subcommands)
        elif isinstance(command, discord.SlashCommand):
            yield _describe(command)
            for option in _list_described(command):
                yield _describe(option)
                yield from map(_name_choice, _list_translated(option))
        elif isinstance(command, discord.UserCommand):
            yield CommandText(command, "name_localizations", Text(command.name, context="context menu"))


@contextmanager
def localised(commands: Iterable[object], words: Sequence[Localizer]) -> Iterator[None]:
    """Give commands their texts in these languages within the block.

    A text that a language does not translate, or that is the same there, is left to Discord, which shows it
    in English then.
    """
    texts = list(list_command_texts(commands))
    for one in texts:
        found = {name_in_discord(each.language): each.find_form(one.said) for each in words}
        translated = {locale: said for locale, said in found.items() if said != one.said.source}
        setattr(one.owner, one.field, translated or MISSING)
    try:
        yield
    finally:
        for one in texts:
            setattr(one.owner, one.field, MISSING)


def read_description(owner: Described) -> Text:
    """Return the description of a command or option; braces in it are shown as they are."""
    source = str(owner.description)
    shown = tuple((name, f"{{{name}}}") for _, name, _, _ in Formatter().parse(source) if name)
    return Text(source, shown, context="command")


def _describe(owner: Described) -> CommandText:
    return CommandText(owner, "description_localizations", read_description(owner))


def _name_choice(choice: discord.OptionChoice) -> CommandText:
    return CommandText(choice, "name_localizations", Text(choice.name, context="choice"))


def _list_described(command: discord.SlashCommand) -> list[discord.Option]:
    """Return its options; before a bot has loaded a command, its context is one of them as well."""
    return [option for option in command.options if option.name != CONTEXT]


def _list_translated(option: discord.Option) -> list[discord.OptionChoice]:
    return [choice for choice in option.choices if choice.name not in LANGUAGE_NAMES.values()]
