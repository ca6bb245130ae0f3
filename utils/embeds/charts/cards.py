"""The words and figures of the card of a level, apart from its drawing."""

from typing import NamedTuple

from utils.embeds.values import frame, join_facts, show_name
from utils.models.levels import RankReport, find_title
from utils.models.statistics import PlayerPlace
from utils.models.texts import Number, Text, Value, text

LEVEL = text("Level")


class RankCard(NamedTuple):
    """The card of ``/rank``.

    Attributes:
        label: stands above the number.
        share: how much of the bar is full, 0 to 1.
        facts: the line below the bar, at its left and at its right.
    """

    name: Value
    label: Value
    number: Value
    title: Value
    xp: Value
    share: float
    facts: tuple[Value, Value]


def build_rank_card(report: RankReport) -> RankCard:
    """Return the card of a level."""
    return RankCard(
        name=show_name(report.players[0].name),
        label=LEVEL,
        number=Number(report.level),
        title=find_title(report.level),
        xp=count_xp(report.xp),
        share=report.share,
        facts=(describe_missing(report), describe_place(report.place)),
    )


def describe_card(card: RankCard) -> Text:
    """Return everything that a card shows, in words."""
    level = frame("{label} {number}", label=card.label, number=card.number)
    return join_facts([card.name, level, card.title, card.xp, *card.facts])


def count_xp(xp: int) -> Text:
    """Return an amount of XP."""
    return text("{xp} XP", xp=Number(xp))


def describe_missing(report: RankReport) -> Text:
    """Return what lacks to the next level."""
    if report.missing is None:
        return text("the highest level")
    return text("{xp} XP to level {level}", xp=Number(report.missing), level=Number(report.level + 1))


def describe_place(place: PlayerPlace) -> Text:
    """Return a place among all players."""
    if place.rank is None:
        return text("no place yet")
    return text("#{rank} of {ranked}", rank=Number(place.rank), ranked=Number(place.ranked))
