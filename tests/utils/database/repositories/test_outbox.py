"""The outbox: each notice is sent once, in order."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, TypeVar

import pytest

from utils.database.core.database import Fence, FenceSource, SafeDatabase, Work
from utils.database.core.scoped import ScopedCollection
from utils.database.documents.notice_documents import build_entry_document
from utils.database.repositories.ingestion import IngestionRepository
from utils.database.repositories.outbox import OutboxRepository
from utils.database.units.ingestion_unit import IngestionTransaction
from utils.errors import LeaseLostError
from utils.models.guilds import ChannelKind
from utils.models.notices.bounties import BountyEvent, BountyNotice
from utils.models.notices.deaths import DeathNotice
from utils.models.notices.outbox import (
    WAITING_MAXIMUM,
    AppendedNotices,
    EntryKey,
    Feed,
    OutboxEntry,
    OutgoingMessage,
)
from utils.models.scope import ChannelId, GuildId, MemberId, ServerId, ServerScope

NOW = datetime(2025, 4, 30, 12, tzinfo=UTC)
KIND, BOUNTIES = ChannelKind.KILLFEED, ChannelKind.BOUNTIES
T = TypeVar("T")
Append = Callable[..., object]


@pytest.fixture(name="entries")
async def _entries(
    ingestion: IngestionRepository, scope: ServerScope, make_notice: Callable[[int], DeathNotice]
) -> tuple[OutboxEntry, ...]:
    """Return four waiting notices, a minute apart."""
    for number in range(4):

        def append(unit: IngestionTransaction, number: int = number) -> None:
            unit.append_notices([make_notice(number)], created_at=NOW + timedelta(minutes=number))

        await ingestion.in_transaction(scope, append)
    return tuple(
        OutboxEntry(scope, number, ChannelKind.KILLFEED, make_notice(number), NOW + timedelta(minutes=number))
        for number in range(4)
    )


def _build_message(scope: ServerScope, *sequences: int, nonce: str = "n1") -> OutgoingMessage:
    keys = tuple(EntryKey(Feed(scope, KIND), sequence) for sequence in sequences)
    return OutgoingMessage(scope.guild_id, ChannelId(5), keys, nonce, prepared_at=NOW, language="pt-BR")


async def _list_pending(
    outbox: OutboxRepository, scope: ServerScope, kind: ChannelKind, *, limit: int
) -> tuple[OutboxEntry, ...]:
    feed = Feed(scope, kind)
    return (await outbox.list_pending(scope.guild_id, [feed], limit=limit))[feed]


async def test_first_notices_of_several_feeds_are_found_whether_few_wait_or_many(
    outbox: OutboxRepository,
    ingestion: IngestionRepository,
    scope: ServerScope,
    entries: tuple[OutboxEntry, ...],
    make_notice: Callable[[int], DeathNotice],
) -> None:
    """Each feed has its first notices, in order, without those of other guilds and kinds."""
    neighbour = replace(scope, server_id=ServerId("nnnnnnnn"))

    def append(unit: IngestionTransaction) -> None:
        unit.append_notices([make_notice(9)], created_at=NOW)

    await ingestion.in_transaction(neighbour, append)
    here, there, quiet = Feed(scope, KIND), Feed(neighbour, KIND), Feed(scope, BOUNTIES)
    other = OutboxEntry(neighbour, 0, KIND, make_notice(9), NOW)
    for limit, first in ((9, entries), (5, entries), (3, entries[:3])):
        found = await outbox.list_pending(scope.guild_id, [there, here, quiet], limit=limit)
        assert found == {here: first, there: (other,), quiet: ()}
    assert await outbox.list_pending(scope.guild_id, [], limit=9) == {}


async def test_notices_wait_in_order_and_leave_when_their_message_is_sent(
    outbox: OutboxRepository, database: SafeDatabase, scope: ServerScope, entries: tuple[OutboxEntry, ...]
) -> None:
    """Prepared messages are found by guild; sent notices are deleted."""
    guild_id = scope.guild_id
    assert await _list_pending(outbox, scope, KIND, limit=3) == entries[:3]
    message = _build_message(scope, 0, 1)
    await outbox.prepare_message(guild_id, message)
    assert await outbox.list_prepared(guild_id) == (message,)
    assert await outbox.list_entries(guild_id, _build_message(scope, 1, 77, 0).entries) == entries[1::-1]
    await outbox.mark_sent(guild_id, message, message_id=99, at=NOW)
    assert await outbox.list_prepared(guild_id) == ()
    assert await _list_pending(outbox, scope, KIND, limit=9) == entries[2:]
    [stored] = await database.unscoped("messages").find().to_list(None)
    assert (stored["state"], stored["message_id"], stored["sent_at"]) == ("sent", 99, NOW)


async def test_message_that_is_stored_again_stays_as_it_is(
    outbox: OutboxRepository, scope: ServerScope, entries: tuple[OutboxEntry, ...]
) -> None:
    """Storing a message twice changes nothing, even after it was sent."""
    assert entries
    message = _build_message(scope, 0)
    for _ in range(2):
        await outbox.prepare_message(scope.guild_id, message)
    assert await outbox.list_prepared(scope.guild_id) == (message,)
    await outbox.mark_sent(scope.guild_id, message, message_id=99, at=NOW)
    await outbox.prepare_message(scope.guild_id, message)
    assert await outbox.list_prepared(scope.guild_id) == ()


class _Grouped(OutboxRepository):
    """Notes how many messages each transaction was to write."""

    def __init__(self, database: SafeDatabase, *, fences: FenceSource) -> None:
        super().__init__(database, fences=fences, prepare_seconds=0.3, mark_seconds=0.3)
        self.sizes: list[int] = []

    async def _write_messages(self, shared: Fence | None, writes: Sequence[Any]) -> Sequence[None]:
        self.sizes.append(len(writes))
        return await super()._write_messages(shared, writes)


async def _append_for_guilds(
    ingestion: IngestionRepository, scope: ServerScope, notice: DeathNotice
) -> list[ServerScope]:
    """Store a notice for each of four guilds, under the same number of the same server."""
    scopes = [replace(scope, guild_id=GuildId(number)) for number in range(1, 5)]
    for one in scopes:
        await ingestion.in_transaction(one, lambda unit: unit.append_notices([notice], created_at=NOW))
    return scopes


async def test_messages_of_several_guilds_share_a_transaction_and_each_takes_its_own_notices(
    database: SafeDatabase,
    ingestion: IngestionRepository,
    scope: ServerScope,
    make_notice: Callable[[int], DeathNotice],
) -> None:
    """They are stored at once and sent at once; the notices of another guild stay."""
    outbox = _Grouped(database, fences=lambda _: None)
    *sending, other = await _append_for_guilds(ingestion, scope, make_notice(1))
    messages = [_build_message(one, 0, nonce=f"n{one.guild_id}") for one in sending]
    await asyncio.gather(*(outbox.prepare_message(one.guild_id, one) for one in messages))
    for message in messages:
        assert await outbox.list_prepared(message.guild_id) == (message,)
    marks = [outbox.mark_sent(one.guild_id, one, message_id=9, at=NOW) for one in messages]
    await asyncio.gather(*marks)
    for message in messages:
        assert await outbox.list_prepared(message.guild_id) == ()
        assert await outbox.list_feeds(message.guild_id) == ()
    assert await outbox.list_feeds(other.guild_id) == (Feed(other, KIND),)
    assert outbox.sizes == [3, 3]


async def test_message_that_cannot_be_stored_stops_no_other_guild(
    database: SafeDatabase, scope: ServerScope
) -> None:
    """Each message of the failed group is stored alone, and later the bad one shares with no other."""
    outbox = _Grouped(database, fences=lambda _: None)
    good, bad, fine = (
        _build_message(replace(scope, guild_id=GuildId(number)), 0, nonce=f"n{number}")
        for number in (1, 2, 3)
    )
    bad = replace(bad, channel_id=ChannelId(2**70))
    for sizes in ([3, 1, 1, 1], [1, 2]):
        outbox.sizes.clear()
        writes = [outbox.prepare_message(one.guild_id, one) for one in (good, bad, fine)]
        outcomes = await asyncio.gather(*writes, return_exceptions=True)
        assert [outcome is None for outcome in outcomes] == [True, False, True]
        assert outbox.sizes == sizes
    for message in (good, fine):
        assert await outbox.list_prepared(message.guild_id) == (message,)


async def test_guilds_of_several_leases_share_no_transaction(
    database: SafeDatabase, scope: ServerScope
) -> None:
    """Each transaction checks the one lease that guards it."""
    outbox = _Grouped(database, fences=lambda guild_id: Fence(guild_id % 2, token=1, guild_id=guild_id))
    scopes = [replace(scope, guild_id=GuildId(number)) for number in (1, 2)]
    writes = [outbox.prepare_message(one.guild_id, _build_message(one, 0)) for one in scopes]
    outcomes = await asyncio.gather(*writes, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [LeaseLostError] * 2
    assert outbox.sizes == [1, 1]


async def test_message_takes_from_several_servers_of_its_guild_and_from_no_other_guild(
    outbox: OutboxRepository,
    ingestion: IngestionRepository,
    scope: ServerScope,
    entries: tuple[OutboxEntry, ...],
    make_notice: Callable[[int], DeathNotice],
) -> None:
    """Numbers belong to a feed; the same numbers of other feeds and guilds stay."""
    second = ServerScope(scope.guild_id, ServerId("second"))
    foreign = ServerScope(GuildId(scope.guild_id + 1), scope.server_id)

    def append(unit: IngestionTransaction) -> None:
        unit.append_notices([make_notice(7), make_notice(8)], created_at=NOW)

    for one in (second, foreign):
        await ingestion.in_transaction(one, append)
    keys = (EntryKey(Feed(second, KIND), 1), EntryKey(Feed(scope, KIND), 0), EntryKey(Feed(scope, KIND), 2))
    message = OutgoingMessage(scope.guild_id, ChannelId(5), keys, "n1", NOW)
    await outbox.prepare_message(scope.guild_id, message)
    assert [entry.key for entry in await outbox.list_entries(scope.guild_id, keys)] == list(keys)
    assert await outbox.list_feeds(scope.guild_id) == tuple(sorted([Feed(scope, KIND), Feed(second, KIND)]))
    assert await outbox.list_prepared(foreign.guild_id) == ()
    await outbox.mark_sent(scope.guild_id, message, message_id=1, at=NOW)
    assert await _list_pending(outbox, scope, KIND, limit=9) == (entries[1], entries[3])
    assert [entry.sequence for entry in await _list_pending(outbox, second, KIND, limit=9)] == [0]
    assert len(await _list_pending(outbox, foreign, KIND, limit=9)) == 2


async def test_notices_of_a_dropped_message_are_still_there(
    outbox: OutboxRepository, scope: ServerScope, entries: tuple[OutboxEntry, ...]
) -> None:
    """Notices that were not sent stay in the outbox."""
    guild_id = scope.guild_id
    await outbox.prepare_message(guild_id, _build_message(scope, 0, 1))
    await outbox.discard_entries(guild_id, _build_message(scope, 1, 3).entries)
    await outbox.drop_message(guild_id, "n1")
    assert await outbox.list_prepared(guild_id) == ()
    assert await _list_pending(outbox, scope, KIND, limit=9) == (entries[0], entries[2])


async def test_old_notices_of_a_feed_are_dropped(
    outbox: OutboxRepository, scope: ServerScope, entries: tuple[OutboxEntry, ...]
) -> None:
    """Notices that could not be delivered for too long are dropped."""
    assert await outbox.drop_entries(scope, BOUNTIES, before=NOW + timedelta(days=1)) == 0
    assert await outbox.drop_entries(scope, KIND, before=NOW + timedelta(minutes=2)) == 2
    assert await _list_pending(outbox, scope, KIND, limit=9) == entries[2:]


async def test_many_old_notices_are_dropped_in_transactions_of_a_thousand(
    database: SafeDatabase, scope: ServerScope, make_notice: Callable[[int], DeathNotice]
) -> None:
    """No transaction is too long to end, with any number of notices; newer ones stay."""

    class Counted(OutboxRepository):
        """Records the result of each transaction."""

        results: ClassVar[list[object]] = []

        async def _write(self, guild_id: GuildId, work: Work[T]) -> T:
            result = await super()._write(guild_id, work)
            self.results.append(result)
            return result

    outbox = Counted(database, fences=lambda _: None)
    documents = [
        build_entry_document(make_notice(1), sequence=number, due_at=NOW + timedelta(seconds=number))
        for number in range(2_600)
    ]
    await ScopedCollection.of_server(database, "outbox", scope).insert_many(documents)
    assert await outbox.drop_entries(scope, KIND, before=NOW + timedelta(seconds=2_500)) == 2_500
    assert outbox.results == [1_000, 1_000, 500]
    assert len(await _list_pending(outbox, scope, KIND, limit=999)) == 100


async def test_notices_are_due_later_by_the_delay_of_their_kind(
    outbox: OutboxRepository,
    ingestion: IngestionRepository,
    scope: ServerScope,
    make_notice: Callable[[int], DeathNotice],
) -> None:
    """The delay of the killfeed concerns no bounty."""
    bounty = BountyNotice(
        event_id=b"1", event=BountyEvent.EXPIRED, server_name="Server", target_name="Ann", amount=500, at=NOW
    )
    delays = {ChannelKind.KILLFEED: timedelta(minutes=5)}
    await ingestion.in_transaction(
        scope, lambda unit: unit.append_notices([make_notice(1), bounty], created_at=NOW, delays=delays)
    )
    due_at = [
        entry.due_at
        for kind in (ChannelKind.KILLFEED, ChannelKind.BOUNTIES)
        for entry in await _list_pending(outbox, scope, kind, limit=10)
    ]
    assert due_at == [NOW + timedelta(minutes=5), NOW]


async def test_newest_sent_message_of_a_channel_is_known(
    outbox: OutboxRepository, scope: ServerScope
) -> None:
    """Messages that are not sent yet, and those of other channels, do not count."""
    guild_id = scope.guild_id
    assert await outbox.find_last_sent(guild_id, ChannelId(7)) == 0
    for number, channel in enumerate((7, 7, 8, 7)):
        at = NOW + timedelta(seconds=number)
        message = OutgoingMessage(guild_id, ChannelId(channel), (), f"nonce {number}", at)
        await outbox.prepare_message(guild_id, message)
        if number < 3:
            await outbox.mark_sent(guild_id, message, message_id=100 + number, at=at)
    assert await outbox.find_last_sent(guild_id, ChannelId(7)) == 101


async def test_what_would_wait_behind_a_thousand_others_is_left_out(
    outbox: OutboxRepository,
    ingestion: IngestionRepository,
    scope: ServerScope,
    make_notice: Callable[[int], DeathNotice],
) -> None:
    """Notices above the limit are dropped, and each kind has its own limit; later ones are kept again."""

    async def append(count: int, **options: bool) -> AppendedNotices:
        def work(unit: IngestionTransaction) -> AppendedNotices:
            return unit.append_notices([make_notice(1)] * count, created_at=NOW, **options)

        return await ingestion.in_transaction(scope, work)

    async def count_waiting() -> int:
        return len(await _list_pending(outbox, scope, KIND, limit=5_000))

    assert await append(WAITING_MAXIMUM - 1) == AppendedNotices(0, left_out=0)
    assert await append(3, changes_counters=True) == AppendedNotices(1, left_out=2)
    assert await append(5) == AppendedNotices(1, left_out=5)
    assert await count_waiting() == WAITING_MAXIMUM
    first = await _list_pending(outbox, scope, KIND, limit=10)
    await outbox.discard_entries(scope.guild_id, [entry.key for entry in first])
    assert await append(11) == AppendedNotices(1, left_out=1)
    assert await count_waiting() == WAITING_MAXIMUM
    await outbox.drop_entries(scope, KIND, before=NOW + timedelta(days=1))
    assert await append(WAITING_MAXIMUM + 1) == AppendedNotices(1, left_out=1)
    bounty = BountyNotice(
        event_id=b"1", event=BountyEvent.EXPIRED, server_name="Server", target_name="Ann", amount=500, at=NOW
    )

    def other_kind(unit: IngestionTransaction) -> AppendedNotices:
        return unit.append_notices([bounty], created_at=NOW)

    assert await ingestion.in_transaction(scope, other_kind) == AppendedNotices(1, left_out=0)


async def test_sent_messages_are_pruned(
    outbox: OutboxRepository, scope: ServerScope, entries: tuple[OutboxEntry, ...]
) -> None:
    """A sent message is kept for a while; a prepared one stays."""
    assert entries
    sent, waiting = _build_message(scope, 0), _build_message(scope, 1, nonce="n2")
    for message in (sent, waiting):
        await outbox.prepare_message(scope.guild_id, message)
    await outbox.mark_sent(scope.guild_id, sent, message_id=1, at=NOW)
    moments = (NOW, NOW + timedelta(seconds=1))
    assert [await outbox.prune_sent(scope.guild_id, before=moment) for moment in moments] == [0, 1]
    assert await outbox.list_prepared(scope.guild_id) == (waiting,)


async def test_each_kind_of_channel_is_an_order_of_its_own(
    outbox: OutboxRepository,
    ingestion: IngestionRepository,
    scope: ServerScope,
    entries: tuple[OutboxEntry, ...],
) -> None:
    """Each kind of channel has its own numbers, and is sent and dropped separately."""
    at = NOW + timedelta(minutes=1)
    placed = BountyNotice(
        event_id=b"1",
        event=BountyEvent.PLACED,
        server_name="Server",
        target_name="Ann",
        amount=500,
        at=at,
        placer_id=MemberId(7),
        ends_at=at,
    )
    claimed = BountyNotice(
        event_id=b"2",
        event=BountyEvent.CLAIMED,
        server_name="Server",
        target_name="Ann",
        amount=900,
        at=at,
        count=2,
        claimer_id=MemberId(8),
        claimer_name="Bob",
    )

    def append(unit: IngestionTransaction) -> None:
        unit.append_notices([placed, claimed], created_at=NOW)

    await ingestion.in_transaction(scope, append)
    expected = tuple(
        OutboxEntry(scope, number, BOUNTIES, notice, NOW) for number, notice in enumerate((placed, claimed))
    )
    assert await outbox.list_feeds(scope.guild_id) == (Feed(scope, BOUNTIES), Feed(scope, KIND))
    assert await _list_pending(outbox, scope, BOUNTIES, limit=9) == expected
    message = OutgoingMessage(scope.guild_id, ChannelId(6), (expected[0].key,), "n9", NOW)
    await outbox.prepare_message(scope.guild_id, message)
    await outbox.mark_sent(scope.guild_id, message, message_id=1, at=NOW)
    assert await _list_pending(outbox, scope, BOUNTIES, limit=9) == expected[1:]
    await outbox.discard_entries(scope.guild_id, [expected[1].key])
    assert await outbox.list_feeds(scope.guild_id) == (Feed(scope, KIND),)
    assert await _list_pending(outbox, scope, KIND, limit=9) == entries


async def test_every_write_is_refused_when_the_lease_is_lost(
    database: SafeDatabase, scope: ServerScope, entries: tuple[OutboxEntry, ...]
) -> None:
    """A process that lost its shard delivers nothing more."""
    outbox = OutboxRepository(database, fences=lambda _: Fence(shard=0, token=1))
    message = _build_message(scope, 0)
    writes = [
        outbox.prepare_message(scope.guild_id, message),
        outbox.mark_sent(scope.guild_id, message, message_id=1, at=NOW),
        outbox.drop_entries(scope, KIND, before=NOW + timedelta(days=1)),
        outbox.discard_entries(scope.guild_id, message.entries),
        outbox.drop_message(scope.guild_id, "n1"),
    ]
    for write in writes:
        with pytest.raises(LeaseLostError):
            await write
    assert await _list_pending(outbox, scope, KIND, limit=9) == entries
