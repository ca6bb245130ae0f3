"""Notices of the killfeed."""

from dataclasses import dataclass

from utils.models.deaths import DeathKind
from utils.models.notices.highlights import Highlight
from utils.models.notices.notice import Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class DeathNotice(Notice):
    """The facts of one death; ``event_id`` is the death's fingerprint.

    Attributes:
        killer_name: empty without a killer.
        killer_kills: the killer's counters on that server after this kill (for K/D), None for other classes.
        killer_streak: the killer's streak after this kill.
        killer_tag: the tag of the killer's faction; empty without one. So is ``victim_tag``.
        highlights: what makes it special, at most ``MOST_HIGHLIGHTS``, the rarest first; none in history.
    """

    kind: DeathKind
    killer_name: str
    victim_name: str
    weapon: str
    distance: int
    killer_kills: int | None = None
    killer_deaths: int | None = None
    killer_streak: int | None = None
    highlights: tuple[Highlight, ...] = ()
    killer_tag: str = ""
    victim_tag: str = ""

    @property
    def variant(self) -> DeathKind:
        """The class of the death."""
        return self.kind
