"""What many embeds show, as values: names, weapons, amounts of money, facts behind each other."""

from collections.abc import Mapping, Sequence

from utils.embeds.theme import Theme
from utils.models.texts import Number, Text, Value, join, plural, text, text_in
from utils.models.visible_text import NAME_LENGTH, clean_text

SEPARATOR = " · "
NONE_YET = text("none yet")

WEAPONS: Mapping[str, Text] = {
    "land_vehicle": text_in("what killed", "Vehicle"),
    "boat": text_in("what killed", "Boat"),
}
"""The log's causes that are no words of a person."""


def show_name(name: str, limit: int = NAME_LENGTH) -> str:
    """Return a foreign name short enough for a line of a phone; it is escaped where it is written."""
    return clean_text(name, limit)


def show_weapon(weapon: str, limit: int = NAME_LENGTH) -> Value:
    """Return a weapon as people call it."""
    return WEAPONS.get(weapon) or show_name(weapon, limit) or text_in("a weapon", "unknown")


def show_money(theme: Theme, amount: int) -> Text:
    """Return an amount of money: ``1,234 💎``."""
    return frame(f"{{number}} {theme.money}", number=Number(amount))


def join_facts(facts: Sequence[Value]) -> Text:
    """Return facts in a line; each can stand alone."""
    return join(facts, SEPARATOR)


def frame(shape: str, /, **values: Value) -> Text:
    """Return values among signs; the shape has no words, so nobody translates it, and nothing foreign."""
    return Text(shape, tuple(values.items()))


def count_kills(kills: float) -> Text:
    """Return how many kills: ``1,234 kills``."""
    return plural("{count} kill", "{count} kills", kills)


def count_deaths(deaths: float) -> Text:
    """Return how many deaths: ``1,234 deaths``."""
    return plural("{count} death", "{count} deaths", deaths)
