"""The audit: who changed what in a guild, and when."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from utils.models.scope import MemberId


class AuditAction(StrEnum):
    """What can be changed, named like the command that changes it."""

    SERVER_ADD = "server add"
    SERVER_EDIT = "server edit"
    SERVER_ANNOUNCE = "server announce"
    SERVER_REMOVE = "server remove"
    SERVER_IMPORT = "server import"
    SERVER_HOSTKEY = "server hostkey"
    CHANNEL_SET = "channel set"
    CHANNEL_CLEAR = "channel clear"
    ROLE = "role"
    BOUNTIES = "bounty"
    WALLET = "wallet"
    BOARD_POST = "board post"
    BOARD_REMOVE = "board remove"
    LINK_ASK = "link ask"
    LINK_CONFIRM = "link confirm"
    LINK_REMOVE = "link remove"
    PREMIUM_GRANT = "premium grant"
    PREMIUM_REVOKE = "premium revoke"
    PREMIUM_END = "premium end"
    DATA_EXPORT = "data export"
    DATA_ERASE = "data erase"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change.

    Attributes:
        actor_id: who made it; None for the bot itself, for example when a time was up.
        action: what was changed; see ``AuditAction``.
        detail: old and new value, never a secret; may hold foreign text and mentions of Discord.
    """

    at: datetime
    actor_id: MemberId | None
    action: str
    detail: str


@dataclass(frozen=True, slots=True)
class AuditPage:
    """A page of the audit, newest first, and how many entries fit in all."""

    entries: tuple[AuditEntry, ...]
    total: int
