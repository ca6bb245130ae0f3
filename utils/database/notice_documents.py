"""How notices wait in the outbox, and how the messages made of them are stored."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from utils.models.deaths import DeathKind
from utils.models.guilds import ChannelKind
from utils.models.notices import DeathNotice, MessageState, OutboxEntry, OutgoingMessage
from utils.models.scope import ChannelId, ServerScope

Document = dict[str, Any]

_NOTICE_FIELDS = tuple(field.name for field in fields(DeathNotice))


def build_entry_document(notice: DeathNotice, *, sequence: int, created_at: datetime) -> Document:
    """Return a notice as it waits; ``nonce`` names the message it becomes part of."""
    facts = {name: getattr(notice, name) for name in _NOTICE_FIELDS}
    return {
        "sequence": sequence,
        "channel_kind": ChannelKind.KILLFEED.value,
        "notice": {**facts, "kind": notice.kind.value},
        "created_at": created_at,
        "nonce": None,
    }


def read_entry(scope: ServerScope, document: Document) -> OutboxEntry:
    """Return the outbox entry of a stored document."""
    facts: Mapping[str, Any] = document["notice"]
    return OutboxEntry(
        scope=scope,
        sequence=document["sequence"],
        channel_kind=ChannelKind(document["channel_kind"]),
        notice=DeathNotice(**{**facts, "kind": DeathKind(facts["kind"])}),
        created_at=document["created_at"],
    )


def build_message_document(message: OutgoingMessage) -> Document:
    """Return a message as it is stored."""
    return {
        "channel_id": int(message.channel_id),
        "sequences": list(message.sequences),
        "nonce": message.nonce,
        "prepared_at": message.prepared_at,
        "first_tried_at": message.first_tried_at,
        "state": message.state.value,
    }


def read_message(scope: ServerScope, document: Document) -> OutgoingMessage:
    """Return the message of a stored document."""
    return OutgoingMessage(
        scope=scope,
        channel_id=ChannelId(document["channel_id"]),
        sequences=tuple(document["sequences"]),
        nonce=document["nonce"],
        prepared_at=document["prepared_at"],
        first_tried_at=document["first_tried_at"],
        state=MessageState(document["state"]),
    )
