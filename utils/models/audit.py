"""The audit: who changed what in a guild, and when.

An entry holds facts and not a sentence. It is worded when it is shown (``utils/embeds/audit_wording.py``),
and an erasure edits its fields.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from utils.models.scope import MemberId, PlayerId

FactValue = str | int | bool | datetime | None
"""The types of a fact: MongoDB and a log keep them without a change."""


class AuditAction(StrEnum):
    """The changes, named like the commands that make them."""

    SERVER_ADD = "server add"
    SERVER_EDIT = "server edit"
    SERVER_ANNOUNCE = "server announce"
    SERVER_REMOVE = "server remove"
    SERVER_IMPORT = "server import"
    SERVER_HOSTKEY = "server hostkey"
    SERVER_SLOTS = "server slots"
    SERVER_RESTARTS = "server restarts"
    CHANNEL_SET = "channel set"
    CHANNEL_CLEAR = "channel clear"
    CHANNEL_STYLE = "channel style"
    COUNTER_FORMAT = "counter format"
    ROLE = "role"
    BOUNTIES = "bounty"
    WALLET = "wallet"
    XP = "xp"
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
    ERRORS_RESOLVE = "errors resolve"
    BACKUP_RESTORE = "backup restore"
    DATA_REPAIR = "data repair"
    EVENTS_SET = "events set"
    EVENTS_MENTION = "events mention"
    EVENTS_MUTE = "events mute"
    ROLES_ADD = "roles add"
    ROLES_EDIT = "roles edit"
    ROLES_REMOVE = "roles remove"
    ROLES_OFF = "roles off"
    RECAP = "recap"
    LANGUAGE = "language"
    SEASON_START = "season start"
    SEASON_END = "season end"
    SEASON_CANCEL = "season cancel"
    FACTION_CREATE = "faction create"
    FACTION_EDIT = "faction edit"
    FACTION_RENAME = "faction rename"
    FACTION_DISBAND = "faction disband"
    FACTION_LEADER = "faction leader"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One value before and after a change.

    Attributes:
        name: the name of the setting in the code, for example ``base_path``.
        old: the value before; None if there was none, and for a secret.
        new: the value after; None in the same cases.
    """

    name: str
    old: FactValue = None
    new: FactValue = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFacts:
    """The facts of an entry, never a secret. Facts that do not apply to its action stay empty.

    Attributes:
        member_id: the member it is about, not the one who made the change; ``ERASED_MEMBER_ID`` once erased.
        player_id: the player it is about; ``ERASED_PLAYER_ID`` once erased.
        player_name: the player's name at that time.
        server_name: the name of the game server at that time; None if it is about the whole community.
        changes: old and new values.
        reason: the reason as it was typed.
        is_done: False if nothing was changed: a test failed, or the change was refused after its test.
        failed_step: the code (``WayStep``) of the step that failed.
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
        """Return the facts that are not empty, by name, for a document or a log."""
        return {name: fact for name, fact in asdict(self).items() if fact != _NOTHING[name]}

    def get_change(self, name: str) -> FieldChange:
        """Return the change of a value; if it is not among the changes, one from None to None."""
        return next((change for change in self.changes if change.name == name), FieldChange(name))


_NOTHING = asdict(AuditFacts())


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change.

    Attributes:
        actor_id: the member who made it; None for the bot itself, for example when a grant ended.
        action: what was changed; see ``AuditAction``.
        facts: the member, the player, the server, and the old and new values.
    """

    at: datetime
    actor_id: MemberId | None
    action: str
    facts: AuditFacts


@dataclass(frozen=True, slots=True)
class AuditPage:
    """A page of the audit, newest first, and the number of all entries that fit."""

    entries: tuple[AuditEntry, ...]
    total: int
