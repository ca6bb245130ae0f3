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
    EntryKey,
    Feed,
    MessageState,
    Notice,
    OutboxEntry,
    OutgoingMessage,
)
from utils.models.scope import ChannelId, GuildId, ServerId, ServerScope

Document = dict[str, Any]


def build_entry_document(notice: Notice, *, sequence: int, created_at: datetime) -> Document:
    """Return a notice as it waits."""
    facts = {field.name: getattr(notice, field.name) for field in fields(notice)}
    return {
        "sequence": sequence,
        "channel_kind": notice.channel_kind.value,
        "notice": {name: str(fact) if isinstance(fact, str) else fact for name, fact in facts.items()},
        "created_at": created_at,
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
    )


def read_feed(guild_id: GuildId, document: Document) -> Feed:
    """Return the feed that something stored names."""
    scope = ServerScope(guild_id, ServerId(document["server_id"]))
    return Feed(scope, ChannelKind(document["channel_kind"]))


def _read_notice(kind: ChannelKind, facts: Mapping[str, Any]) -> Notice:
    if kind is ChannelKind.BOUNTIES:
        return BountyNotice(**{**facts, "event": BountyEvent(facts["event"])})
    return DeathNotice(**{**facts, "kind": DeathKind(facts["kind"])})
