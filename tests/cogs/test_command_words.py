"""The words of the loaded command set: names of choices, and descriptions of commands and options."""

import re
from collections.abc import Iterator

import discord

from tests.architecture.test_words_for_people import find_unfriendly
from tests.fakes.own_bot import OwnBot
from utils.interactions.command_set import list_commands
from utils.models.languages import LANGUAGE_NAMES


def list_options(bot: OwnBot) -> Iterator[tuple[str, discord.Option]]:
    """Yield every option with the full name of its command."""
    for command in list_commands(bot):
        for option in command.options:
            yield f"/{command.qualified_name} {option.name}", option


def test_choices_are_named_in_words(bot: OwnBot) -> None:
    """The value of a choice is stored, and its name is for people: ``Last 7 days``, not ``7d``.

    A language has its own name.
    """
    choices = [(place, choice) for place, option in list_options(bot) for choice in option.choices]
    assert len(choices) > 20
    raw = [
        f"{place}: {choice.name}"
        for place, choice in choices
        if choice.name not in LANGUAGE_NAMES.values()
        and (not re.fullmatch(r"[A-Z][\w/,-]*( [\w/,-]+)*", choice.name) or "_" in choice.name)
    ]
    assert raw == []
    assert not {"Self", "Unknown", "Longest", "Vehicle", "Kd"}.intersection(one.name for _, one in choices)


def test_descriptions_are_short_and_friendly(bot: OwnBot) -> None:
    """Descriptions of commands and options have no pattern that reads as translated, and no full stop."""
    described = {f"/{command.qualified_name}": command.description for command in list_commands(bot)}
    described |= {place: str(option.description) for place, option in list_options(bot)}
    assert {place: said for place, said in described.items() if find_unfriendly(said)} == {}
    assert {place: said for place, said in described.items() if said.endswith(".") or len(said) > 75} == {}
