"""How the notices of the outbox and the messages made of them are stored."""

from datetime import datetime
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from utils.models.guilds import ChannelKind
from utils.models.notices.kinds import NOTICE_KINDS, NoticeKinds
from utils.models.notices.notice import Notice
from utils.models.notices.outbox import EntryKey, Feed, MessageState, OutboxEntry, OutgoingMessage
from utils.models.post_styles import PostShape, PostStyle
from utils.models.scope import ChannelId, GuildId, ServerId, ServerScope

Document = dict[str, Any]


def build_entry_document(
    notice: Notice, *, sequence: int, due_at: datetime, kinds: NoticeKinds = NOTICE_KINDS
) -> Document:
    """Return the document of a notice in the outbox."""
    kind = kinds.get_for(notice)
    return {
        "sequence": sequence,
        "channel_kind": kind.channel_kind.value,
        "type": kind.name,
        "notice": _get_codec(kind.model).dump_python(notice),
        "due_at": due_at,
    }


def read_entry(scope: ServerScope, document: Document, kinds: NoticeKinds = NOTICE_KINDS) -> OutboxEntry:
    """Return the outbox entry of a stored document.

    Raises:
        KeyError, ValueError: it does not hold a known notice.
    """
    kind = kinds.get(document["type"])
    return OutboxEntry(
        scope=scope,
        sequence=document["sequence"],
        channel_kind=ChannelKind(document["channel_kind"]),
        notice=_get_codec(kind.model).validate_python(document["notice"]),
        due_at=document["due_at"],
    )


def build_message_document(message: OutgoingMessage) -> Document:
    """Return the document of a message."""
    return {
        "channel_id": int(message.channel_id),
        "entries": [
            {
                "server_id": str(key.feed.scope.server_id),
                "channel_kind": key.feed.channel_kind.value,
                "sequence": key.sequence,
            }
            for key in message.entries
        ],
        "nonce": message.nonce,
        "prepared_at": message.prepared_at,
        "state": message.state.value,
        "language": message.language,
        "style": message.shape.style.value,
        "names_servers": message.shape.names_servers,
        **({"event_ids": list(message.event_ids)} if message.event_ids else {}),
    }


def read_message(guild_id: GuildId, document: Document) -> OutgoingMessage:
    """Return the message of a stored document."""
    return OutgoingMessage(
        guild_id=guild_id,
        channel_id=ChannelId(document["channel_id"]),
        entries=tuple(
            EntryKey(read_feed(guild_id, entry), entry["sequence"]) for entry in document["entries"]
        ),
        nonce=document["nonce"],
        prepared_at=document["prepared_at"],
        state=MessageState(document["state"]),
        language=document["language"],
        shape=PostShape(PostStyle(document["style"]), names_servers=document["names_servers"]),
        event_ids=tuple(document.get("event_ids", ())),
    )


def read_feed(guild_id: GuildId, document: Document) -> Feed:
    """Return the feed that a document names."""
    scope = ServerScope(guild_id, ServerId(document["server_id"]))
    return Feed(scope, ChannelKind(document["channel_kind"]))


@cache
def _get_codec(model: type[Notice]) -> TypeAdapter[Notice]:
    """Return the builder and reader of the facts of a kind, by the types of its fields."""
    return TypeAdapter(model)
