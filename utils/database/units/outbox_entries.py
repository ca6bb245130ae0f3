"""Putting notices behind those that wait, inside the transaction of what they tell about."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from utils.database.core.database import Document, SafeDatabase
from utils.database.core.scoped import ScopedCollection
from utils.database.core.sessions import Session
from utils.database.documents.notice_documents import build_entry_document
from utils.database.units.server_numbers import draw_numbers, note_room
from utils.models.guilds import ChannelKind
from utils.models.notices.kinds import NOTICE_KINDS, NoticeKinds
from utils.models.notices.notice import Notice
from utils.models.notices.outbox import WAITING_MAXIMUM, Appended
from utils.models.scope import ServerScope


async def append_entries(
    database: SafeDatabase,
    scope: ServerScope,
    notices: Sequence[Notice],
    *,
    created_at: datetime,
    session: Session,
    kinds: NoticeKinds = NOTICE_KINDS,
) -> None:
    """Add notices to a server's outbox, each behind those for the same kind of channel."""
    documents, _ = await draw_entries(
        database, scope, notices, created_at=created_at, session=session, kinds=kinds
    )
    await ScopedCollection.of_server(database, "outbox", scope).insert_many(documents, session=session)


async def draw_entries(
    database: SafeDatabase,
    scope: ServerScope,
    notices: Sequence[Notice],
    *,
    created_at: datetime,
    changes_counters: bool = False,
    session: Session,
    kinds: NoticeKinds = NOTICE_KINDS,
) -> tuple[list[Document], Appended]:
    """Number notices, and count the batch when it changes counters.

    Returns:
        the notices that are to be stored, and what became of all of them.
    """
    if not notices and not changes_counters:
        return [], Appended()
    counts = Counter(kinds.get_for(notice).channel_kind for notice in notices)
    numbers = await draw_numbers(
        database, scope, notices=counts, changes_counters=changes_counters, session=session
    )
    room: dict[ChannelKind, int] = {}
    for kind, count in counts.items():
        first, room[kind] = numbers.first[kind], numbers.room[kind]
        if first + count > room[kind]:
            room[kind] = first + await _count_room(database, scope, kind, session=session)
            await note_room(database, scope, kind, room[kind], session=session)
    free = dict(numbers.first)
    documents: list[Document] = []
    for notice in notices:
        kind = kinds.get_for(notice).channel_kind
        if free[kind] < room[kind]:
            documents.append(
                build_entry_document(notice, sequence=free[kind], created_at=created_at, kinds=kinds)
            )
        free[kind] += 1
    return documents, Appended(numbers.batches, left_out=len(notices) - len(documents))


async def _count_room(
    database: SafeDatabase, scope: ServerScope, kind: ChannelKind, *, session: Session
) -> int:
    """Return how many notices more may wait; asked once in as many notices, and while there is no room."""
    outbox = ScopedCollection.of_server(database, "outbox", scope)
    of_kind = {"channel_kind": kind.value}
    projection = {"_id": 0, "sequence": 1}
    waiting = await outbox.find(
        of_kind, projection=projection, limit=WAITING_MAXIMUM, hint="sequence", session=session
    )
    return WAITING_MAXIMUM - len(waiting)
