"""What every collection holds of people, as data: an erasure and an export walk this table.

Each collection of ``INDEXES`` has its row, an empty one where nothing in it is anybody's. A field that is
``REPLACED`` or ``DELETED`` is erased by its row alone. The others have an order of their own, which stands in
``services/personal/erasure.py``: deaths go with the counters made of them, links and wallets each in one
transaction. Facts of notices are declared with their kind (``models/notices/kinds.py``).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from utils.database.documents.money_documents import OPEN
from utils.models.audit import AuditAction
from utils.models.links import LinkState
from utils.models.notices.kinds import NOTICE_KINDS, NoticeKind
from utils.models.scope import ERASED_MEMBER_ID, ERASED_NAME, ERASED_PLAYER_ID

Fields = Mapping[str, Any]

SHOWN: Fields = {"generation": "shown"}
"""Figures of the generation that is shown; an import under way counts in another one."""


class FieldContent(StrEnum):
    """What stands in a field."""

    MEMBER = "a member's id"
    PLAYER = "a player's id"
    NAME = "a player's name, and no id beside it"
    TEXT = "a text that may mention members"
    LINE = "a line of a log that may hold players' ids"


class Erasure(StrEnum):
    """What becomes of a field, or of its document, when its person is erased."""

    REPLACED = "the field is replaced"
    DELETED = "the document is deleted"
    WITH_DEATHS = "replaced or deleted with the person's deaths"
    WITH_LINKS = "deleted with the player's links"
    WITH_WALLET = "deleted with the member's wallet"
    KEPT = "it stays: other admins see who did it"


@dataclass(frozen=True, slots=True)
class ExportPart:
    """Under which name an export has the documents that hold a person in some field.

    Attributes:
        index: by which they are found, in the order in which they are handed out.
        only: which of them.
    """

    name: str
    index: str
    only: Fields = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalField:
    """One field that tells something of a person.

    Attributes:
        path: with dots.
        erasure: of the document where the path leads to the person.
        after: what stands in the field once it is replaced.
        beside: fields that are the person's with it, and what stands in them afterwards.
        only: in which documents it is erased so; also a bound for each earlier field of an index, or MongoDB
            would not look at the later one.
        part: of an export; None where the documents are no part of it.
        is_shared: an export shows it also where it is found by another field.
    """

    path: str
    holds: FieldContent
    erasure: Erasure
    after: int | str | None = None
    beside: Fields = field(default_factory=dict)
    only: Fields = field(default_factory=dict)
    part: ExportPart | None = None
    is_shared: bool = False

    @property
    def is_id(self) -> bool:
        """Tell whether it is an id, which an export for somebody else leaves out."""
        return self.holds in (FieldContent.MEMBER, FieldContent.PLAYER)

    @property
    def paths(self) -> tuple[str, ...]:
        """Every field that it declares."""
        return (self.path, *self.beside)


Declarations = Mapping[str, tuple[PersonalField, ...]]
"""What collections hold of people, by the collection's name."""


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


def _text(path: str, **more: Any) -> PersonalField:
    return PersonalField(path=path, holds=FieldContent.TEXT, erasure=Erasure.REPLACED, **more)


def _side_of_death(side: str) -> PersonalField:
    beside = {f"{side}_name": ERASED_NAME, f"{side}_platform": None}
    return _player(f"{side}_id", Erasure.WITH_DEATHS, beside=beside)


def _keyed(prefix: str) -> Fields:
    """Return which rows of a ledger have a key that begins so."""
    return {"key": {"$gte": f"{prefix}:", "$lt": f"{prefix};"}}  # the character after the colon


def list_notice_fields(kinds: Iterable[NoticeKind]) -> tuple[PersonalField, ...]:
    """Return what waiting notices hold of people."""
    found: list[PersonalField] = []
    for kind in kinds:
        feeds = {"server_id": {"$gte": ""}, "channel_kind": kind.channel_kind.value, "sequence": {"$gte": 0}}
        only, personal = {**feeds, "type": kind.name}, kind.personal
        found += [_member(f"notice.{one}", Erasure.REPLACED, only=only) for one in personal.members]
        found += [_player(f"notice.{one}", Erasure.REPLACED, only=only) for one in personal.players]
        found += [_name(f"notice.{one}", only=only) for one in personal.names]
    return tuple(found)


_EVERY_SERVER = {"server_id": {"$gte": ""}}
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
    "outbox": list_notice_fields(NOTICE_KINDS),
    "boards": (),
    "messages": (),
    "wallets": (_member("member_id", Erasure.WITH_WALLET, part=ExportPart("wallet", "member")),),
    "ledger": (
        _member("member_id", Erasure.WITH_WALLET, part=ExportPart("ledger", "member")),
        _player("player_id", Erasure.REPLACED, beside={"note": ERASED_NAME}, only={"member_id": {"$gte": 0}}),
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
}
"""By collection; every field that names a person is declared."""
