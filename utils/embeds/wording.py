"""Words that several embeds share, and the choice of a text from a pool."""

import hashlib
from collections.abc import Mapping, Sequence

from utils.models.deaths import DeathKind
from utils.models.texts import Text, text_in

KINDS: Mapping[DeathKind, Text] = {
    DeathKind.KILL: text_in("deaths", "kills"),
    DeathKind.VEHICLE: text_in("deaths", "vehicle kills"),
    DeathKind.MENU: text_in("deaths", "menu suicides"),
    DeathKind.FALL: text_in("deaths", "falls"),
    DeathKind.SELF: text_in("deaths", "self-kills"),
    DeathKind.UNKNOWN: text_in("deaths", "deaths without a killer"),
}
"""What the classes of death are called where they are listed."""

WEAPONS: Mapping[str, str] = {"land_vehicle": "Vehicle", "boat": "Boat"}
"""The log's causes that are no words of a person."""


def choose_text(pool: Sequence[str], event_id: bytes, *, part: str) -> str:
    """Return the text of a pool that belongs to an event: always the same one for the same event.

    ``part`` makes the choices of one event (title, line) independent of each other. The event's id is hashed
    because its first bytes may be a time.
    """
    digest = hashlib.sha256(part.encode() + b"\0" + event_id).digest()
    return pool[int.from_bytes(digest[:8]) % len(pool)]
