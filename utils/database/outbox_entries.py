"""Putting notices behind those that wait, inside the transaction of what they tell about."""

from collections.abc import Sequence
from datetime import datetime

from utils.database.database import SafeDatabase
from utils.database.notice_documents import build_entry_document
from utils.database.scoped import ScopedCollection
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
    for kind in ChannelKind:
        own = [notice for notice in notices if notice.channel_kind is kind]
        if own:
            await _append(database, scope, kind, own, created_at=created_at, session=session)


async def _append(
    database: SafeDatabase,
    scope: ServerScope,
    kind: ChannelKind,
    notices: Sequence[Notice],
    *,
    created_at: datetime,
    session: Session,
) -> None:
    # whoever draws from a counter holds it until the end of its transaction, so numbers follow commits
    counter = await ScopedCollection.of_server(database, "cursors", scope).find_one_and_update(
        {"kind": "sequence", "world": "", "name": kind.value},
        {"$inc": {"next": len(notices)}},
        session=session,
    )
    first = counter["next"] - len(notices)
    documents = [
        build_entry_document(notice, sequence=first + place, created_at=created_at)
        for place, notice in enumerate(notices)
    ]
    await ScopedCollection.of_server(database, "outbox", scope).insert_many(documents, session=session)
