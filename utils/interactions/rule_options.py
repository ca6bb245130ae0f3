"""The options of the commands about role rules."""

from collections.abc import Callable
from typing import Any, TypeVar

import discord

from utils.interactions.autocomplete import complete_faction, complete_rule
from utils.interactions.options import Decorator, name_choices, server_option, text_option
from utils.models.levels import LAST_LEVEL
from utils.models.roles import (
    LADDER_CHARACTERS,
    MATCH_CHOICES,
    MOST_KEEP,
    RULE_BOARDS,
    RULE_PERIOD_CHOICES,
)
from utils.models.texts import text

CommandT = TypeVar("CommandT", bound=Callable[..., Any])

CLEARED = {
    "kills": text("Kills"),
    "kd": text("K/D ratio"),
    "longest": text("Longest kill"),
    "streak": text("Best streak"),
    "level": text("Level"),
    "rank": text("Place on a board"),
    "faction_id": text("Faction"),
    "ladder": text("Ladder"),
    "server_id": text("Only this game server"),
}
"""The parts that ``/roles edit`` can take out of a rule, by the name of the term."""

MOST_OF_A_FIGURE = 1_000_000


def rule_option() -> Decorator:
    """Give a command the option of a rule."""
    return text_option("rule", description="Which rule", autocomplete=complete_rule, is_required=True)


def _number(name: str, *, description: str, most: int = MOST_OF_A_FIGURE, least: int = 1) -> Decorator:
    """Give a command an option of a whole number."""
    decorator: Decorator = discord.option(
        name, int, description=description, min_value=least, max_value=most, default=None
    )
    return decorator


TERM_OPTIONS: tuple[Decorator, ...] = (
    _number("kills", description="At least so many kills"),
    discord.option(
        "kd", float, description="At least this K/D ratio", min_value=0.01, max_value=1000, default=None
    ),
    _number("longest", description="A kill from at least so many metres", most=10_000),
    _number("streak", description="A streak of at least so many kills", most=1000),
    _number("level", description="At least this level", most=LAST_LEVEL),
    _number("rank", description="This place on a board, or better", most=100),
    discord.option("board", str, description="Which board", choices=name_choices(RULE_BOARDS), default=None),
    text_option("faction", description="Only members of this faction", autocomplete=complete_faction),
    discord.option(
        "match",
        str,
        description="Whether all conditions must be met",
        choices=name_choices(MATCH_CHOICES),
        default=None,
    ),
    server_option(),
    discord.option(
        "period",
        str,
        description="Which days to count",
        choices=name_choices(RULE_PERIOD_CHOICES),
        default=None,
    ),
    _number("keep", description="By how many per cent a figure may fall", most=MOST_KEEP, least=0),
    discord.option(
        "ladder",
        str,
        description="Of the rules with one ladder, only the highest role is held",
        min_length=1,
        max_length=LADDER_CHARACTERS,
        default=None,
    ),
)
"""The options of the terms of a rule, in their order."""


def term_options(command: CommandT) -> CommandT:
    """Give a command all of them."""
    for option in reversed(TERM_OPTIONS):
        option(command)  # it adds to the command's annotations
    return command
