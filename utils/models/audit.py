"""The audit: who changed what in a guild, and when.

An entry holds facts, no sentence: it is worded when it is shown (``utils/embeds/audit_wording.py``), and an
erasure edits its fields.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from utils.models.scope import MemberId, PlayerId

FactValue = str | int | bool | datetime | None
"""What a fact can be: everything that MongoDB and a log keep as it is."""


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
class FieldChange:
    """One value before and after a change.

    Attributes:
        name: of the setting as the code calls it, for example ``base_path``.
        old: the value before; None where there was none, and of a secret.
        new: likewise after it.
    """

    name: str
    old: FactValue = None
    new: FactValue = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFacts:
    """What an entry tells, never a secret. What has no meaning for its action stays empty.

    Attributes:
        member_id: the member it is about, not the one who did it; ``ERASED_MEMBER_ID`` once erased.
        player_id: the player it is about; ``ERASED_PLAYER_ID`` once erased.
        player_name: their name at that time.
        server_name: of the game server at that time; None where it is about the whole community.
        changes: old and new values.
        reason: as somebody typed it.
        is_done: nothing was changed otherwise: a test failed, or it was refused after its test.
        failed_step: of the test that failed, by its code (``WayStep``).
    """

    member_id: MemberId | None = None
    player_id: PlayerId | None = None
    player_name: str | None = None
    server_name: str | None = None
    changes: tuple[FieldChange, ...] = ()
    reason: str | None = None
    is_done: bool = True
    failed_step: str | None = None

    def list_fields(self) -> dict[str, Any]:
        """Return the facts that are there by their names, as a document and a log take them."""
        return {name: fact for name, fact in asdict(self).items() if fact != _NOTHING[name]}

    def get_change(self, name: str) -> FieldChange:
        """Return what became of a value; one that never was anything where it is not among the changes."""
        return next((change for change in self.changes if change.name == name), FieldChange(name))


_NOTHING = asdict(AuditFacts())


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change.

    Attributes:
        actor_id: who made it; None for the bot itself, for example when a time was up.
        action: what was changed; see ``AuditAction``.
        facts: about whom, where, and the old and new values.
    """

    at: datetime
    actor_id: MemberId | None
    action: str
    facts: AuditFacts


@dataclass(frozen=True, slots=True)
class AuditPage:
    """A page of the audit, newest first, and how many entries fit in all."""

    entries: tuple[AuditEntry, ...]
    total: int
