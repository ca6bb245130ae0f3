"""Values that many embeds show: names, weapons, amounts of money, lists of facts."""

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
"""The causes in the log that are not words for people."""


def show_name(name: str, limit: int = NAME_LENGTH) -> str:
    """Return a foreign name short enough for a line of a phone; it is escaped where it is written."""
    return clean_text(name, limit)


def show_weapon(weapon: str, limit: int = NAME_LENGTH) -> Value:
    """Return the name of a weapon for people."""
    return WEAPONS.get(weapon) or show_name(weapon, limit) or text_in("a weapon", "unknown")


def show_money(theme: Theme, amount: int) -> Text:
    """Return an amount of money: ``1,234 💎``."""
    return frame(f"{{number}} {theme.money}", number=Number(amount))


def join_facts(facts: Sequence[Value]) -> Text:
    """Return facts in one line; each is complete by itself."""
    return join(facts, SEPARATOR)


def frame(shape: str, /, **values: Value) -> Text:
    """Return values among signs; the shape has no words to translate, and no foreign text."""
    return Text(shape, tuple(values.items()))


def count_kills(kills: float) -> Text:
    """Return a number of kills: ``1,234 kills``."""
    return plural("{count} kill", "{count} kills", kills)


def count_deaths(deaths: float) -> Text:
    """Return a number of deaths: ``1,234 deaths``."""
    return plural("{count} death", "{count} deaths", deaths)
