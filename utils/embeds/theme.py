"""The theme of all messages: colours and marks. Each kind of notice has its own look (``notices``)."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours and marks of embeds."""

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


NORTHERN = Theme(
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
