"""The declared collections: their indexes, and what a backup does with each of them.

Indexes are created at the start and compared by ``python bot.py check``.

Every index of scoped data begins with ``guild_id``. mongod needs about 10 microseconds a row and index, so
``kills`` has two that hold every row; its ``_id`` begins with guild, server and time and serves other
queries.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pymongo import IndexModel
from structlog import get_logger

from utils.database.core.database import SafeDatabase

_SERVER = ("guild_id", "server_id")
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Index:
    """One index: its name (also used as a hint) and fields; a leading ``-`` sorts a field downwards.

    ``only`` selects the documents it holds, by their fields; if it is empty, it holds all.
    """

    name: str
    fields: tuple[str, ...]
    unique: bool = False
    only: Mapping[str, str | bool | Mapping[str, bool]] = field(default_factory=dict)

    @property
    def keys(self) -> list[tuple[str, int]]:
        """The fields with their directions, in MongoDB's form."""
        return [(field.removeprefix("-"), -1 if field.startswith("-") else 1) for field in self.fields]


INDEXES: Mapping[str, tuple[Index, ...]] = {
    "guilds": (
        Index("guild", ("guild_id",), unique=True),
        Index("premium", ("guild_id", "premium.ends_at")),
        Index("recap", ("guild_id", "recap.due_at"), only={"channels.news": {"$exists": True}}),
    ),
    "game_servers": (
        Index("server", _SERVER, unique=True),
        Index("warned", _SERVER, only={"is_warned": True}),
    ),
    "kills": (
        Index("killer", (*_SERVER, "killer_id", "written_at", "victim_id")),
        Index("victim", (*_SERVER, "victim_id", "written_at", "killer_id")),
        Index("set_back", (*_SERVER, "ordered_at"), only={"ordered_at": {"$exists": True}}),
    ),
    "players": (
        Index("player", (*_SERVER, "generation", "player_id"), unique=True),
        Index("board", (*_SERVER, "generation", "-counters.kills", "counters.deaths", "name", "player_id")),
    ),
    "player_days": (Index("month", (*_SERVER, "generation", "month", "player_id"), unique=True),),
    "server_months": (Index("month", (*_SERVER, "generation", "month"), unique=True),),
    "cursors": (Index("cursor", (*_SERVER, "kind", "world", "name"), unique=True),),
    "rejected_lines": (
        Index("place", (*_SERVER, "world", "name", "offset"), unique=True),
        Index("newest", (*_SERVER, "-seen_at")),
    ),
    "log_state": (Index("server", _SERVER, unique=True),),
    "presence": (Index("player", (*_SERVER, "key"), unique=True),),
    "sessions": (
        Index("player", (*_SERVER, "player_id", "-ended_at")),
        Index("ended", (*_SERVER, "ended_at")),
    ),
    "play_days": (
        Index("player", (*_SERVER, "player_id", "day"), unique=True),
        Index("day", (*_SERVER, "day", "player_id")),
    ),
    "population": (Index("at", (*_SERVER, "at"), unique=True),),
    "log_events": (
        Index("event", (*_SERVER, "kind", "event_id", "cycle"), unique=True),
        Index("seen", (*_SERVER, "seen_at")),
        Index("post", ("guild_id", "post_id"), only={"post_id": {"$exists": True}}),
        Index("outdated", _SERVER, only={"is_shown": False}),
    ),
    "outbox": (Index("sequence", (*_SERVER, "channel_kind", "sequence"), unique=True),),
    "boards": (Index("board", (*_SERVER, "board"), unique=True),),
    "bounty_boards": (Index("guild", ("guild_id",), unique=True),),
    "messages": (
        Index("nonce", ("guild_id", "nonce"), unique=True),
        Index("state", ("guild_id", "state", "prepared_at")),
        Index("standing", ("guild_id", "event_ids"), only={"event_ids": {"$exists": True}}),
    ),
    "wallets": (Index("member", ("guild_id", "member_id"), unique=True),),
    "ledger": (
        Index("member", ("guild_id", "member_id", "-number"), unique=True),
        Index("key", ("guild_id", "key"), unique=True),
        Index("paid", ("guild_id", "member_id", "player_id", "killed_at")),
    ),
    "bounties": (
        Index("open", (*_SERVER, "slot", "player_id", "placer_id"), unique=True),
        Index("ending", ("guild_id", "slot", "expires_at")),
        Index("placer", ("guild_id", "placer_id", "-placed_at")),
        Index("claimer", ("guild_id", "claimer_id", "-closed_at")),
        Index("claimed", (*_SERVER, "-closed_at"), only={"state": "claimed"}),
    ),
    "seasons": (
        Index("season", ("guild_id", "season_id"), unique=True),
        Index("moving", ("guild_id",), only={"is_moving": True}),
    ),
    "season_results": (Index("result", ("guild_id", "season_id", "board"), unique=True),),
    "recaps": (Index("recap", ("guild_id", "kind", "period"), unique=True),),
    "audit": (
        Index("newest", ("guild_id", "-at", "-_id")),
        Index("actor", ("guild_id", "actor_id", "-at", "-_id")),
        Index("action", ("guild_id", "action", "-at", "-_id")),
    ),
    "links": (
        Index("link", ("guild_id", "member_id", "player_id"), unique=True),
        Index("proven", ("guild_id", "player_id"), unique=True, only={"state": "proven"}),
        Index("main", ("guild_id", "member_id"), unique=True, only={"is_main": True}),
        Index("open", ("guild_id", "linked_at"), only={"is_open": True}),
    ),
    "proof_attempts": (Index("player", ("guild_id", "player_id"), unique=True),),
    "role_rules": (Index("rule", ("guild_id", "rule_id"), unique=True),),
    "role_grants": (
        Index("grant", ("guild_id", "role_id", "member_id"), unique=True),
        Index("member", ("guild_id", "member_id")),
    ),
    "levels": (Index("member", ("guild_id", "member_id"), unique=True),),
    "factions": (
        Index("faction", ("guild_id", "faction_id"), unique=True),
        Index("name", ("guild_id", "name_key"), unique=True, only={"holds_name": True}),
        Index("tag", ("guild_id", "tag"), unique=True, only={"holds_name": True}),
        Index("active", ("guild_id", "founded_at"), only={"is_active": True}),
        Index("disbanded", ("guild_id", "disbanded_at"), only={"is_active": False}),
    ),
    "faction_periods": (
        Index("period", ("guild_id", "faction_id", "member_id", "joined_day"), unique=True),
        Index("member", ("guild_id", "member_id", "joined_at")),
        Index("current", ("guild_id", "member_id"), unique=True, only={"is_current": True}),
    ),
    "faction_invites": (
        Index("invitation", ("guild_id", "faction_id", "member_id"), unique=True),
        Index("member", ("guild_id", "member_id", "expires_at")),
        Index("ending", ("guild_id", "expires_at")),
    ),
    "notifications": (Index("member", ("guild_id", "member_id"), unique=True),),
    "direct_messages": (Index("message", ("guild_id", "member_id", "key"), unique=True),),
    "errors": (
        Index("group", ("guild_id", "fingerprint"), unique=True),
        Index("newest", ("guild_id", "state", "-last_seen_at")),
    ),
    "error_hours": (Index("hour", ("guild_id", "hour", "fingerprint"), unique=True),),
    "erasures": (Index("digest", ("guild_id", "digest"), unique=True),),
    "incidents": (
        Index("open", ("guild_id", "kind", "subject"), unique=True, only={"is_open": True}),
        Index("newest", ("guild_id", "-opened_at")),
    ),
}


