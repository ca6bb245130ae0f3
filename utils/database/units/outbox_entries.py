"""Adds notices to the outbox in the transaction that stores their event."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

from utils.database.core.operations import Document
from utils.database.core.transaction import Transaction
from utils.database.documents.notice_documents import build_entry_document
from utils.database.units.server_numbers import Draw, ServerNumbers, draw_numbers, note_capacity
from utils.models.guilds import ChannelKind
from utils.models.notices.kinds import NOTICE_KINDS, NoticeKinds
from utils.models.notices.notice import Notice
from utils.models.notices.outbox import NO_DELAYS, WAITING_MAXIMUM, AppendedNotices, Delays
from utils.models.scope import ServerScope


def append_entries(
    transaction: Transaction,
    scope: ServerScope,
    notices: Sequence[Notice],
    *,
    created_at: datetime,
    kinds: NoticeKinds = NOTICE_KINDS,
) -> None:
    """Append notices to a server's outbox, numbered for each kind of channel."""
    draw = partial(draw_numbers, transaction, scope)
    documents, _ = draw_entries(transaction, scope, notices, draw, created_at=created_at, kinds=kinds)
    transaction.insert("outbox", transaction.of_server("outbox", scope).build_documents(documents))


def draw_entries(
    transaction: Transaction,
    scope: ServerScope,
    notices: Sequence[Notice],
    draw: Callable[[Draw], ServerNumbers],
    *,
    created_at: datetime,
    delays: Delays = NO_DELAYS,
    changes_counters: bool = False,
    kinds: NoticeKinds = NOTICE_KINDS,
) -> tuple[list[Document], AppendedNotices]:
    """Number notices, and count the batch when it changes counters.

    Returns:
        the documents to insert, and how many notices were dropped.
    """
    if not notices and not changes_counters:
        return [], AppendedNotices()
    counts = Counter(kinds.get_for(notice).channel_kind for notice in notices)
    numbers = draw(Draw(counts, changes_counters))
    capacity: dict[ChannelKind, int] = {}
    for kind, count in counts.items():
        first, capacity[kind] = numbers.first[kind], numbers.capacity[kind]
        if first + count > capacity[kind]:
            capacity[kind] = first + _count_capacity(transaction, scope, kind)
            note_capacity(transaction, scope, kind, capacity[kind])
    free = dict(numbers.first)
    documents: list[Document] = []
    for notice in notices:
        kind = kinds.get_for(notice).channel_kind
        if free[kind] < capacity[kind]:
            due_at = created_at + delays.get(kind, timedelta())
            documents.append(build_entry_document(notice, sequence=free[kind], due_at=due_at, kinds=kinds))
        free[kind] += 1
    return documents, AppendedNotices(numbers.batches, left_out=len(notices) - len(documents))


def _count_capacity(transaction: Transaction, scope: ServerScope, kind: ChannelKind) -> int:
    """Count how many more notices fit. Called only when the remembered capacity is used up."""
    waiting = transaction.of_server("outbox", scope).find(
        {"channel_kind": kind.value},
        projection={"_id": 0, "sequence": 1},
        limit=WAITING_MAXIMUM,
        hint="sequence",
    )
    return WAITING_MAXIMUM - len(waiting)
