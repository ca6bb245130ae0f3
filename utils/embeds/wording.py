"""Words that several embeds share."""

from collections.abc import Mapping

from utils.models.deaths import DeathKind
from utils.models.notices.highlights import HighlightKind
from utils.models.servers import FeedSwitch
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

HIGHLIGHTS: Mapping[HighlightKind, Text] = {
    HighlightKind.RECORD: text_in("highlights", "server records"),
    HighlightKind.MILESTONE: text_in("highlights", "milestones"),
    HighlightKind.BOUNTY: text_in("highlights", "claimed bounties"),
    HighlightKind.MULTIKILL: text_in("highlights", "multikills"),
    HighlightKind.STREAK_ENDED: text_in("highlights", "ended streaks"),
    HighlightKind.STREAK: text_in("highlights", "streaks"),
    HighlightKind.REVENGE: text_in("highlights", "revenge"),
    HighlightKind.FIRST_BLOOD: text_in("highlights", "first blood"),
}
"""The names of the kinds of highlights in lists."""

FEED_SWITCHES: Mapping[FeedSwitch, Text] = dict((*KINDS.items(), *HIGHLIGHTS.items()))
"""The names of all that a server's killfeed can show."""
