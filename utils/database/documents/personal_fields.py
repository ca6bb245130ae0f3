"""The personal fields of every collection, as data: an erasure and an export go through this table.

Each collection of ``INDEXES`` has its row, an empty one if it holds nothing personal. A field that is
``REPLACED`` or ``DELETED`` is erased by its row alone. The others have an order of their own in
``services/personal/eraser.py``: deaths are erased together with their counters, links and wallets each in
one transaction. The facts of notices are declared with their kind (``models/notices/kinds.py``).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from utils.database.documents.money_documents import OPEN
from utils.models.audit import AuditAction
from utils.models.links import LinkState
from utils.models.notices.kinds import NOTICE_KINDS, NoticeKind, PersonalFacts
from utils.models.scope import ERASED_MEMBER_ID, ERASED_NAME, ERASED_PLAYER_ID

Fields = Mapping[str, Any]

SHOWN: Fields = {"generation": "shown"}
"""Figures of the generation that is shown; a running import counts in another one."""


class FieldContent(StrEnum):
    """The content of a field."""

    MEMBER = "a member's id"
    PLAYER = "a player's id"
    NAME = "a player's name, and no id beside it"
    TEXT = "a text that may mention members"
    LINE = "a line of a log that may hold players' ids"


class Erasure(StrEnum):
    """The effect of an erasure on a field, or on its document."""

    REPLACED = "the field is replaced"
    DELETED = "the document is deleted"
    PULLED = "the entry of the list is removed"
    WITH_DEATHS = "replaced or deleted with the person's deaths"
    WITH_SESSIONS = "deleted with the player's sessions"
    WITH_LINKS = "deleted with the player's links"
    WITH_WALLET = "deleted with the member's wallet"
    KEPT = "it stays: other admins see who did it"


@dataclass(frozen=True, slots=True)
class ExportPart:
    """The name under which an export holds the documents found by a field.

    Attributes:
        index: the index that finds them, in the order of the export.
        only: a filter for the documents.
    """

    name: str
    index: str
    only: Fields = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalField:
    """One field with data about a person.

    Attributes:
        path: its path, with dots.
        erasure: what happens if the path leads to the person.
        after: the content of the field after it is replaced.
        beside: other fields about the same person, and their content afterwards.
        only: selects the documents in which it is erased. It also bounds each earlier field of an index,
            because MongoDB needs that to use the later field.
        is_listed: it is a field of the entries of a list; the entry about the person is replaced.
        part: the part of an export; None if the documents are not exported by this field.
        is_shared: an export shows it even if the document is found by another field.
    """

    path: str
    holds: FieldContent
    erasure: Erasure
    after: int | str | None = None
    beside: Fields = field(default_factory=dict)
    only: Fields = field(default_factory=dict)
    is_listed: bool = False
    part: ExportPart | None = None
    is_shared: bool = False

    @property
    def is_id(self) -> bool:
        """Tell whether it is an id, which an export for another person leaves out."""
        return self.holds in (FieldContent.MEMBER, FieldContent.PLAYER)

    @property
    def paths(self) -> tuple[str, ...]:
        """All fields that it declares."""
        return (self.path, *self.beside)

    @property
    def replacement(self) -> Fields:
        """The fields and their content after an erasure; of a list those of the entry that was found."""
        fields = {self.path: self.after, **self.beside}
        if not self.is_listed:
            return fields
        return {".$.".join(path.rsplit(".", 1)): content for path, content in fields.items()}


Declarations = Mapping[str, tuple[PersonalField, ...]]
"""The personal fields of collections, by the collection's name."""


def _member(path: str, erasure: Erasure, **more: Any) -> PersonalField:
    return PersonalField(path=path, holds=FieldContent.MEMBER, erasure=erasure, **more)


def _player(path: str, erasure: Erasure, **more: Any) -> PersonalField:
    return PersonalField(
        path=path, holds=FieldContent.PLAYER, erasure=erasure, after=ERASED_PLAYER_ID, **more
    )


def _name(path: str, **more: Any) -> PersonalField:
    return PersonalField(
        path=path, holds=FieldContent.NAME, erasure=Erasure.REPLACED, after=ERASED_NAME, **more
    )


