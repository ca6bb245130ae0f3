"""How notices wait in the outbox, and how the messages made of them are stored."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from utils.models.deaths import DeathKind
from utils.models.guilds import ChannelKind
from utils.models.notices import (
    BountyEvent,
    BountyNotice,
    DeathNotice,
    MessageState,
    Notice,
    OutboxEntry,
    OutgoingMessage,
)
from utils.models.scope import ChannelId, ServerScope

Document = dict[str, Any]


def build_entry_document(notice: Notice, *, sequence: int, created_at: datetime) -> Document:
    """Return a notice as it waits; ``nonce`` names the message it becomes part of."""
    facts = {field.name: getattr(notice, field.name) for field in fields(notice)}
    return {
        "sequence": sequence,
        "channel_kind": notice.channel_kind.value,
        "notice": {name: str(fact) if isinstance(fact, str) else fact for name, fact in facts.items()},
        "created_at": created_at,
        "nonce": None,
    }


def read_entry(scope: ServerScope, document: Document) -> OutboxEntry:
    """Return the outbox entry of a stored document."""
    channel_kind = ChannelKind(document["channel_kind"])
    return OutboxEntry(
        scope=scope,
        sequence=document["sequence"],
        channel_kind=channel_kind,
        notice=_read_notice(channel_kind, document["notice"]),
        created_at=document["created_at"],
    )


def build_message_document(message: OutgoingMessage) -> Document:
    """Return a message as it is stored."""
    return {
        "channel_kind": message.channel_kind.value,
        "channel_id": int(message.channel_id),
        "sequences": list(message.sequences),
        "nonce": message.nonce,
        "prepared_at": message.prepared_at,
        "state": message.state.value,
    }


def read_message(scope: ServerScope, document: Document) -> OutgoingMessage:
    """Return the message of a stored document."""
    return OutgoingMessage(
        scope=scope,
        channel_kind=ChannelKind(document["channel_kind"]),
        channel_id=ChannelId(document["channel_id"]),
        sequences=tuple(document["sequences"]),
        nonce=document["nonce"],
        prepared_at=document["prepared_at"],
        state=MessageState(document["state"]),
    )


def _read_notice(kind: ChannelKind, facts: Mapping[str, Any]) -> Notice:
    if kind is ChannelKind.BOUNTIES:
        return BountyNotice(**{**facts, "event": BountyEvent(facts["event"])})
    return DeathNotice(**{**facts, "kind": DeathKind(facts["kind"])})
