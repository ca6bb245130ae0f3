"""The registry of notices: one row for each kind.

``utils/embeds/notices`` holds the look of each kind under the same name.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from utils.models.deaths import DeathKind
from utils.models.guilds import ChannelKind
from utils.models.notices.bounties import BountyEvent, BountyNotice
from utils.models.notices.deaths import DeathNotice
from utils.models.notices.highlights import HighlightKind
from utils.models.notices.levels import LevelEvent, LevelNotice, XpEventNews, XpEventNotice
from utils.models.notices.notice import Notice
from utils.models.notices.recaps import RecapNotice
from utils.models.notices.restarts import RestartEvent, RestartNotice
from utils.models.notices.seasons import SeasonEvent, SeasonNotice
from utils.models.notices.visits import VisitEvent, VisitNotice
from utils.models.notices.world import WorldEventNotice
from utils.models.recaps import RecapKind
from utils.models.world_events import WorldEventKind


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalFacts:
    """The facts of a kind of notice that name people; an erasure goes through them.

    Attributes:
        members: ids of members.
        players: ids of players.
        names: names of players.
        listed_names: names of players within the entries of a list, as ``list.name``.
        beside: facts that are emptied together with a name, by the name's fact.
    """

    members: tuple[str, ...] = ()
    players: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    listed_names: tuple[str, ...] = ()
    beside: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeKind:
    """One kind of notice.

    Attributes:
        name: its stored name; it never changes.
        model: the class of its facts.
        variants: the events; each has its own look.
        channel_kind: the kind of channel in which it is posted.
        personal: the facts that name people; an erasure removes them from notices in the outbox.
        silenceable: the events and highlights that admins can switch off; no other kind has the same names
            (``GameServer.silenced``).
    """

    name: str
    model: type[Notice]
    variants: type[StrEnum]
    channel_kind: ChannelKind
    personal: PersonalFacts
    silenceable: tuple[StrEnum, ...] = ()


class NoticeKinds:
    """Kinds of notices, found by name or by a notice."""

    def __init__(self, kinds: Iterable[NoticeKind]) -> None:
        self._by_name = {kind.name: kind for kind in kinds}
        self._by_model = {kind.model: kind for kind in self._by_name.values()}

    def __iter__(self) -> Iterator[NoticeKind]:
        """Go through all kinds in the order of the table."""
        return iter(self._by_name.values())

    def get(self, name: str) -> NoticeKind:
        """Return the kind of a stored name.

        Raises:
            KeyError: there is no such kind.
        """
        return self._by_name[name]

    def get_for(self, notice: Notice) -> NoticeKind:
        """Return the kind of a notice."""
        return self._by_model[type(notice)]

    def list_channel_kinds(self, notices: Iterable[Notice]) -> frozenset[ChannelKind]:
        """Return the kinds of channels in which notices are posted."""
        return frozenset(self.get_for(notice).channel_kind for notice in notices)


NOTICE_KINDS = NoticeKinds(
    (
        NoticeKind(
            name="death",
            model=DeathNotice,
            variants=DeathKind,
            channel_kind=ChannelKind.KILLFEED,
            personal=PersonalFacts(
                names=("killer_name", "victim_name"),
                beside={"killer_name": "killer_tag", "victim_name": "victim_tag"},
            ),
            silenceable=(*DeathKind, *HighlightKind),
        ),
        NoticeKind(
            name="bounty",
            model=BountyNotice,
            variants=BountyEvent,
            channel_kind=ChannelKind.BOUNTIES,
            personal=PersonalFacts(
                members=("placer_id", "claimer_id"), names=("target_name", "claimer_name")
            ),
        ),
        NoticeKind(
            name="visit",
            model=VisitNotice,
            variants=VisitEvent,
            channel_kind=ChannelKind.CONNECTIONS,
            personal=PersonalFacts(listed_names=("players.name",)),
        ),
        NoticeKind(
            name="season",
            model=SeasonNotice,
            variants=SeasonEvent,
            channel_kind=ChannelKind.NEWS,
            personal=PersonalFacts(listed_names=("places.name",)),
        ),
        NoticeKind(
            name="recap",
            model=RecapNotice,
            variants=RecapKind,
            channel_kind=ChannelKind.NEWS,
            personal=PersonalFacts(listed_names=("places.name", "rivals.name", "servers.first_name")),
        ),
        NoticeKind(
            name="world",
            model=WorldEventNotice,
            variants=WorldEventKind,
            channel_kind=ChannelKind.EVENTS,
            personal=PersonalFacts(),
        ),
        NoticeKind(
            name="restart",
            model=RestartNotice,
            variants=RestartEvent,
            channel_kind=ChannelKind.EVENTS,
            personal=PersonalFacts(),
        ),
        NoticeKind(
            name="level",
            model=LevelNotice,
            variants=LevelEvent,
            channel_kind=ChannelKind.NEWS,
            personal=PersonalFacts(members=("member_id",), names=("player_name",)),
        ),
        NoticeKind(
            name="xp_event",
            model=XpEventNotice,
            variants=XpEventNews,
            channel_kind=ChannelKind.NEWS,
            personal=PersonalFacts(),
        ),
    )
)
"""Every kind of notice there is."""
