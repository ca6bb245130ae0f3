"""Options of several commands: each is declared here, with limits that Discord checks.

Free text has a limit, on Discord's side here and on ours in the search.
"""

from collections.abc import Callable, Mapping
from typing import Any

import discord

from utils.interactions.autocomplete import (
    Completion,
    complete_player,
    complete_seen_player,
    complete_server,
)
from utils.interactions.context import KillfeedContext
from utils.models.scope import MemberId
from utils.models.statistics import PERIOD_CHOICES, SEASON_PERIOD_CHOICES, Period
from utils.models.texts import Text
from utils.models.typed_text import TYPED_CHARACTERS
from utils.services.players.coverage import StatisticsQuestion

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def name_choices(names: Mapping[Any, Text | str]) -> list[discord.OptionChoice]:
    """Return the choices of an option: the name of each for people, and its value in stored data."""
    return [discord.OptionChoice(_begin_large(str(name)), value) for value, name in names.items()]


def text_option(
    name: str, *, description: str, autocomplete: Completion, is_required: bool = False
) -> Decorator:
    """Give a command an option that is typed or picked from a list; None if it is left out."""
    decorator: Decorator = discord.option(
        name,
        str,
        description=description,
        autocomplete=autocomplete,
        max_length=TYPED_CHARACTERS,
        **({} if is_required else {"default": None}),
    )
    return decorator


def server_option(*, description: str = "Only this game server", is_required: bool = False) -> Decorator:
    """Give a command the option of a game server of the guild."""
    return text_option(
        "server", description=description, autocomplete=complete_server, is_required=is_required
    )


def player_option(
    name: str = "player", *, description: str, is_required: bool = False, with_seen: bool = False
) -> Decorator:
    """Give a command the option of a player; ``with_seen`` also of one whom no death names."""
    complete = complete_seen_player if with_seen else complete_player
    return text_option(name, description=description, autocomplete=complete, is_required=is_required)


def period_option(*, with_season: bool = False) -> Decorator:
    """Give a command the option of the days it counts; ``with_season`` also those of the running season."""
    decorator: Decorator = discord.option(
        "period",
        str,
        description="Which days to count",
        choices=name_choices(SEASON_PERIOD_CHOICES if with_season else PERIOD_CHOICES),
        default=Period.ALL.value,
    )
    return decorator


def _begin_large(name: str) -> str:
    return name[:1].upper() + name[1:]


def read_question(
    ctx: KillfeedContext,
    *,
    player: str | None,
    member: discord.Member | None,
    server: str | None,
    period: str,
) -> StatisticsQuestion:
    """Return the question that the options of a command about players ask."""
    return StatisticsQuestion(
        guild_id=ctx.guild_id,
        asker_id=ctx.member_id,
        player=player,
        member_id=MemberId(member.id) if member else None,
        server=server,
        period=Period(period),
    )
