"""Telling of levels: a look compares the levels of members with those that were known.

Theory of operation
-------------------
A member's level follows from the XP of their linked players. The level last known is stored; one transaction
changes it, if it is still the known one, and stores the notice. So a level is told once, also after a crash
or a race. With it is stored what it was counted from (``basis``): the linked players and the counters that
each game server shows. A rise is told only if that is the same as before, because an import, a recount and a
new link give XP that nobody has just earned. An erasure and a change of factors take the basis away. So
nothing in memory decides what is told.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import datetime
from typing import Protocol

from structlog import get_logger

from utils.errors import StorageError, TierRequiredError
from utils.events import EventDispatcher
from utils.models.levels import KnownLevel, LevelChange, MemberXp, choose_told, compute_level
from utils.models.notices.levels import LevelNotice
from utils.models.notices.notice import compute_event_id
from utils.models.premium import Feature
from utils.models.scope import ALL_SERVERS, GuildId, MemberId, ServerScope
from utils.services.guilds.news import build_news_queued, has_open_news
from utils.services.ports import ChannelFinder
from utils.services.premium.tiers import PremiumService

logger = get_logger(__name__)


class LevelStore(Protocol):  # implemented by LevelRepository
    """Storage of the levels last known; every write is fenced."""

    async def list_levels(self, guild_id: GuildId) -> Mapping[MemberId, KnownLevel]:
        """Return the level last known of each member who has one."""

    async def list_xp(self, guild_id: GuildId) -> Sequence[MemberXp]:
        """Return the XP of each member with proven links, over all game servers of the guild."""

    async def put_silently(self, guild_id: GuildId, changes: Sequence[LevelChange], *, at: datetime) -> None:
        """Store levels without notices, each if it is still the one that was read.

        Raises:
            StorageError: some of them may be stored.
        """

    async def put_told(self, guild_id: GuildId, change: LevelChange, notice: LevelNotice) -> bool:
        """Store a level and its notice, if it is still the one that was read; tell whether it was."""

    async def delete_levels(self, guild_id: GuildId, member_ids: Collection[MemberId]) -> None:
        """Forget the levels of members."""


@dataclass(eq=False, repr=False)
class LevelTeller:
    """Compares levels, and tells of those that were reached."""

    store: LevelStore
    _: KW_ONLY
    channels: ChannelFinder
    premium: PremiumService
    events: EventDispatcher

    async def look(self, guild_id: GuildId, *, now: datetime) -> None:
        """Store the levels of a guild's members, with a notice for each that is told.

        Raises:
            StorageError: the database is away; the next look goes on.
        """
        try:
            await self.premium.verify_premium_for_feature(guild_id, Feature.LEVELS)
        except TierRequiredError:
            return
        known = await self.store.list_levels(guild_id)  # before the XP: see ``silence_levels``
        members = await self.store.list_xp(guild_id)
        if gone := known.keys() - {member.member_id for member in members}:
            await self.store.delete_levels(guild_id, gone)
        scope = ServerScope(guild_id, ALL_SERVERS)
        is_posted = await has_open_news(self.channels, self.premium, guild_id)
        silent: list[LevelChange] = []
        for member in members:
            change = find_change(member, known.get(member.member_id), is_posted=is_posted)
            if change is not None and change.told is not None:
                await self._tell(scope, change, build_level_notice(scope, member, change.told, now=now))
            elif change is not None:
                silent.append(change)
        if silent:
            await self.store.put_silently(guild_id, silent, at=now)

    async def _tell(self, scope: ServerScope, change: LevelChange, notice: LevelNotice) -> None:
        queued = build_news_queued(scope.guild_id)
        try:
            is_new = await self.store.put_told(scope.guild_id, change, notice)
        except StorageError:  # it may be stored nevertheless, without its event, so wake delivery
            self.events.dispatch(queued)
            raise
        if is_new:
            logger.info("a level is told", level=notice.level)
            self.events.dispatch(queued)


def find_change(member: MemberXp, known: KnownLevel | None, *, is_posted: bool) -> LevelChange | None:
    """Return what is to be stored of a member; None if nothing has changed."""
    level = compute_level(member.xp)
    if known is not None and (known.level, known.basis) == (level, member.basis):
        return None
    told = None
    if known is not None and known.basis == member.basis and is_posted:
        told = choose_told(known.level, level)
    after = KnownLevel(level, is_told=told is not None, basis=member.basis)
    return LevelChange(member.member_id, known, after, told)


def build_level_notice(scope: ServerScope, member: MemberXp, level: int, *, now: datetime) -> LevelNotice:
    """Return the notice of a level that a member has reached."""
    matter = f"{scope.guild_id};level;{member.member_id};{level};{now.isoformat()}"
    return LevelNotice(
        event_id=compute_event_id(matter),
        server_name="",
        at=now,
        player_name=member.name,
        member_id=member.member_id,
        level=level,
    )
