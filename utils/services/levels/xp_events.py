"""Times of more XP: an admin begins one, and ends it early.

Theory of operation
-------------------
Counters must follow from the stored kills and the stored times alone, so that a recount gives the same. A
time begins when it is stored, and it is cut when that is stored, never earlier. But the clock of a game
server may be ahead, so kills with a later moment may be stored already; and a batch may be on its way that
was read before. So one transaction changes the times and, for each game server, counts the killers of such
kills again. It also draws a number of each server: a batch or an import that read the old times cannot be
stored after it and runs again.
"""

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol, TypeVar

from utils.clock import Clock
from utils.errors import LimitReachedError, NotFoundError, StorageError
from utils.events import EventDispatcher
from utils.models.audit import AuditAction, AuditEntry, AuditFacts, FieldChange
from utils.models.notices.levels import XpEventNotice
from utils.models.notices.notice import compute_event_id
from utils.models.scope import GuildId, MemberId, PlayerId
from utils.models.texts import Command, Number, text
from utils.models.xp import MOST_XP_EVENTS, XpEvent, XpEvents
from utils.services.guilds.audit import log_entry
from utils.services.guilds.news import build_news_queued, has_open_news
from utils.services.ingestion.counting import count_one_player
from utils.services.ingestion.stores import RecountUnit
from utils.services.ports import ChannelFinder
from utils.services.premium.tiers import PremiumService

T = TypeVar("T")


class XpServerUnit(RecountUnit, Protocol):  # implemented by ErasureTransaction
    """One open transaction over the counters of a game server."""

    def outdate_counts(self) -> None:
        """Let batches and imports that read earlier data run again."""

    def list_killers(self, *, since: datetime) -> Sequence[PlayerId]:
        """Return the players with stored kills from a moment on (UTC)."""


class XpEventUnit(Protocol):  # implemented by XpEventTransaction
    """One open transaction over the times of more XP of a guild."""

    def list_xp_events(self) -> XpEvents:
        """Return the times of more XP, in the order in which they began."""

    def put_xp_events(self, events: XpEvents, *, entry: AuditEntry) -> None:
        """Store all times of more XP, and the entry of the audit."""

    def list_servers(self) -> Sequence[XpServerUnit]:
        """Return the parts of all game servers."""

    def append_notice(self, notice: XpEventNotice) -> None:
        """Append a notice to the outbox of the guild."""


class XpEventStore(Protocol):  # implemented by XpEventRepository
    """Storage of the times of more XP."""

    async def list_xp_events(self, guild_id: GuildId) -> XpEvents:
        """Return the times in which kills of a guild give more XP, in the order in which they began."""

    async def change_in_transaction(self, guild_id: GuildId, work: Callable[[XpEventUnit], T]) -> T:
        """Run ``work`` in one fenced transaction, in a thread; it may run again after a transient error."""


@dataclass(frozen=True, slots=True)
class XpEventChange:
    """A change of the times of more XP; ``new`` begins at ``at``, or None ends those that hold then."""

    at: datetime
    actor_id: MemberId
    new: XpEvent | None = None
    notice: XpEventNotice | None = None


