"""Grants: giving and taking premium, the end of a grant, and the servers that fit into a tier.

A tier counts when it is stored, and ends by the clock (``PremiumService``). Then the newest servers over the
limit are paused, never deleted. They go on by themselves as soon as the tier has room. A timer notices ends,
pauses the servers over the limit, tells the admins, and stores the end last, so that all of it is repeated if
the process dies in between.
"""

import re
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import datetime, timedelta
from typing import Protocol

from structlog import get_logger

from utils.clock import Clock
from utils.error_sink import ErrorSource, Where
from utils.errors import InvalidInputError, NotFoundError, StorageError
from utils.events import ServerAdded, ServerRemoved
from utils.locks import KeyedLocks
from utils.models.audit import AuditAction, AuditEntry, AuditFacts, FieldChange
from utils.models.premium import (
    TIERS,
    Grant,
    GrantChange,
    PremiumAction,
    PremiumEvent,
    PremiumOverview,
    PremiumRecord,
    PremiumState,
    list_offers,
)
from utils.models.scope import GuildId, MemberId, ServerScope
from utils.models.servers import GameServer, count_game_servers
from utils.models.texts import Command, Names, Number, Text, join, text
from utils.queues import WorkQueue
from utils.services.guilds.audit import log_entry
from utils.services.ports import AdminNotifier, LoopControl, ServerStore
from utils.services.premium.tiers import PremiumService, PremiumSource
from utils.tasks import TaskManager

logger = get_logger(__name__)

PAUSE_TASK, ENDS_TASK = "premium:pause", "premium:ends"

_DIGITS = re.compile(r"[0-9]{1,19}")

LONGEST_DAYS = 3650
REASON_CHARACTERS = 200


class PremiumStore(PremiumSource, Protocol):  # implemented by PremiumRepository
    """Storage of grants and their history."""

    async def write_grant(
        self, guild_id: GuildId, grant: Grant | None, event: PremiumEvent, *, entry: AuditEntry
    ) -> None:
        """Replace or remove the grant, with its lines of history and audit, all or nothing."""

    async def end_grant(self, guild_id: GuildId, event: PremiumEvent, *, entry: AuditEntry) -> bool:
        """Remove the grant with the end that the event names; tell whether it was there."""


class GrantIndex(Protocol):  # implemented by ScopeIndexRepository
    """Lists the keys of guilds with work to do."""

    async def list_guild_ids(self) -> Sequence[GuildId]:
        """Return every guild with a game server."""

    async def list_ended_premium(self, now: datetime) -> Sequence[GuildId]:
        """Return every guild with an ended grant."""


def parse_guild_id(typed: str) -> GuildId:
    """Return the guild of a typed id.

    Raises:
        InvalidInputError: it is not an id.
    """
    digits = typed.strip()
    if not (_DIGITS.fullmatch(digits) and 0 < int(digits) < 2**63):
        raise InvalidInputError(
            text(
                "“{typed}” isn't the id of a Discord server. Turn on Developer Mode in Discord's settings, "
                "right-click the server and choose Copy Server ID.",
                typed=typed,
            )
        )
    return GuildId(int(digits))


def choose_paused(servers: Sequence[GameServer], *, capacity: int) -> frozenset[ServerScope]:
    """Return the servers to pause if only this number fits: the newest ones."""
    return frozenset(server.scope for server in servers[capacity:])