class BackupClass(StrEnum):
    """The part of a collection in backups and restores."""

    KEPT = "kept"
    """Backed up and restored."""

    IN_FLIGHT = "in_flight"
    """Never backed up, because it is what is under way right now; a restore leaves it as it is, and empties
    it if the backup's data is of another version."""

    LOCAL = "local"
    """Never backed up, and no restore touches it: it belongs to the processes and not to the communities."""


BACKUP_CLASSES: Mapping[str, BackupClass] = {
    "guilds": BackupClass.KEPT,
    "game_servers": BackupClass.KEPT,
    "kills": BackupClass.KEPT,
    "players": BackupClass.KEPT,
    "player_days": BackupClass.KEPT,
    "server_months": BackupClass.KEPT,
    "cursors": BackupClass.KEPT,
    "rejected_lines": BackupClass.KEPT,
    "log_state": BackupClass.KEPT,
    "presence": BackupClass.KEPT,
    "sessions": BackupClass.KEPT,
    "play_days": BackupClass.KEPT,
    "population": BackupClass.KEPT,
    "log_events": BackupClass.KEPT,
    "outbox": BackupClass.IN_FLIGHT,
    "boards": BackupClass.KEPT,
    "bounty_boards": BackupClass.KEPT,
    "messages": BackupClass.IN_FLIGHT,
    "wallets": BackupClass.KEPT,
    "ledger": BackupClass.KEPT,
    "bounties": BackupClass.KEPT,
    "seasons": BackupClass.KEPT,
    "season_results": BackupClass.KEPT,
    "recaps": BackupClass.KEPT,
    "audit": BackupClass.KEPT,
    "links": BackupClass.KEPT,
    "proof_attempts": BackupClass.KEPT,
    "role_rules": BackupClass.KEPT,
    "role_grants": BackupClass.KEPT,
    "levels": BackupClass.KEPT,
    "factions": BackupClass.KEPT,
    "faction_periods": BackupClass.KEPT,
    "faction_invites": BackupClass.KEPT,
    "notifications": BackupClass.KEPT,
    "direct_messages": BackupClass.IN_FLIGHT,
    "errors": BackupClass.LOCAL,
    "error_hours": BackupClass.LOCAL,
    "incidents": BackupClass.LOCAL,
    "erasures": BackupClass.LOCAL,
    "leases": BackupClass.LOCAL,
    "schema": BackupClass.LOCAL,
}
"""The class of every collection, also of those without an index of their own."""