@dataclass(eq=False, repr=False)
class XpEventService:
    """The times in which kills give more XP."""

    store: XpEventStore
    _: KW_ONLY
    channels: ChannelFinder
    premium: PremiumService
    events: EventDispatcher
    clock: Clock

    async def list_events(self, guild_id: GuildId) -> XpEvents:
        """Return the times of more XP, the newest first."""
        return tuple(reversed(await self.store.list_xp_events(guild_id)))

    async def begin(self, guild_id: GuildId, actor_id: MemberId, *, factor: int, hours: int) -> XpEvents:
        """Begin a time of more XP now, and return all of them, the newest first.

        Raises:
            LimitReachedError: the guild had as many as are kept.
        """
        at = self._now()
        event = XpEvent(at, at + timedelta(hours=hours), factor)
        is_posted = await has_open_news(self.channels, self.premium, guild_id)
        notice = build_xp_event_notice(guild_id, event) if is_posted else None
        return await self._change(guild_id, XpEventChange(at, actor_id, event, notice))

    async def stop(self, guild_id: GuildId, actor_id: MemberId) -> XpEvents:
        """End every time of more XP that holds now, and return all of them, the newest first.

        Raises:
            NotFoundError: none holds now.
        """
        return await self._change(guild_id, XpEventChange(self._now(), actor_id))

    async def _change(self, guild_id: GuildId, change: XpEventChange) -> XpEvents:
        queued = build_news_queued(guild_id)
        try:
            events, entry = await self.store.change_in_transaction(
                guild_id, partial(change_xp_events, change=change)
            )
        except StorageError:  # the notice may be stored nevertheless, without its event
            self.events.dispatch(queued)
            raise
        log_entry(guild_id, entry)
        if change.notice is not None:
            self.events.dispatch(queued)
        return tuple(reversed(events))

    def _now(self) -> datetime:
        now = self.clock.now()
        return now.replace(microsecond=now.microsecond // 1000 * 1000)  # MongoDB stores milliseconds


def change_xp_events(unit: XpEventUnit, *, change: XpEventChange) -> tuple[XpEvents, AuditEntry]:
    """Store a change, and count the players it concerns again; return all times and the audit entry.

    Raises:
        LimitReachedError: the guild had as many as are kept.
        NotFoundError: none can be ended.
    """
    before = unit.list_xp_events()
    events = apply_change(before, change)
    entry = build_entry(before, change)
    unit.put_xp_events(events, entry=entry)
    for server in unit.list_servers():
        generation = server.hold_counts()
        server.outdate_counts()
        killers = server.list_killers(since=change.at) if generation is not None else ()
        for killer_id in killers:
            recount = count_one_player(killer_id, server.list_deaths_of(killer_id), xp_events=events)
            server.replace_figures(recount.record, recount.days, generation=generation or 0)
            server.silence_levels(killer_id)
    if change.notice is not None:
        unit.append_notice(change.notice)
    return events, entry


def apply_change(events: XpEvents, change: XpEventChange) -> XpEvents:
    """Return the times of more XP after a change.

    Raises:
        LimitReachedError, NotFoundError: as above.
    """
    if change.new is None:
        if not any(event.holds_at(change.at) for event in events):
            raise NotFoundError(
                text("Kills give no extra XP right now."),
                hint=text("{xp} with `factor` starts it.", xp=Command("admin xp")),
            )
        return tuple(replace(one, ends_at=change.at) if one.holds_at(change.at) else one for one in events)
    if len(events) >= MOST_XP_EVENTS:
        raise LimitReachedError(
            text(
                "You've had {limit} times of extra XP, and I need all of them to count XP right. There's no "
                "room for another one.",
                limit=Number(MOST_XP_EVENTS),
            )
        )
    return (*events, change.new)


def build_entry(before: XpEvents, change: XpEventChange) -> AuditEntry:
    """Return the entry of the audit about a change."""
    held = [event for event in before if event.holds_at(change.at)]
    old = max(held, key=lambda event: event.factor, default=None)
    new = change.new
    facts = AuditFacts(
        changes=(
            FieldChange("xp_factor", old.factor if old else None, new.factor if new else None),
            FieldChange("xp_ends_at", old.ends_at if old else None, new.ends_at if new else change.at),
        )
    )
    return AuditEntry(change.at, change.actor_id, AuditAction.XP, facts)


def build_xp_event_notice(guild_id: GuildId, event: XpEvent) -> XpEventNotice:
    """Return the notice of a time of more XP that begins."""
    matter = f"{guild_id};xp;{event.starts_at.isoformat()};{event.factor}"
    return XpEventNotice(
        event_id=compute_event_id(matter),
        server_name="",
        at=event.starts_at,
        factor=event.factor,
        ends_at=event.ends_at,
    )
