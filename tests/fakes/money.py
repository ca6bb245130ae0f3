"""Wallets, ledger and bounties in memory, with transactions that commit wholly or not at all."""

import asyncio
import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import TypeVar

from tests.fakes.storage import Outage
from utils.errors import CommitUnknownError
from utils.models.audit import AuditAction, AuditEntry, AuditFacts
from utils.models.deaths import Death
from utils.models.factions import FactionMark
from utils.models.money import (
    Bounty,
    BountyEnd,
    BountyState,
    Change,
    LedgerKind,
    LedgerRow,
    PaidKill,
    ReadKill,
)
from utils.models.notices.bounties import BountyNotice
from utils.models.notifications import DirectMessage
from utils.models.scope import GuildId, MemberId, PlayerId, ServerId, ServerScope

T = TypeVar("T")


@dataclass(slots=True)
class MoneyData:
    """The money of one guild.

    Attributes:
        members: the owner of each proven player.
        factions: the factions of the members of players.
        proven_at: when the link of such a player was proven, if not long ago.
        bounties: bounties by id, in the order of placing.
        told: the direct messages.
        live_kills: the kills that were read live.
        read_kills: the kills that a placer of a bounty may have made, by the server.
        audit: the entries of changes by hand.
        reads: the names of all reads.
        kills_read: the number of live kills that were read.
    """

    members: dict[PlayerId, MemberId] = field(default_factory=dict)
    proven_at: dict[PlayerId, datetime] = field(default_factory=dict)
    factions: dict[PlayerId, FactionMark] = field(default_factory=dict)
    balances: dict[MemberId, int] = field(default_factory=dict)
    ledger: list[LedgerRow] = field(default_factory=list)
    bounties: dict[str, Bounty] = field(default_factory=dict)
    notices: list[BountyNotice] = field(default_factory=list)
    told: list[DirectMessage] = field(default_factory=list)
    live_kills: list[Death] = field(default_factory=list)
    read_kills: dict[ServerScope, list[ReadKill]] = field(default_factory=dict)
    audit: list[AuditEntry] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    kills_read: int = 0

    def list_rows(self, member_id: MemberId) -> list[LedgerRow]:
        """Return a member's rows, oldest first."""
        return [row for row in self.ledger if row.change.member_id == member_id]


