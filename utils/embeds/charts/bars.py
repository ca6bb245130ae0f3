"""The words and figures of each bar of a picture, apart from their drawing."""

from collections.abc import Sequence
from typing import NamedTuple

from utils.embeds.values import frame, join_facts, show_name, show_weapon
from utils.models.statistics import WeaponRow, WeaponTable
from utils.models.texts import Metres, Number, Share, Text, Value, join, text

NAME_CHARACTERS = 24  # in a picture


class Bar(NamedTuple):
    """A bar with its name and its figures in it, and facts below it.

    Attributes:
        length: in the unit of the other bars.
    """

    name: Value
    figures: Value
    length: int
    facts: tuple[Value, ...] = ()


def build_weapon_bar(row: WeaponRow, table: WeaponTable) -> Bar:
    """Return the bar of a weapon: kills and their share, the longest kill and the best user."""
    facts: list[Value] = []
    if row.longest:
        facts.append(text("longest {distance}", distance=Metres(row.longest)))
    if row.best_kills:
        best, kills = show_name(row.best_name, NAME_CHARACTERS), Number(row.best_kills)
        facts.append(text("best {player} ({kills})", player=best, kills=kills))
    figures = join_facts([Number(row.kills), Share(row.kills, table.kills)])
    return Bar(show_weapon(row.weapon, NAME_CHARACTERS), figures, row.kills, tuple(facts))


def describe_bars(title: Text, bars: Sequence[Bar]) -> Text:
    """Return everything that a picture of bars shows, in words."""
    shown = [
        join_facts([frame("{name} {figures}", name=bar.name, figures=bar.figures), *bar.facts])
        for bar in bars
    ]
    return join([title, *shown], "; ")