def list_kept() -> tuple[str, ...]:
    """Return the collections that belong into a backup."""
    return tuple(name for name, kind in BACKUP_CLASSES.items() if kind is BackupClass.KEPT)


async def ensure_indexes(database: SafeDatabase) -> None:
    """Create every index of the table that is missing or different; existing ones cost nothing."""
    await asyncio.gather(*(_ensure(database, name, indexes) for name, indexes in INDEXES.items()))


async def _ensure(database: SafeDatabase, name: str, indexes: tuple[Index, ...]) -> None:
    collection = database.unscoped(name)
    found = await database.run(f"{name}.index_information", collection.index_information())
    for index in indexes:
        if index.name in found and not _is_as_wanted(index, found[index.name]):
            _log.info("an index is made again", collection=name, index=index.name)
            await database.run(f"{name}.drop_index", collection.drop_index(index.name))
    models = [build_model(index) for index in indexes]
    await database.run(f"{name}.create_indexes", database.unscoped(name).create_indexes(models))


def build_model(index: Index) -> IndexModel:
    """Return an index in MongoDB's form."""
    partial = {"partialFilterExpression": dict(index.only)} if index.only else {}
    return IndexModel(index.keys, name=index.name, unique=index.unique, **partial)


def compare_indexes(
    name: str, wanted: Mapping[str, Index], found: Mapping[str, dict[str, object]]
) -> list[str]:
    """Return a sentence for each missing, unexpected or different index of a collection."""
    missing = [f"{name}: the index {index} is missing" for index in wanted.keys() - found.keys()]
    surplus = [
        f"{name}: there is an unexpected index {index}" for index in found.keys() - wanted.keys() - {"_id_"}
    ]
    different = [
        f"{name}: the index {index} is not as it should be"
        for index in wanted.keys() & found.keys()
        if not _is_as_wanted(wanted[index], found[index])
    ]
    return sorted(missing + surplus + different)


def _is_as_wanted(index: Index, found: Mapping[str, object]) -> bool:
    only = found.get("partialFilterExpression", {})
    return (found["key"], bool(found.get("unique")), only) == (index.keys, index.unique, index.only)
