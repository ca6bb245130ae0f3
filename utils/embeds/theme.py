"""The look of all messages as data: colours, marks, footers and, for each class of death, its own look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from utils.embeds.wording import LINES, TITLES
from utils.models.deaths import DeathKind


@dataclass(frozen=True, slots=True)
class DeathLook:
    """How one class of death looks.

    Attributes:
        colour: 0xRRGGBB; also the ground of its picture.
        mark: the emoji before the title.
        picture: name of the file that is attached once to a message and shown by all embeds of the class.
    """

    colour: int
    mark: str
    picture: str
    titles: Sequence[str]
    lines: Sequence[str]


@dataclass(frozen=True, slots=True)
class Theme:
    """Everything that can be told from looking at an embed."""

    deaths: Mapping[DeathKind, DeathLook]
    neutral: int
    success: int
    warning: int
    error: int
    ranking: int
    medals: Sequence[str]
    good: str
    bad: str
    waiting: str
    paused: str
    bar_full: str
    bar_empty: str


def _look(kind: DeathKind, colour: int, mark: str) -> DeathLook:
    return DeathLook(colour, mark, f"{kind.value}.png", TITLES[kind], LINES[kind])


NORTHERN = Theme(
    deaths={
        DeathKind.KILL: _look(DeathKind.KILL, 0xA8322A, "🎯"),
        DeathKind.VEHICLE: _look(DeathKind.VEHICLE, 0xC77B2B, "🚙"),
        DeathKind.MENU: _look(DeathKind.MENU, 0x5B6B7A, "💤"),
        DeathKind.FALL: _look(DeathKind.FALL, 0x3E6C8F, "🪨"),
        DeathKind.SELF: _look(DeathKind.SELF, 0x8A6D1F, "💥"),
        DeathKind.UNKNOWN: _look(DeathKind.UNKNOWN, 0x3F5B45, "🐺"),
    },
    neutral=0x4A5A4F,
    success=0x4F8A4C,
    warning=0xC79A2B,
    error=0xA8322A,
    ranking=0xC9A227,
    medals=("🥇", "🥈", "🥉"),
    good="✅",
    bad="❌",
    waiting="⏳",
    paused="⏸️",
    bar_full="▰",
    bar_empty="▱",
)
"""The bot's own theme: rust, pine and cold stone."""
