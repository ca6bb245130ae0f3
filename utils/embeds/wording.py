"""Words that several embeds share."""

from collections.abc import Mapping

from utils.models.deaths import DeathKind

KINDS: Mapping[DeathKind, str] = {
    DeathKind.KILL: "kills",
    DeathKind.VEHICLE: "vehicle kills",
    DeathKind.MENU: "menu suicides",
    DeathKind.FALL: "falls",
    DeathKind.SELF: "self-kills",
    DeathKind.UNKNOWN: "deaths without a killer",
}
"""What the classes of death are called where they are listed."""
