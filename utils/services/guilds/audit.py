"""The audit log: every change by hand, kept for the admins of its guild."""

from collections.abc import Awaitable, Sequence
from functools import partial
from typing import Protocol, TypeVar

from structlog import get_logger

from utils.clock import Clock
from utils.models.audit import AuditAction, AuditEntry, AuditFacts, AuditPage
from utils.models.scope import GuildId, MemberId

logger = get_logger(__name__)

T_co = TypeVar("T_co", covariant=True)

PAGE_ENTRIES = 10


class AuditStore(Protocol):  # implemented by AuditRepository
    """Storage of the audit."""

    async def insert_entry(self, guild_id: GuildId, entry: AuditEntry) -> None:
        """Add an entry."""

    async def list_entries(
        self, guild_id: GuildId, *, actor_id: MemberId | None, action: str | None, limit: int, offset: int
    ) -> tuple[Sequence[AuditEntry], int]:
        """Return entries that fit, newest first, and the number of all that fit."""


def log_entry(guild_id: GuildId, entry: AuditEntry) -> None:
    """Write a stored entry to the log as well; guild and member have the names of a command's context."""
    actor = {} if entry.actor_id is None else {"member": entry.actor_id}
    fields = entry.facts.list_fields()
    logger.info("changed by hand", guild=guild_id, action=str(entry.action), **actor, **fields)


class Change(Protocol[T_co]):
    """A change of the storage that stores the entry it is given as well, both or neither."""

    def __call__(self, *, entry: AuditEntry) -> Awaitable[T_co]:
        """Carry it out."""


class AuditLog:
    """Writes who changed what."""

    def __init__(self, store: AuditStore, *, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def write(
        self, guild_id: GuildId, actor_id: MemberId | None, action: AuditAction, facts: AuditFacts
    ) -> None:
        """Add an entry alone; ``actor_id`` is None if the bot did it by itself."""
        await self.carry_out(guild_id, actor_id, action, facts, partial(self._store.insert_entry, guild_id))

    async def carry_out(
        self,
        guild_id: GuildId,
        actor_id: MemberId | None,
        action: AuditAction,
        facts: AuditFacts,
        change: Change[T_co],
    ) -> T_co:
        """Carry out a change together with its entry, and return what it gave."""
        entry = AuditEntry(self._clock.now(), actor_id, action, facts)
        done = await change(entry=entry)
        log_entry(guild_id, entry)
        return done

    async def list_page(
        self, guild_id: GuildId, page: int, *, actor_id: MemberId | None = None, action: str | None = None
    ) -> AuditPage:
        """Return a page (from 0) of the entries, filtered by member and action if given."""
        wanted = action.strip().casefold() if action else None
        entries, total = await self._store.list_entries(
            guild_id, actor_id=actor_id, action=wanted, limit=PAGE_ENTRIES, offset=page * PAGE_ENTRIES
        )
        return AuditPage(tuple(entries), total)
