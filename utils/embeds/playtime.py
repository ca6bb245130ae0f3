"""Time on game servers: the answer of ``/playtime``."""

from collections.abc import Sequence
from datetime import timedelta

import discord

from utils.embeds.players import describe_coverage
from utils.embeds.style import Style
from utils.embeds.values import show_name
from utils.models.players import NamedPlayer
from utils.models.playtime import Playtime
from utils.models.statistics import Coverage
from utils.models.texts import Moment, Names, Number, Span, Text, Value, text


def build_playtime_embed(
    style: Style, players: Sequence[NamedPlayer], played: Playtime, coverage: Coverage
) -> discord.Embed:
    """Return how long players were on the servers; figures that they do not have are left out."""
    lines = [style.write(describe_coverage(coverage))]
    if len(players) > 1:
        others = Names(tuple(show_name(one.name) for one in players[1:]))
        lines.append(style.write(text("together with {players}", players=others)))
    if not played.sessions and not played.seconds:
        lines.append(style.write(text("No time on the servers was counted yet.")))
    embed = style.build(text("⏱️ {player}", player=show_name(players[0].name)), lines=lines)
    for name, value in _list_figures(played):
        style.add_field(embed, name, value, inline=True)
    if played.is_estimated:
        style.add_footer(embed, text("Some of this is estimated, because the log didn't tell all of it."))
    return embed


def _list_figures(played: Playtime) -> list[tuple[Text, Value]]:
    facts: list[tuple[Text, Value]] = []
    if played.seconds:
        facts.append((text("Played"), _show(played.seconds)))
    if played.sessions:
        facts.append((text("Sessions"), Number(played.sessions)))
    if played.longest:
        facts.append((text("Longest"), _show(played.longest)))
    if played.average:
        facts.append((text("Average"), _show(played.average)))
    if played.online_since is not None:
        facts.append((text("Online now"), text("joined {moment}", moment=Moment(played.online_since))))
    elif played.last_at is not None:
        facts.append((text("Last seen"), Moment(played.last_at)))
    if played.counted_since is not None:
        facts.append((text("Counted since"), Moment(played.counted_since, "D")))
    return facts


def _show(seconds: float) -> Span:
    return Span(timedelta(seconds=seconds))