@dataclass(eq=False, repr=False)
class GrantService:
    """Gives and takes premium, and keeps the servers of each guild within its tier.

    Args:
        minimum_poll_seconds: the configured minimum, for the table of tiers.
    """

    store: PremiumStore
    scope_index: GrantIndex
    _: KW_ONLY
    premium: PremiumService
    servers: ServerStore
    loops: LoopControl
    notifier: AdminNotifier
    tasks: TaskManager
    clock: Clock
    minimum_poll_seconds: float

    def __post_init__(self) -> None:
        self._unchecked: set[GuildId] = set()  # servers may be over the limit; the timer tries again
        self._pausing = WorkQueue(PAUSE_TASK, self._pause_soon, tasks=self.tasks)
        self._locks = KeyedLocks[GuildId]()  # one after the other, so that the old and new states are right

    async def grant(
        self, guild_id: GuildId, *, tier: int, days: int | None, actor_id: MemberId
    ) -> GrantChange:
        """Give a guild a tier from now on, instead of its old one; without ``days`` it has no end.

        Raises:
            InvalidInputError: there is no such tier, or the time is not allowed.
        """
        if not 1 <= tier < len(TIERS):
            raise InvalidInputError(
                text(
                    "Tiers go from 1 to {last}: see {tiers}.",
                    last=Number(len(TIERS) - 1),
                    tiers=Command("premium tiers"),
                )
            )
        if days is not None and not 1 <= days <= LONGEST_DAYS:
            raise InvalidInputError(
                text(
                    "Days can be 1 to {last}. Leave them out for a tier that doesn't expire.",
                    last=Number(LONGEST_DAYS),
                )
            )
        now = self.clock.now()
        ends_at = None if days is None else now + timedelta(days=days)
        event = PremiumEvent(now, PremiumAction.GRANTED, tier, ends_at, by=actor_id)
        async with self._locks.hold(guild_id):
            old = await self._read_fresh(guild_id)
            return await self._write(
                guild_id,
                Grant(tier, now, actor_id, ends_at),
                event,
                old=old,
                action=AuditAction.PREMIUM_GRANT,
            )

    async def revoke(self, guild_id: GuildId, *, reason: str, actor_id: MemberId) -> GrantChange:
        """Take a guild's grant away; then it has the default tier.

        Raises:
            InvalidInputError: no reason is given.
            NotFoundError: it has no grant.
        """
        why = " ".join(reason.split())
        if not 1 <= len(why) <= REASON_CHARACTERS:
            raise InvalidInputError(
                text("Add a reason of 1 to {limit} characters.", limit=Number(REASON_CHARACTERS))
            )
        async with self._locks.hold(guild_id):
            old = await self._read_fresh(guild_id)
            state = self.premium.read_state(old)
            if not state.is_granted:
                raise NotFoundError(
                    text(
                        "That Discord server has no grant: it's on the default tier {level} ({name}).",
                        level=Number(state.tier.level),
                        name=state.tier.name,
                    )
                )
            event = PremiumEvent(
                self.clock.now(),
                PremiumAction.REVOKED,
                state.tier.level,
                state.ends_at,
                by=actor_id,
                reason=why,
            )
            change = await self._write(guild_id, None, event, old=old, action=AuditAction.PREMIUM_REVOKE)
        if change.paused:
            await self._tell_end(guild_id, change, key=f"premium:{event.at.isoformat()}")
        return change

    async def describe(self, guild_id: GuildId) -> PremiumOverview:
        """Return a guild's premium for people."""
        servers = await self.servers.list_servers(guild_id)
        return PremiumOverview(
            state=await self.premium.get_state(guild_id),
            servers=tuple(server.name for server in servers),
            paused=tuple(server.name for server in servers if server.is_paused),
            offers=list_offers(minimum_seconds=self.minimum_poll_seconds),
        )

    async def end_due(self) -> None:
        """Carry out every end that is due, and work that an outage left undone."""
        await self.tasks.for_each(ENDS_TASK, tuple(self._unchecked), self.pause_excess_servers)
        ended = await self.scope_index.list_ended_premium(self.clock.now())
        await self.tasks.for_each(ENDS_TASK, ended, self._end)

    async def pause_excess_of_all(self) -> None:
        """Keep every guild within its tier, for example after the default tier was changed.

        If that fails, the timer of ends does it later.
        """
        guild_ids = await self.scope_index.list_guild_ids()
        await self.tasks.for_each(PAUSE_TASK, guild_ids, self.pause_excess_servers)

    async def pause_excess_servers(self, guild_id: GuildId) -> None:
        """Pause the servers over the limit, and resume those that fit again."""
        async with self._locks.hold(guild_id):
            await self._pause_excess(guild_id)

    def on_server_added(self, event: ServerAdded) -> None:
        """Check the limit: the tier may have ended while the server was being added."""
        self._pausing.put(event.scope.guild_id, guild_id=event.scope.guild_id)

    def on_server_removed(self, event: ServerRemoved) -> None:
        """Resume the oldest paused server, because a place is free."""
        self._pausing.put(event.scope.guild_id, guild_id=event.scope.guild_id)

    def forget_guild(self, guild_id: GuildId) -> None:
        """Forget the servers of a guild."""
        self._unchecked.discard(guild_id)

    async def _pause_soon(self, guild_id: GuildId) -> None:
        try:
            await self.pause_excess_servers(guild_id)
        except StorageError as error:
            logger.warning("servers over the limit are paused later", guild_id=guild_id, problem=str(error))
            where = Where(source=ErrorSource.DATABASE, guild_id=guild_id, task=PAUSE_TASK)
            self.tasks.errors.report(error, where=where)

    async def _write(
        self,
        guild_id: GuildId,
        grant: Grant | None,
        event: PremiumEvent,
        *,
        old: PremiumRecord,
        action: AuditAction,
    ) -> GrantChange:
        before = self.premium.read_state(old)
        after = self.premium.read_state(PremiumRecord(guild_id, grant))
        entry = _build_entry(event, action, before, after)
        self._unchecked.add(guild_id)
        try:
            await self.store.write_grant(guild_id, grant, event, entry=entry)
        finally:
            self.premium.forget_guild(guild_id)  # a write that failed may still have happened
        log_entry(guild_id, entry)
        paused = await self._pause_excess(guild_id)
        record = await self._read_fresh(guild_id)
        return GrantChange(before, self.premium.read_state(record), paused, record.history)

    async def _end(self, guild_id: GuildId) -> None:
        """Carry out the end of a grant; if there is a new grant already, that one wins."""
        async with self._locks.hold(guild_id):
            record = await self._read_fresh(guild_id)
            now = self.clock.now()
            if record.grant is None or not record.grant.is_over(now):
                return
            paused = await self._pause_excess(guild_id)
        grant = record.grant
        ended = PremiumState(TIERS[grant.tier], grant.ends_at, is_granted=True)
        change = GrantChange(ended, self.premium.read_state(record), paused, record.history)
        await self._tell_end(guild_id, change, key=f"premium:{grant.ends_at}")
        event = PremiumEvent(now, PremiumAction.ENDED, grant.tier, grant.ends_at)
        entry = _build_entry(event, AuditAction.PREMIUM_END, change.old, change.new)
        if await self.store.end_grant(guild_id, event, entry=entry):
            log_entry(guild_id, entry)
        self.premium.forget_guild(guild_id)
        logger.info("premium has ended", guild_id=guild_id, tier=grant.tier, paused=len(paused))

    async def _pause_excess(self, guild_id: GuildId) -> tuple[str, ...]:
        """Pause and resume servers by the tier; return the names of the paused ones."""
        self._unchecked.add(guild_id)
        self.premium.forget_guild(guild_id)  # another process may have stored a grant a moment ago
        tier = await self.premium.get_tier(guild_id)
        servers = await self.servers.list_servers(guild_id)
        paused = choose_paused(servers, capacity=tier.servers)
        for server in servers:
            is_paused = server.scope in paused
            if server.is_paused != is_paused:
                try:
                    await self.servers.set_paused(server.scope, is_paused=is_paused)
                except StorageError:
                    self.loops.refresh(server.scope)  # it may have happened nevertheless
                    raise
                await self.loops.restart(server.scope)
                logger.info("game server fits or not", scope=str(server.scope), is_paused=is_paused)
        self._unchecked.discard(guild_id)
        return tuple(server.name for server in servers if server.scope in paused)

    async def _read_fresh(self, guild_id: GuildId) -> PremiumRecord:
        """Return the stored record, not the cached one."""
        self.premium.forget_guild(guild_id)
        return await self.store.get_premium(guild_id)

    async def _tell_end(self, guild_id: GuildId, change: GrantChange, *, key: str) -> None:
        await self.notifier.notify(guild_id, describe_end(change), key)


