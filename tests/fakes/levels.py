"""Levels and times of more XP in memory, and the news channel."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from tests.fakes.storage import FakeAuditStore
from utils.errors import StorageUnavailableError
from utils.models.audit import AuditEntry
from utils.models.guilds import ChannelKind
from utils.models.levels import KnownLevel, LevelChange, MemberXp
from utils.models.notices.levels import LevelNotice, XpEventNotice
from utils.models.post_styles import NEW_STYLE, ChannelStyle
from utils.models.scope import ALL_SERVERS, ChannelId, GuildId, MemberId, ServerScope
from utils.models.xp import XpEvents
from utils.services.levels.xp_events import XpServerUnit

T = TypeVar("T")


@dataclass
class FakeLevelStore:
    """Levels in memory.

    Attributes:
        is_away: the answers of the database get lost.
        is_overtaken: another look is faster.
    """

    members: list[MemberXp] = field(default_factory=list)
    known: dict[MemberId, KnownLevel] = field(default_factory=dict)
    notices: list[LevelNotice] = field(default_factory=list)
    is_away: bool = False
    is_overtaken: bool = False

    async def list_levels(self, guild_id: GuildId) -> Mapping[MemberId, KnownLevel]:
        """Return the known levels."""
        del guild_id
        return dict(self.known)

    async def list_xp(self, guild_id: GuildId) -> Sequence[MemberXp]:
        """Return the members."""
        del guild_id
        return self.members

    async def put_silently(self, guild_id: GuildId, changes: Sequence[LevelChange], *, at: datetime) -> None:
        """Store levels."""
        del guild_id, at
        self.known.update((change.member_id, change.after) for change in changes)

    async def put_told(self, guild_id: GuildId, change: LevelChange, notice: LevelNotice) -> bool:
        """Store a level and its notice, unless another look was faster; the answer may be lost."""
        del guild_id
        if self.is_overtaken:
            return False
        self.known[change.member_id] = change.after
        self.notices.append(notice)
        if self.is_away:
            raise StorageUnavailableError("away")
        return True

    async def delete_levels(self, guild_id: GuildId, member_ids: Collection[MemberId]) -> None:
        """Forget levels."""
        del guild_id
        for member_id in member_ids:
            del self.known[member_id]


class FakeNewsChannel:
    """The news channel of the guild."""

    def __init__(self) -> None:
        self.channel_id: ChannelId | None = ChannelId(5)

    async def find_channel(self, scope: ServerScope, kind: ChannelKind) -> ChannelId | None:
        """Return the channel."""
        assert (scope.server_id, kind) == (ALL_SERVERS, ChannelKind.NEWS)
        return self.channel_id

    async def find_style(self, guild_id: GuildId, channel_id: ChannelId) -> ChannelStyle:
        """Return the style that a channel has at first."""
        del guild_id, channel_id
        return NEW_STYLE


@dataclass
class FakeXpEventStore:
    """Times of more XP of one guild without game servers, which is its own transaction."""

    events: XpEvents = ()
    notices: list[XpEventNotice] = field(default_factory=list)
    audit: FakeAuditStore = field(default_factory=FakeAuditStore)
    entries: list[AuditEntry] = field(default_factory=list)

    async def list_xp_events(self, guild_id: GuildId) -> XpEvents:
        """Return the times of more XP."""
        del guild_id
        return self.events

    async def change_in_transaction(self, guild_id: GuildId, work: Callable[["FakeXpEventUnit"], T]) -> T:
        """Run the work, and add its entries to the audit."""
        done = work(FakeXpEventUnit(self))
        while self.entries:
            await self.audit.insert_entry(guild_id, self.entries.pop(0))
        return done


@dataclass
class FakeXpEventUnit:
    """The transaction of such a store."""

    store: FakeXpEventStore

    def list_xp_events(self) -> XpEvents:
        """Return the times of more XP."""
        return self.store.events

    def put_xp_events(self, events: XpEvents, *, entry: AuditEntry) -> None:
        """Store all times of more XP."""
        self.store.events = events
        self.store.entries.append(entry)

    def list_servers(self) -> Sequence[XpServerUnit]:
        """Return no game server."""
        return ()

    def append_notice(self, notice: XpEventNotice) -> None:
        """Keep a notice."""
        self.store.notices.append(notice)
