"""The bot's words for deaths: titles and lines of the killfeed, by class.

Lines take ``{killer}`` and ``{victim}``; both are escaped and bold when they arrive here. Add lines freely,
but know that the choice depends on the length of a pool: a message that waits for its retry while the bot is
updated may then be shown with another line.
"""

import hashlib
from collections.abc import Mapping, Sequence

from utils.models.deaths import DeathKind

TITLES: Mapping[DeathKind, Sequence[str]] = {
    DeathKind.KILL: (
        "Clean shot",
        "Blood on the pines",
        "No witnesses",
        "One less in the woods",
        "The forest keeps score",
        "Cold harvest",
        "Debt collected",
        "Target down",
        "Wolves eat tonight",
        "Silence in the valley",
        "Last breath",
        "Law of the north",
    ),
    DeathKind.VEHICLE: (
        "Roadkill",
        "Right of way",
        "Under the wheels",
        "Full throttle",
        "No brakes",
        "Hit and gone",
        "The road takes its toll",
        "Wrong lane",
        "Fender blood",
        "Diesel justice",
    ),
    DeathKind.MENU: (
        "Took the easy way out",
        "Gone without a shot",
        "Walked into the fog",
        "Checked out",
        "Somewhere else, please",
        "No goodbye",
        "Woke up elsewhere",
        "Gave up the ghost",
        "Left the cold behind",
        "The long sleep",
    ),
    DeathKind.FALL: (
        "Gravity wins",
        "Mind the edge",
        "A long way down",
        "Terminal velocity",
        "The ground came fast",
        "Missed step",
        "No rope",
        "Flight without wings",
        "Broken on the rocks",
        "Straight down",
    ),
    DeathKind.SELF: (
        "Own worst enemy",
        "Backfired",
        "Wrong end",
        "Handled with no care",
        "Short fuse",
        "Friendly to no one",
        "Too close",
        "A lesson learned once",
        "Blown cover",
        "No one else to blame",
    ),
    DeathKind.UNKNOWN: (
        "Lost to the wild",
        "The zone takes one back",
        "No name on the bullet",
        "Swallowed by the north",
        "Gone cold",
        "Found by the patrol",
        "The woods do not explain",
        "Another set of dog tags",
        "Tracks end here",
        "Nobody saw it",
    ),
}

LINES: Mapping[DeathKind, Sequence[str]] = {
    DeathKind.KILL: (
        "{killer} put {victim} in the frozen ground.",
        "{killer} left {victim} for the wolves.",
        "{killer} ended {victim} between two heartbeats.",
        "{victim} never saw {killer} among the pines.",
        "{killer} took everything {victim} had left.",
        "{victim} walked into the sights of {killer}.",
        "{killer} made {victim} part of the landscape.",
        "{killer} crossed {victim} off the list.",
        "The last thing {victim} heard was {killer}.",
        "{killer} sent {victim} back to the coast.",
        "{victim} lost the argument with {killer}.",
        "{killer} collected the tags of {victim}.",
        "{killer} was patient. {victim} was not.",
        "{killer} turned {victim} into loot.",
    ),
    DeathKind.VEHICLE: (
        "{killer} did not brake for {victim}.",
        "{killer} flattened {victim} on the open road.",
        "{victim} met the bumper of {killer}.",
        "{killer} took the road, and {victim} with it.",
        "{victim} looked left. {killer} came from the right.",
        "{killer} added {victim} to the paintwork.",
        "{victim} tried to stop {killer} by hand.",
        "{killer} kept going. {victim} did not.",
        "{killer} ran {victim} down without spilling fuel.",
        "{victim} was a bump in the road for {killer}.",
    ),
    DeathKind.MENU: (
        "{victim} chose to wake up somewhere else.",
        "{victim} lay down in the snow and let go.",
        "{victim} had seen enough of this place.",
        "{victim} traded this life for the next one.",
        "{victim} gave up the walk and took the shortcut.",
        "{victim} left the world before it could take more.",
        "{victim} decided that the coast looks better.",
        "{victim} ended it. The loot stays behind.",
        "{victim} closed both eyes and was gone.",
        "{victim} did what no bullet had managed.",
        "{victim} asked the north for another chance.",
    ),
    DeathKind.FALL: (
        "{victim} trusted the ledge.",
        "{victim} found the fastest way down.",
        "{victim} stepped off the map of the living.",
        "{victim} learned how high it really was.",
        "{victim} jumped. The ground did not move.",
        "{victim} fell for the view.",
        "{victim} forgot the last rung of the ladder.",
        "{victim} tested the rocks, and the rocks held.",
        "{victim} came down harder than the rain.",
        "{victim} had no parachute and no plan.",
        "{victim} took the stairs that were not there.",
    ),
    DeathKind.SELF: (
        "{victim} was killed by the only one who was near: {victim}.",
        "{victim} held on to it a moment too long.",
        "{victim} forgot which way was front.",
        "{victim} set the trap and sprang it.",
        "{victim} did the enemy a favour.",
        "{victim} read no manual.",
        "{victim} threw it well, but not far.",
        "{victim} made a crater and moved in.",
        "{victim} won against nobody and still lost.",
        "{victim} became a warning to others.",
        "{victim} saved everyone else the ammunition.",
    ),
    DeathKind.UNKNOWN: (
        "{victim} was claimed by the wild.",
        "{victim} ran out of luck in the north.",
        "{victim} met something that does not miss.",
        "{victim} did not make it to the next fire.",
        "{victim} went into the trees and never came out.",
        "{victim} was found by those who guard the ruins.",
        "{victim} bled out where no one looks.",
        "{victim} became one more pair of empty boots.",
        "{victim} heard the shot too late to ask whose.",
        "{victim} is missed by no one but the crows.",
        "{victim} went quiet on all channels.",
    ),
}

CAUSES: Mapping[DeathKind, str] = {
    DeathKind.MENU: "Menu suicide",
    DeathKind.FALL: "Fall",
    DeathKind.SELF: "Self-kill",
    DeathKind.UNKNOWN: "No known killer",
}
"""What the middle line says where no player killed."""

KINDS: Mapping[DeathKind, str] = {
    DeathKind.KILL: "kills",
    DeathKind.VEHICLE: "vehicle kills",
    DeathKind.MENU: "menu suicides",
    DeathKind.FALL: "falls",
    DeathKind.SELF: "self-kills",
    DeathKind.UNKNOWN: "deaths without a killer",
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