def _listed_name(path: str, **more: Any) -> PersonalField:
    return PersonalField(path=path, holds=FieldContent.NAME, erasure=Erasure.PULLED, **more)


def _text(path: str, **more: Any) -> PersonalField:
    return PersonalField(path=path, holds=FieldContent.TEXT, erasure=Erasure.REPLACED, **more)


def _side_of_death(side: str) -> PersonalField:
    beside = {f"{side}_name": ERASED_NAME, f"{side}_platform": None}
    return _player(f"{side}_id", Erasure.WITH_DEATHS, beside=beside)


def _of_sessions(path: str, part: ExportPart) -> PersonalField:
    return _player(path, Erasure.WITH_SESSIONS, beside={"name": None}, part=part)


def _keyed(prefix: str) -> Fields:
    """Return the filter of the ledger's rows with a key that begins with this text."""
    return {"key": {"$gte": f"{prefix}:", "$lt": f"{prefix};"}}  # the character after the colon


def _empty(personal: PersonalFacts, name: str) -> Fields:
    """Return the fact that is emptied together with a name, if there is one."""
    return {f"notice.{personal.beside[name]}": ""} if name in personal.beside else {}


def list_notice_fields(kinds: Iterable[NoticeKind]) -> tuple[PersonalField, ...]:
    """Return the personal fields of the notices in the outbox."""
    found: list[PersonalField] = []
    for kind in kinds:
        feeds = {"server_id": {"$gte": ""}, "channel_kind": kind.channel_kind.value, "sequence": {"$gte": 0}}
        only, personal = {**feeds, "type": kind.name}, kind.personal
        found += [_member(f"notice.{one}", Erasure.REPLACED, only=only) for one in personal.members]
        found += [_player(f"notice.{one}", Erasure.REPLACED, only=only) for one in personal.players]
        found += [_name(f"notice.{one}", only=only, beside=_empty(personal, one)) for one in personal.names]
        found += [_listed_name(f"notice.{one}", only=only) for one in personal.listed_names]
    return tuple(found)


_EVERY_SERVER = {"server_id": {"$gte": ""}}
_EVERY_MEMBER = {"member_id": {"$gte": 0}}
_CLOSED = {"slot": {"$ne": OPEN}}  # an open bounty is withdrawn first
_CLAIMED = ExportPart("bounties_claimed", "claimer")
_ABOUT = ExportPart("changes_about", "newest")
_CLAIMER = {"claimer_player_id": ERASED_PLAYER_ID, "claimer_name": ERASED_NAME}

