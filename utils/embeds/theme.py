"""The look of all messages as data: colours, marks, footers and, for each class of death, its own look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from utils.embeds import bounty_wording
from utils.embeds.wording import LINES, TITLES
from utils.models.deaths import DeathKind
from utils.models.notices import BountyEvent


@dataclass(frozen=True, slots=True)
class Look:
    """How posts of one class look.

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

    deaths: Mapping[DeathKind, Look]
    bounties: Mapping[BountyEvent, Look]
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
    money: str

    @property
    def looks(self) -> tuple[Look, ...]:
        """Every look with a picture."""
        return (*self.deaths.values(), *self.bounties.values())


def _look(kind: DeathKind, colour: int, mark: str) -> Look:
    return Look(colour, mark, f"{kind.value}.png", TITLES[kind], LINES[kind])


def _bounty_look(event: BountyEvent, colour: int, mark: str) -> Look:
    titles, lines = bounty_wording.TITLES[event], bounty_wording.LINES[event]
    return Look(colour, mark, f"bounty_{event.value}.png", titles, lines)


NORTHERN = Theme(
    deaths={
        DeathKind.KILL: _look(DeathKind.KILL, 0xA8322A, "🎯"),
        DeathKind.VEHICLE: _look(DeathKind.VEHICLE, 0xC77B2B, "🚙"),
        DeathKind.MENU: _look(DeathKind.MENU, 0x5B6B7A, "💤"),
        DeathKind.FALL: _look(DeathKind.FALL, 0x3E6C8F, "🪨"),
        DeathKind.SELF: _look(DeathKind.SELF, 0x8A6D1F, "💥"),
        DeathKind.UNKNOWN: _look(DeathKind.UNKNOWN, 0x3F5B45, "🐺"),
    },
    bounties={
        BountyEvent.PLACED: _bounty_look(BountyEvent.PLACED, 0xB08A3E, "📜"),
        BountyEvent.AUTO: _bounty_look(BountyEvent.AUTO, 0x7B3F8C, "👑"),
        BountyEvent.CLAIMED: _bounty_look(BountyEvent.CLAIMED, 0x2E8B57, "💰"),
        BountyEvent.EXPIRED: _bounty_look(BountyEvent.EXPIRED, 0x6E6A63, "🕯️"),
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
    money="💎",
)
"""The bot's own theme: rust, pine and cold stone."""