class FakeMoneyUnit:
    """An open transaction over a copy of the data, ``data``."""

    def __init__(self, data: MoneyData, scope: ServerScope) -> None:
        self.data = data
        self._scope = scope

    def find_members(self, player_ids: Iterable[PlayerId]) -> Mapping[PlayerId, MemberId]:
        """Return the owners of proven players."""
        self.data.reads.append("find_members")
        return {one: self.data.members[one] for one in player_ids if one in self.data.members}

    def find_factions(self, player_ids: Iterable[PlayerId]) -> Mapping[PlayerId, FactionMark]:
        """Return the factions of their members."""
        return {one: self.data.factions[one] for one in player_ids if one in self.data.factions}

    def find_booked(self, keys: Iterable[str]) -> frozenset[str]:
        """Return the keys that the ledger has already."""
        self.data.reads.append("find_booked")
        return frozenset(keys) & {row.change.key for row in self.data.ledger}

    def book(self, change: Change) -> int | None:
        """Change a balance and write the row; an existing key is a mistake of the caller."""
        data = self.data
        balance = data.balances.get(change.member_id, 0) + change.amount
        if balance < 0:
            return None
        assert change.key not in {row.change.key for row in data.ledger}
        data.balances[change.member_id] = balance
        data.ledger.append(LedgerRow(change, len(data.list_rows(change.member_id)) + 1, balance))
        return balance

    def is_stopped(self, member_id: MemberId) -> bool:
        """Tell that no wallet is stopped."""
        del member_id
        return False

    def get_balance(self, member_id: MemberId) -> int:
        """Return a member's balance."""
        self.data.reads.append("get_balance")
        return self.data.balances.get(member_id, 0)

    def list_paid_kills(
        self, member_ids: Iterable[MemberId], victim_ids: Iterable[PlayerId], *, since: datetime
    ) -> Sequence[PaidKill]:
        """Return the paid kills of these victims by these members since a moment."""
        self.data.reads.append("list_paid_kills")
        members, victims = set(member_ids), set(victim_ids)
        changes = [row.change for row in self.data.ledger if row.change.kind is LedgerKind.KILL]
        return [
            PaidKill(one.member_id, one.player_id, one.killed_at)
            for one in changes
            if one.player_id is not None
            and one.killed_at is not None
            and one.member_id in members
            and one.player_id in victims
            and one.killed_at >= since
        ]

    def list_live_kills(self, killer_id: PlayerId, *, since: datetime, limit: int) -> Sequence[Death]:
        """Return a player's newest live kills in order."""
        self.data.reads.append("list_live_kills")
        own = [one for one in self.data.live_kills if one.row.killer_id == killer_id]
        recent = [one for one in own if one.row.kind.is_kill and one.row.written_at >= since]
        newest = sorted(recent, key=lambda one: one.row.written_at)[-limit:]
        self.data.kills_read += len(newest)
        return sorted(newest, key=lambda one: one.order)

    def list_open_bounties(self, player_ids: Iterable[PlayerId]) -> Sequence[Bounty]:
        """Return every open bounty on these players of this server."""
        self.data.reads.append("list_open_bounties")
        wanted = set(player_ids)
        return [
            one
            for one in self.data.bounties.values()
            if one.state is BountyState.OPEN and one.scope == self._scope and one.player_id in wanted
        ]

    def find_house_targets(self, player_ids: Iterable[PlayerId], *, since: datetime) -> frozenset[PlayerId]:
        """Return the players on whom the bot placed a bounty since a moment."""
        self.data.reads.append("find_house_targets")
        every = self.data.bounties.values()
        placed = {one.player_id for one in every if one.placer_id is None and one.placed_at > since}
        return frozenset(player_ids) & placed

    def insert_bounty(self, bounty: Bounty) -> None:
        """Store an open bounty; a second one by the same placer on a player is a mistake of the caller."""
        for one in self.list_open_bounties([bounty.player_id]):
            assert one.placer_id != bounty.placer_id
        self.data.bounties[bounty.bounty_id] = bounty

    def raise_bounty(self, bounty: Bounty, amount: int) -> bool:
        """Set the amount of an open bounty."""
        return self._change(bounty, amount=amount)

    def close_bounty(self, bounty: Bounty, end: BountyEnd) -> bool:
        """End an open bounty."""
        return self._change(bounty, **asdict(end))

    def append_notices(self, notices: Sequence[BountyNotice], *, created_at: datetime) -> None:
        """Append notices to the outbox entries."""
        del created_at
        self.data.notices.extend(notices)

    def tell(self, messages: Sequence[DirectMessage]) -> None:
        """Store the messages, also of members who asked for none."""
        self.data.told.extend(messages)

    def _change(self, bounty: Bounty, **fields: object) -> bool:
        stored = self.data.bounties[bounty.bounty_id]
        if stored.state is not BountyState.OPEN:
            return False
        self.data.bounties[bounty.bounty_id] = replace(stored, **fields)  # type: ignore[arg-type]
        return True


