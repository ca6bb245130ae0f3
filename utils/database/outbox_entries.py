"""Putting notices behind those that wait, inside the transaction of what they tell about."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from utils.database.database import Document, SafeDatabase
from utils.database.notice_documents import build_entry_document
from utils.database.scoped import ScopedCollection
from utils.database.server_numbers import draw_numbers
from utils.database.sessions import Session
from utils.models.guilds import ChannelKind
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
    if notices:
        numbers = await draw_numbers(database, scope, notices=count_kinds(notices), session=session)
        documents = number_entries(notices, numbers.first, created_at=created_at)
        await ScopedCollection.of_server(database, "outbox", scope).insert_many(documents, session=session)


def count_kinds(notices: Sequence[Notice]) -> Mapping[ChannelKind, int]:
    """Return how many notices there are for each kind of channel."""
    return Counter(notice.channel_kind for notice in notices)


def number_entries(
    notices: Sequence[Notice], first: Mapping[ChannelKind, int], *, created_at: datetime
) -> list[Document]:
    """Return notices as stored, numbered from the first number of their kind."""
    free = dict(first)
    documents: list[Document] = []
    for notice in notices:
        kind = notice.channel_kind
        documents.append(build_entry_document(notice, sequence=free[kind], created_at=created_at))
        free[kind] += 1
    return documents