def _build_entry(
    event: PremiumEvent, action: AuditAction, old: PremiumState, new: PremiumState
) -> AuditEntry:
    changes = (
        FieldChange("tier", old.tier.level, new.tier.level),
        FieldChange("is_granted", old.is_granted, new.is_granted),
        FieldChange("ends_at", old.ends_at, new.ends_at),
    )
    return AuditEntry(event.at, event.by, action, AuditFacts(changes=changes, reason=event.reason or None))


def build_end(grant: Grant, *, default_tier: int, at: datetime) -> tuple[PremiumEvent, AuditEntry]:
    """Return the lines of history and audit about the end of a grant."""
    event = PremiumEvent(at, PremiumAction.ENDED, grant.tier, grant.ends_at)
    old = PremiumState(TIERS[grant.tier], grant.ends_at, is_granted=True)
    return event, _build_entry(event, AuditAction.PREMIUM_END, old, PremiumState(TIERS[default_tier]))


def describe_end(change: GrantChange) -> Text:
    """Return the sentences for admins about the end of their tier."""
    old, new = change.old.tier, change.new.tier
    parts = [
        text(
            "This Discord server's premium tier {old} ({old_name}) has ended. "
            "It's on tier {new} ({new_name}) now.",
            old=Number(old.level),
            old_name=old.name,
            new=Number(new.level),
            new_name=new.name,
        )
    ]
    if change.paused:
        parts.append(
            text(
                "There's only room for {limit} now, so I paused {servers}. "
                "I'll keep their data and read them again when there's room.",
                limit=count_game_servers(new.servers),
                servers=Names(change.paused),
            )
        )
    parts.append(
        text("See {status}. The bot's owner can grant a tier again.", status=Command("premium status"))
    )
    return join(parts)
