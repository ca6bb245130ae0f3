"""Tests of the outbox: each notice is sent once, in order."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from utils.database.database import Fence, SafeDatabase
from utils.database.repositories.ingestion import IngestionRepository, TransactionUnit
from utils.database.repositories.outbox import OutboxRepository
from utils.errors import LeaseLostError, StorageConflictError
from utils.models.guilds import ChannelKind
from utils.models.notices import BountyEvent, BountyNotice, DeathNotice, OutboxEntry, OutgoingMessage
from utils.models.scope import ChannelId, MemberId, ServerScope

NOW = datetime(2025, 4, 30, 12, tzinfo=UTC)
KIND, BOUNTIES = ChannelKind.KILLFEED, ChannelKind.BOUNTIES
Append = Callable[..., object]


@pytest.fixture(name="entries")
async def _entries(
    ingestion: IngestionRepository, scope: ServerScope, make_notice: Callable[[int], DeathNotice]
) -> tuple[OutboxEntry, ...]:
    """Return four notices that wait, one minute after the other."""
    for number in range(4):

        async def append(unit: TransactionUnit, number: int = number) -> None:
            await unit.append_notices([make_notice(number)], created_at=NOW + timedelta(minutes=number))

        await ingestion.in_transaction(scope, append)
    return tuple(
        OutboxEntry(scope, number, ChannelKind.KILLFEED, make_notice(number), NOW + timedelta(minutes=number))
        for number in range(4)
    )


def _build_message(scope: ServerScope, *sequences: int, nonce: str = "n1") -> OutgoingMessage:
    return OutgoingMessage(scope, KIND, ChannelId(5), sequences, nonce, prepared_at=NOW)


async def test_notices_wait_in_order_and_leave_when_their_message_is_sent(
    outbox: OutboxRepository, database: SafeDatabase, scope: ServerScope, entries: tuple[OutboxEntry, ...]
) -> None:
    """Prepared notices wait no more; sent ones are gone."""
    assert await outbox.list_pending(scope, KIND, limit=3) == entries[:3]
    message = _build_message(scope, 0, 1)
    await outbox.prepare_message(scope, message)
    assert await outbox.list_pending(scope, KIND, limit=9) == entries[2:]
    assert await outbox.find_prepared(scope, KIND) == message
    assert await outbox.list_entries(scope, KIND, [1, 0, 77]) == entries[:2]
    await outbox.mark_sent(scope, "n1", message_id=99, at=NOW)
    assert (await outbox.find_prepared(scope, KIND), await outbox.list_entries(scope, KIND, [0, 1])) == (
        None,
        (),
    )
    [stored] = await database.unscoped("messages").find().to_list(None)
    assert (stored["state"], stored["message_id"], stored["sent_at"]) == ("sent", 99, NOW)


async def test_notice_is_never_in_two_messages(
    outbox: OutboxRepository, scope: ServerScope, entries: tuple[OutboxEntry, ...]
) -> None:
    """A message over a notice that is taken or gone is not prepared at all."""
    await outbox.prepare_message(scope, _build_message(scope, 0, 1))
    for sequences in ((1, 2), (3, 4)):
        with pytest.raises(StorageConflictError):
            await outbox.prepare_message(scope, _build_message(scope, *sequences, nonce="n2"))
    assert await outbox.list_pending(scope, KIND, limit=9) == entries[2:]


async def test_notices_of_a_dropped_message_wait_again(
    outbox: OutboxRepository, scope: ServerScope, entries: tuple[OutboxEntry, ...]
) -> None:
    """What was not sent is still news."""
    await outbox.prepare_message(scope, _build_message(scope, 0, 1))
    await outbox.discard_entries(scope, KIND, [1, 3])
    await outbox.drop_message(scope, "n1")
    assert await outbox.find_prepared(scope, KIND) is None
    assert await outbox.list_pending(scope, KIND, limit=9) == (entries[0], entries[2])


async def test_old_notices_are_dropped_but_not_those_on_their_way(
    outbox: OutboxRepository, scope: ServerScope, entries: tuple[OutboxEntry, ...]
) -> None:
    """What could not be delivered for too long is no news any more."""
    await outbox.prepare_message(scope, _build_message(scope, 0))
    assert await outbox.drop_entries(scope, KIND, before=NOW + timedelta(minutes=2)) == 1
    assert await outbox.list_pending(scope, KIND, limit=9) == entries[2:]
    assert await outbox.list_entries(scope, KIND, [0, 1]) == entries[:1]


async def test_sent_messages_are_pruned(
    outbox: OutboxRepository, scope: ServerScope, entries: tuple[OutboxEntry, ...]
) -> None:
    """A sent message is kept for a while and no longer; one on its way stays."""
    assert entries
    await outbox.prepare_message(scope, _build_message(scope, 0))
    await outbox.prepare_message(scope, _build_message(scope, 1, nonce="n2"))
    await outbox.mark_sent(scope, "n1", message_id=1, at=NOW)
    later = NOW + timedelta(seconds=1)
    assert (await outbox.prune_sent(scope, before=NOW), await outbox.prune_sent(scope, before=later)) == (
        0,
        1,
    )
    message = await outbox.find_prepared(scope, KIND)
    assert message is not None
    assert message.nonce == "n2"


async def test_each_kind_of_channel_is_an_order_of_its_own(
    outbox: OutboxRepository, ingestion: IngestionRepository, scope: ServerScope, neighbour: ServerScope
) -> None:
    """Kinds are numbered, prepared, sent and dropped by themselves."""
    at = NOW + timedelta(minutes=1)
    placed = BountyNotice(
        b"1", BountyEvent.PLACED, "Server", "Ann", 500, at, placer_id=MemberId(7), ends_at=at
    )
    claimed = BountyNotice(
        b"2", BountyEvent.CLAIMED, "Server", "Ann", 900, at, 2, claimer_id=MemberId(8), claimer_name="Bob"
    )

    async def append(unit: TransactionUnit) -> None:
        await unit.append_notices([placed, claimed], created_at=NOW)

    for one in (scope, neighbour):
        await ingestion.in_transaction(one, append)
    expected = tuple(
        OutboxEntry(scope, number, BOUNTIES, notice, NOW) for number, notice in enumerate((placed, claimed))
    )
    assert await outbox.list_kinds(scope) == (BOUNTIES,)
    assert await outbox.list_pending(scope, BOUNTIES, limit=9) == expected
    assert await outbox.list_pending(scope, KIND, limit=9) == ()
    message = OutgoingMessage(scope, BOUNTIES, ChannelId(6), (0,), "n9", NOW)
    await outbox.prepare_message(scope, message)
    assert await outbox.find_prepared(scope, BOUNTIES) == message
    assert await outbox.find_prepared(scope, KIND) is None
    assert await outbox.drop_entries(scope, KIND, before=NOW + timedelta(days=1)) == 0
    await outbox.mark_sent(scope, "n9", message_id=1, at=NOW)
    assert await outbox.list_pending(scope, BOUNTIES, limit=9) == expected[1:]
    await outbox.discard_entries(scope, BOUNTIES, [1])
    assert (await outbox.list_kinds(scope), await outbox.list_kinds(neighbour)) == ((), (BOUNTIES,))


async def test_both_kinds_have_a_message_on_its_way_when_numbers_are_the_same(
    outbox: OutboxRepository,
    ingestion: IngestionRepository,
    scope: ServerScope,
    entries: tuple[OutboxEntry, ...],
) -> None:
    """A message takes the notices of its own kind alone."""
    assert entries
    expired = BountyNotice(b"1", BountyEvent.EXPIRED, "Server", "Ann", 500, NOW)

    async def append(unit: TransactionUnit) -> None:
        await unit.append_notices([expired], created_at=NOW)

    await ingestion.in_transaction(scope, append)
    assert await outbox.list_kinds(scope) == (BOUNTIES, KIND)
    await outbox.prepare_message(scope, _build_message(scope, 0))
    await outbox.prepare_message(scope, OutgoingMessage(scope, BOUNTIES, ChannelId(6), (0,), "n2", NOW))
    await outbox.mark_sent(scope, "n1", message_id=1, at=NOW)
    await outbox.drop_message(scope, "n2")
    assert await outbox.list_pending(scope, KIND, limit=9) == entries[1:]
    assert await outbox.list_pending(scope, BOUNTIES, limit=9) == (
        OutboxEntry(scope, 0, BOUNTIES, expired, NOW),
    )


async def test_every_write_is_refused_when_the_lease_is_lost(
    database: SafeDatabase, scope: ServerScope, entries: tuple[OutboxEntry, ...]
) -> None:
    """A process that lost its shard delivers nothing more."""
    outbox = OutboxRepository(database, fences=lambda _: Fence(shard=0, token=1))
    writes = [
        outbox.prepare_message(scope, _build_message(scope, 0)),
        outbox.mark_sent(scope, "n1", message_id=1, at=NOW),
        outbox.drop_entries(scope, KIND, before=NOW + timedelta(days=1)),
        outbox.discard_entries(scope, KIND, [0]),
        outbox.drop_message(scope, "n1"),
    ]
    for write in writes:
        with pytest.raises(LeaseLostError):
            await write
    assert await outbox.list_pending(scope, KIND, limit=9) == entries