class FakeMoneyStore(Outage):
    """Storage of one guild's money; a transaction runs again after another one has committed meanwhile.

    Attributes:
        data: the committed data.
        gone: servers that are removed with their statistics.
        unknown: for each of the next transactions, whose commits get no answer: whether it is committed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.data = MoneyData()
        self.gone: set[ServerScope] = set()
        self.unknown: list[bool] = []

    async def in_transaction(self, scope: ServerScope, work: Callable[[FakeMoneyUnit], T]) -> T:
        """Run ``work`` on a copy and commit it."""
        self.note("in_transaction")
        while True:
            base = self.data
            draft = copy.deepcopy(base)
            result = work(FakeMoneyUnit(draft, scope))
            await asyncio.sleep(0)
            if self.data is not base:
                continue
            happens = self.unknown.pop(0) if self.unknown else None
            if happens is not False:
                self.data = draft
            if happens is not None:
                raise CommitUnknownError("No answer.")
            return result

    async def list_open(
        self, guild_id: GuildId, server_ids: Sequence[ServerId], *, now: datetime
    ) -> Sequence[Bounty]:
        """Return the bounties that can be claimed, highest first."""
        self.note("list_open")
        found = [
            one
            for one in self._list(guild_id)
            if one.state is BountyState.OPEN and one.scope.server_id in server_ids and one.expires_at > now
        ]
        return sorted(found, key=lambda one: -one.amount)

    async def list_placed(self, guild_id: GuildId, member_id: MemberId, *, is_open: bool) -> Sequence[Bounty]:
        """Return a member's placed bounties."""
        self.note("list_placed")
        own = [one for one in self._list(guild_id) if one.placer_id == member_id]
        found = [one for one in own if not is_open or one.state is BountyState.OPEN]
        return sorted(found, key=lambda one: one.placed_at, reverse=True)

    async def list_claimed(self, guild_id: GuildId, member_id: MemberId) -> Sequence[Bounty]:
        """Return a member's claimed bounties."""
        self.note("list_claimed")
        return [one for one in self._list(guild_id) if one.claimer_id == member_id]

    async def list_read_kills(
        self,
        scope: ServerScope,
        killer_ids: Iterable[PlayerId],
        victim_ids: Iterable[PlayerId],
        *,
        since: datetime,
    ) -> Sequence[ReadKill]:
        """Return kills of these victims by these killers."""
        self.note("list_read_kills")
        killers, victims = set(killer_ids), set(victim_ids)
        return [
            one
            for one in self.data.read_kills.get(scope, ())
            if one.killer_id in killers and one.victim_id in victims and one.read_at >= since
        ]

    async def list_due(self, scope: ServerScope, *, before: datetime | None) -> Sequence[Bounty]:
        """Return the open bounties of a server that ended before a moment."""
        self.note("list_due")
        limit = before or datetime.max.replace(tzinfo=UTC)
        return [
            one
            for one in self._list(scope.guild_id)
            if one.state is BountyState.OPEN and one.scope == scope and one.expires_at < limit
        ]

    async def delete_bounties(self, scope: ServerScope) -> None:
        """Delete the closed bounties of a removed server."""
        self.note("delete_bounties")
        if scope in self.gone:
            kept = [one for one in self.data.bounties.values() if one.scope != scope]
            self.data.bounties = {one.bounty_id: one for one in kept}

    async def list_scopes_with_due_bounties(self, *, before: datetime) -> Sequence[ServerScope]:
        """Return every server with open bounties that ended before a moment."""
        self.note("list_scopes_with_due_bounties")
        every = self.data.bounties.values()
        due = (one for one in every if one.state is BountyState.OPEN and one.expires_at < before)
        return sorted({one.scope for one in due})

    async def list_rows(self, guild_id: GuildId, member_id: MemberId, *, limit: int) -> Sequence[LedgerRow]:
        """Return a member's last rows, newest first."""
        del guild_id
        self.note("list_rows")
        return self.data.list_rows(member_id)[::-1][:limit]

    async def get_balance(self, guild_id: GuildId, member_id: MemberId) -> int:
        """Return a member's balance."""
        del guild_id
        self.note("get_balance")
        return self.data.balances.get(member_id, 0)

    async def book_by_hand(
        self, guild_id: GuildId, change: Change, describe: Callable[[LedgerRow], AuditEntry]
    ) -> LedgerRow | None:
        """Change a balance, write the row and the audit entry, once for each key."""

        def book(unit: FakeMoneyUnit) -> LedgerRow | None:
            booked = [row for row in unit.data.ledger if row.change.key == change.key]
            if booked:
                return booked[0]
            if unit.book(change) is None:
                return None
            unit.data.audit.append(describe(unit.data.ledger[-1]))
            return unit.data.ledger[-1]

        return await self.in_transaction(ServerScope(guild_id, ServerId("")), book)

    def _list(self, guild_id: GuildId) -> list[Bounty]:
        return [one for one in self.data.bounties.values() if one.scope.guild_id == guild_id]


@dataclass(frozen=True, slots=True)
class FakeLink:
    """A player that belongs to a member."""

    player_id: PlayerId
    proven_at: datetime
    player_name: str = "their player"


class FakeMemberLinks:
    """Proven links of the data's members."""

    def __init__(self, store: FakeMoneyStore) -> None:
        self._store = store

    async def list_players(self, guild_id: GuildId, member_id: MemberId) -> Sequence[FakeLink]:
        """Return the proven players of a member."""
        del guild_id
        data, long_ago = self._store.data, datetime.min.replace(tzinfo=UTC)
        own = [one for one, owner in data.members.items() if owner == member_id]
        return [FakeLink(one, data.proven_at.get(one, long_ago)) for one in own]


class FakeAuditTrail:
    """Records changes by hand."""

    def __init__(self) -> None:
        self.entries: list[tuple[GuildId, MemberId | None, str, AuditFacts]] = []

    async def write(
        self, guild_id: GuildId, actor_id: MemberId | None, action: AuditAction, facts: AuditFacts
    ) -> None:
        """Add an entry."""
        self.entries.append((guild_id, actor_id, action, facts))


@dataclass(frozen=True, slots=True)
class FakeRuleUnit:
    """The parts of a transaction that a rule of a batch uses."""

    money: FakeMoneyUnit
