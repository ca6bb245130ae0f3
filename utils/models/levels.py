"""Levels: how much XP each one takes, and their titles.

A kill gives XP (``counters.xp``); levels follow from the XP alone.
"""

from math import isqrt

from utils.models.texts import Text, text_in

XP_STEP = 25
"""Level n takes ``XP_STEP * n * (n + 1)`` XP: each level takes a little more than the one before."""

LAST_LEVEL = 100

TITLES: dict[int, Text] = {
    0: text_in("a level", "Newcomer"),
    5: text_in("a level", "Drifter"),
    10: text_in("a level", "Hunter"),
    20: text_in("a level", "Stalker"),
    30: text_in("a level", "Raider"),
    40: text_in("a level", "Sharpshooter"),
    50: text_in("a level", "Veteran"),
    70: text_in("a level", "Warden"),
    LAST_LEVEL: text_in("a level", "Legend"),
}
"""The titles, by the level from which on they are held."""


def compute_needed_xp(level: int) -> int:
    """Return the XP from which on a level is held."""
    return XP_STEP * level * (level + 1)


def compute_level(xp: int) -> int:
    """Return the level that this much XP gives, ``LAST_LEVEL`` at most."""
    return min((isqrt(1 + 4 * (xp // XP_STEP)) - 1) // 2, LAST_LEVEL)


def find_title(level: int) -> Text:
    """Return the title of a level."""
    return next(title for lowest, title in reversed(TITLES.items()) if level >= lowest)