PERSONAL_FIELDS: Declarations = {
    "guilds": (
        _member("premium.granted_by", Erasure.KEPT),
        _member("premium_history.by", Erasure.KEPT, part=ExportPart("premium_granted", "guild")),
        _text("premium_history.reason"),
    ),
    "game_servers": (),
    "kills": (_side_of_death("killer"), _side_of_death("victim")),
    "players": (
        _player(
            "player_id",
            Erasure.WITH_DEATHS,
            beside={"name": None, "names.name": None},
            part=ExportPart("figures", "player", SHOWN),
        ),
    ),
    "player_days": (
        _player(
            "player_id",
            Erasure.WITH_DEATHS,
            part=ExportPart("days", "month", {**SHOWN, "month": {"$gte": ""}}),
        ),
    ),
    "server_months": (),
    "cursors": (),
    "rejected_lines": (
        PersonalField(
            path="line",
            holds=FieldContent.LINE,
            erasure=Erasure.DELETED,
            part=ExportPart("rejected_lines", "newest"),
        ),
    ),
    "log_state": (),
    "presence": (_of_sessions("key", ExportPart("presence", "player")),),
    "sessions": (_of_sessions("player_id", ExportPart("sessions", "player")),),
    "play_days": (_of_sessions("player_id", ExportPart("playtime", "player")),),
    "population": (),
    "log_events": (),
    "outbox": list_notice_fields(NOTICE_KINDS),
    "boards": (),
    "bounty_boards": (),
    "messages": (),
    "wallets": (_member("member_id", Erasure.WITH_WALLET, part=ExportPart("wallet", "member")),),
    "ledger": (
        _member("member_id", Erasure.WITH_WALLET, part=ExportPart("ledger", "member")),
        _player("player_id", Erasure.REPLACED, beside={"note": ERASED_NAME}, only=_EVERY_MEMBER),
        *(_name("note", only=_keyed(prefix)) for prefix in ("hold", "claim", "refund")),
        _text("note", only=_keyed("admin")),
    ),
    "bounties": (
        _player(
            "player_id",
            Erasure.REPLACED,
            beside={"player_name": ERASED_NAME},
            only={**_EVERY_SERVER, **_CLOSED},
            part=ExportPart("bounties", "open"),
        ),
        _player(
            "claimer_player_id",
            Erasure.REPLACED,
            beside={"claimer_name": ERASED_NAME},
            only={"claimer_id": {"$gt": 0}},
        ),
        _member("placer_id", Erasure.REPLACED, only=_CLOSED, part=ExportPart("bounties_placed", "placer")),
        _member("claimer_id", Erasure.REPLACED, beside=_CLAIMER, part=_CLAIMED),
    ),
    "seasons": (),
    "season_results": (
        _player(
            "rows.player_id",
            Erasure.REPLACED,
            beside={"rows.name": ERASED_NAME},
            only={"season_id": {"$gt": ""}},
            is_listed=True,
            part=ExportPart("season_results", "result"),
        ),
    ),
    "recaps": (),
    "audit": (
        _member(
            "actor_id",
            Erasure.REPLACED,
            after=ERASED_MEMBER_ID,
            only={"action": AuditAction.LINK_ASK.value},
        ),
        _member("actor_id", Erasure.KEPT, part=ExportPart("changes_by_hand", "actor")),
        _member("facts.member_id", Erasure.REPLACED, after=ERASED_MEMBER_ID, part=_ABOUT),
        _player("facts.player_id", Erasure.REPLACED, beside={"facts.player_name": ERASED_NAME}, part=_ABOUT),
        _text("facts.reason"),
    ),
    "links": (
        _member("member_id", Erasure.WITH_WALLET, part=ExportPart("links", "link"), is_shared=True),
        _player(
            "player_id",
            Erasure.WITH_LINKS,
            beside={"player_name": None},
            part=ExportPart("links", "proven", {"state": LinkState.PROVEN.value}),
            is_shared=True,
        ),
    ),
    "proof_attempts": (
        _player("player_id", Erasure.WITH_LINKS, part=ExportPart("proof_attempts", "player")),
    ),
    "role_rules": (_member("created_by", Erasure.KEPT, part=ExportPart("role_rules", "rule")),),
    "role_grants": (_member("member_id", Erasure.DELETED, part=ExportPart("role_grants", "member")),),
    "levels": (_member("member_id", Erasure.DELETED, part=ExportPart("levels", "member")),),
    "factions": (),
    "faction_periods": (
        _member("member_id", Erasure.WITH_WALLET, part=ExportPart("faction_memberships", "member")),
    ),
    "faction_invites": (
        _member("member_id", Erasure.WITH_WALLET, part=ExportPart("faction_invitations", "member")),
    ),
    "notifications": (
        _member("member_id", Erasure.DELETED, part=ExportPart("direct_messages_asked_for", "member")),
    ),
    "direct_messages": (
        _member("member_id", Erasure.DELETED, part=ExportPart("direct_messages_waiting", "message")),
        _player("player_id", Erasure.REPLACED, beside={"player_name": ERASED_NAME}, only=_EVERY_MEMBER),
        _player(
            "claimer_player_id",
            Erasure.REPLACED,
            beside={"claimer_name": ERASED_NAME},
            only=_EVERY_MEMBER,
        ),
    ),
    "errors": (
        _member("members.id", Erasure.PULLED, part=ExportPart("errors", "group")),
        _member("resolved_by", Erasure.REPLACED, after=ERASED_MEMBER_ID),
    ),
    "error_hours": (),
    "incidents": (),
    "erasures": (),
}
"""The table, by collection; every field that names a person is declared."""
