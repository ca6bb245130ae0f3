"""Words that several embeds share."""

from collections.abc import Mapping

from utils.models.deaths import DeathKind
from utils.models.texts import Text, text_in

KINDS: Mapping[DeathKind, Text] = {
    DeathKind.KILL: text_in("deaths", "kills"),
    DeathKind.VEHICLE: text_in("deaths", "vehicle kills"),
    DeathKind.MENU: text_in("deaths", "respawns"),
    DeathKind.FALL: text_in("deaths", "falls"),
    DeathKind.SELF: text_in("deaths", "self-kills"),
    DeathKind.UNKNOWN: text_in("deaths", "deaths without a killer"),
}
"""The names of the classes of death in lists."""
