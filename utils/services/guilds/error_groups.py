"""The groups of errors, for the admins of a guild and for the owners of the bot.

Admins see the groups of their own guild; a reference of another one is unknown here. The groups of the whole
bot are for its owners alone, and nothing is read before that is decided.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from utils.clock import Clock
from utils.errors import NotFoundError, OwnersOnlyError
from utils.models.audit import AuditAction, AuditEntry, AuditFacts, FieldChange
from utils.models.error_groups import ErrorGroup, GroupState, TroubleCount
from utils.models.error_guides import Guide
from utils.models.error_reports import GroupPage, GroupReport, ListedGroup
from utils.models.incidents import WHOLE_BOT
from utils.models.scope import GuildId, MemberId
from utils.models.texts import Command, Text, text
from utils.services.guilds.audit import AuditLog

PAGE_GROUPS = 10
OFFERED_GROUPS = 25  # Discord's limit of choices
SHOWN_DAYS = 14  # as long as hours are kept
SHOWN_TROUBLES = 5
DAY = timedelta(days=1)


class ErrorGroupStore(Protocol):  # implemented by ErrorRepository
    """Storage of groups of errors.

    Raises:
        StorageError: from any method.
    """

    async def list_groups(
        self, guild_id: GuildId, *, limit: int, offset: int = 0
    ) -> tuple[Sequence[ErrorGroup], int]:
        """Return open and resolved groups, open ones first, the latest first, and the number of all."""

    async def find_group(self, guild_id: GuildId, reference: str) -> ErrorGroup | None:
        """Return the group with a reference; None if there is none."""

    async def count_hours(
        self, guild_id: GuildId, fingerprints: Sequence[str], *, since: datetime
    ) -> Mapping[str, Mapping[datetime, int]]:
        """Return the number of errors by fingerprint and hour."""

    async def resolve(
        self, guild_id: GuildId, fingerprint: str, *, at: datetime, by: MemberId, entry: AuditEntry
    ) -> None:
        """Note that a group is resolved, and store the entry of the audit, all or nothing."""


class RecentErrors(Protocol):  # implemented by ErrorWriter
    """The part that is only in memory: unstored counts, troubles, and the errors of the last hour."""

    async def write_all(self) -> None:
        """Store everything that is counted."""

    def list_troubles(self, guild_id: GuildId) -> Sequence[TroubleCount]:
        """Return the troubles of a guild in the running hour."""

    def find_pattern(self, guild_id: GuildId, fingerprint: str) -> Text | None:
        """Return what most errors of a group in the last hour have in common."""


@dataclass(frozen=True, slots=True)
class Asker:
    """The member who asks for errors.

    Attributes:
        everywhere: they ask for those of the whole bot.
    """

    guild_id: GuildId
    member_id: MemberId
    is_owner: bool
    everywhere: bool = False


@dataclass(eq=False, repr=False)
class ErrorGroupService:
    """Answers ``/admin errors``."""

    store: ErrorGroupStore
    recent: RecentErrors
    _: KW_ONLY
    find_guide: Callable[[ErrorGroup], Guide]
    audit: AuditLog
    clock: Clock

    async def list_page(self, asker: Asker, page: int) -> GroupPage:
        """Return a page (from 0) of groups.

        Raises:
            OwnersOnlyError: the whole bot's are for its owners.
            StorageError: the database is away.
        """
        guild_id = choose_scope(asker)
        await self.recent.write_all()
        groups, total = await self.store.list_groups(guild_id, limit=PAGE_GROUPS, offset=page * PAGE_GROUPS)
        since = self.clock.now() - DAY
        hours = await self.store.count_hours(guild_id, [one.fingerprint for one in groups], since=since)
        rows = [
            ListedGroup(group, self.find_guide(group), sum(hours[group.fingerprint].values()))
            for group in groups
        ]
        troubles = self.recent.list_troubles(guild_id)[:SHOWN_TROUBLES]
        return GroupPage(tuple(rows), total, tuple(troubles))

    async def report(self, asker: Asker, reference: str) -> GroupReport:
        """Return everything about a group.

        Raises:
            OwnersOnlyError: the whole bot's are for its owners.
            NotFoundError: no group has that reference here.
            StorageError: the database is away.
        """
        guild_id, group = await self._find(asker, reference)
        now = self.clock.now()
        hours = await self.store.count_hours(
            guild_id, [group.fingerprint], since=now - timedelta(days=SHOWN_DAYS)
        )
        counts = hours[group.fingerprint]
        this_hour = now.replace(minute=0, second=0, microsecond=0)
        return GroupReport(
            group,
            self.find_guide(group),
            hour=counts.get(this_hour, 0),
            day=sum(n for hour, n in counts.items() if hour > now - DAY),
            fortnight=sum(counts.values()),
            pattern=self.recent.find_pattern(guild_id, group.fingerprint),
            is_whole=guild_id == WHOLE_BOT,
        )

    async def resolve(self, asker: Asker, reference: str) -> ErrorGroup:
        """Note that a group is resolved, and return it as it was before.

        Raises:
            OwnersOnlyError: the whole bot's are for its owners.
            NotFoundError: no group has that reference here.
            StorageError: the database is away.
        """
        guild_id, group = await self._find(asker, reference)
        change = FieldChange(group.reference, old=group.state.value, new=GroupState.RESOLVED.value)
        resolve = partial(
            self.store.resolve, guild_id, group.fingerprint, at=self.clock.now(), by=asker.member_id
        )
        facts = AuditFacts(changes=(change,))
        await self.audit.carry_out(guild_id, asker.member_id, AuditAction.ERRORS_RESOLVE, facts, resolve)
        return group

    async def list_choices(self, asker: Asker) -> Sequence[tuple[str, Text]]:
        """Return references and what happened, the latest first.

        Raises:
            OwnersOnlyError: the whole bot's are for its owners.
            StorageError: the database is away.
        """
        groups, _ = await self.store.list_groups(choose_scope(asker), limit=OFFERED_GROUPS)
        return [(group.reference, self.find_guide(group).meaning) for group in groups]

    async def _find(self, asker: Asker, reference: str) -> tuple[GuildId, ErrorGroup]:
        guild_id = choose_scope(asker)
        await self.recent.write_all()
        # an app may send the label of a choice instead of its value: the code, then words
        code = reference.strip().upper().partition(" ")[0]
        group = await self.store.find_group(guild_id, code)
        if group is None:
            raise NotFoundError(
                text("No error has that reference."),
                hint=text("{list} shows them.", list=Command("admin errors list")),
            )
        return guild_id, group


def choose_scope(asker: Asker) -> GuildId:
    """Return the guild whose groups somebody may read.

    Raises:
        OwnersOnlyError: they ask for those of the whole bot and are no owner.
    """
    if not asker.everywhere:
        return asker.guild_id
    if not asker.is_owner:
        raise OwnersOnlyError(text("Only the bot's owners can see the errors of the whole bot."))
    return WHOLE_BOT
