"""Putting notices behind those that wait, inside the transaction of what they tell about."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from utils.database.database import Document, SafeDatabase
from utils.database.notice_documents import build_entry_document
from utils.database.scoped import ScopedCollection
from utils.database.server_numbers import draw_numbers
from utils.database.sessions import Session
from utils.models.notices import Notice
from utils.models.scope import ServerScope


async def append_entries(
    database: SafeDatabase,
    scope: ServerScope,
    notices: Sequence[Notice],
    *,
    created_at: datetime,
    session: Session,
) -> None:
    """Add notices to a server's outbox, each behind those for the same kind of channel."""
    documents, _ = await draw_entries(database, scope, notices, created_at=created_at, session=session)
    await ScopedCollection.of_server(database, "outbox", scope).insert_many(documents, session=session)


async def draw_entries(
    database: SafeDatabase,
    scope: ServerScope,
    notices: Sequence[Notice],
    *,
    created_at: datetime,
    changes_counters: bool = False,
    session: Session,
) -> tuple[list[Document], int]:
    """Number notices, and count the batch when it changes counters.

    Returns:
        the notices as they are to be stored, and how many batches have changed counters so far (0 when
        nothing had to be drawn).
    """
    if not notices and not changes_counters:
        return [], 0
    counts = Counter(notice.channel_kind for notice in notices)
    numbers = await draw_numbers(
        database, scope, notices=counts, changes_counters=changes_counters, session=session
    )
    free = dict(numbers.first)
    documents: list[Document] = []
    for notice in notices:
        kind = notice.channel_kind
        documents.append(build_entry_document(notice, sequence=free[kind], created_at=created_at))
        free[kind] += 1
    return documents, numbers.batches
