"""How deaths, rejected lines and cursors are stored: plain functions, because there are many documents.

``written_at`` is the game server's wall clock; it is stored as it is and read back without a zone.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from bson import CodecOptions, decode_all

from utils.database.documents.text_documents import build_text, read_text
from utils.models.deaths import Death, DeathKind, DeathPlace, DeathRow, Killing, LogFile
from utils.models.money import ReadKill
from utils.models.reading import Cursor, RejectedLine, RowClock
from utils.models.scope import PlayerId

Document = dict[str, Any]

PLACE_FIELDS = dict.fromkeys(("at", "ordered_at", "world", "file", "offset"), 1)

KILLS: Mapping[str, list[str]] = {"$in": [kind.value for kind in DeathKind if kind.is_kill]}
"""The classes of death that are kills, as a condition."""

_OPTIONS: CodecOptions[Document] = CodecOptions(tz_aware=True)


def build_death_document(death: Death, *, read_at: datetime | None = None) -> Document:
    """Return the document of a death; unknown values are left out, and ``read_at`` for history."""
    row = death.row
    document = {
        "_id": death.id,
        "written_at": row.written_at,
        "at": death.at,
        "kind": row.kind.value,
        "killer_id": row.killer_id,
        "killer_name": row.killer_name,
        "victim_id": row.victim_id,
        "victim_name": row.victim_name,
        "weapon": row.weapon,
        "distance": row.distance,
        "world": death.file.world,
        "file": death.file.name,
        "offset": death.offset,
    }
    if row.killer_platform:
        document["killer_platform"] = row.killer_platform
    if row.victim_platform:
        document["victim_platform"] = row.victim_platform
    if death.ordered_at is not None:
        document["ordered_at"] = death.ordered_at
    if read_at is not None:
        document["read_at"] = read_at
    return document


def build_times_update(death: Death) -> Document:
    """Return the update that gives a stored death its times."""
    if death.ordered_at is None:
        return {"$set": {"at": death.at}, "$unset": {"ordered_at": ""}}
    return {"$set": {"at": death.at, "ordered_at": death.ordered_at}}


def read_death(document: Document) -> Death:
    """Return the death of a stored document."""
    killer_id = document["killer_id"]
    row = DeathRow(
        written_at=read_wall_time(document["written_at"]),
        kind=DeathKind(document["kind"]),
        killer_id=None if killer_id is None else PlayerId(killer_id),
        killer_name=document["killer_name"],
        victim_id=PlayerId(document["victim_id"]),
        victim_name=document["victim_name"],
        weapon=document["weapon"],
        distance=document["distance"],
        killer_platform=document.get("killer_platform", ""),
        victim_platform=document.get("victim_platform", ""),
    )
    return Death(document["_id"], row, *read_place(document))


def build_killings_query(victim_ids: Iterable[PlayerId], since: datetime) -> Document:
    """Return the query for kills of victims; ``since`` is the earliest wall-clock time."""
    return {
        "victim_id": {"$in": sorted(victim_ids)},
        "written_at": {"$gte": since},
        "kind": KILLS,
    }


def read_killing(document: Document) -> Killing:
    """Return who killed whom of a stored kill."""
    return Killing(PlayerId(document["killer_id"]), PlayerId(document["victim_id"]), document["at"])


def build_read_kills_query(
    killer_ids: Iterable[PlayerId], victim_ids: Iterable[PlayerId], *, since: datetime
) -> Document:
    """Return the query for kills that were read live since a moment (UTC)."""
    return {
        "killer_id": {"$in": sorted(killer_ids)},
        "victim_id": {"$in": sorted(victim_ids)},
        "read_at": {"$gte": since},
        "kind": KILLS,
    }


def read_read_kill(document: Document) -> ReadKill:
    """Return the kill of a document that was read live."""
    return ReadKill(
        PlayerId(document["killer_id"]),
        PlayerId(document["victim_id"]),
        document["at"],
        document["read_at"],
    )


def read_place(document: Document) -> DeathPlace:
    """Return the place of a stored death; ``PLACE_FIELDS`` are enough for it."""
    ordered_at: datetime | None = document.get("ordered_at")
    return DeathPlace(
        document["at"],
        LogFile(document["world"], document["file"]),
        document["offset"],
        None if ordered_at is None else read_wall_time(ordered_at),
    )


def decode_documents(encoded: bytes) -> Sequence[Document]:
    """Return the documents of a raw batch."""
    return decode_all(encoded, _OPTIONS)


def decode_deaths(encoded: bytes) -> tuple[Death, ...]:
    """Return the deaths of a raw batch; slow for many, so run it in a thread."""
    return tuple(read_death(document) for document in decode_documents(encoded))


def read_wall_time(stored: datetime) -> datetime:
    """Return a wall-clock time without the UTC that MongoDB added."""
    return stored.replace(tzinfo=None)


def build_file_key(file: LogFile) -> Document:
    """Return the key of a file's cursor."""
    return {"kind": "file", "world": file.world, "name": file.name}


def build_cursor_fields(cursor: Cursor) -> Document:
    """Return the fields that identify a cursor."""
    return {"offset": cursor.offset, "head": cursor.head}


def build_cursor_move(cursor: Cursor) -> Document:
    """Return the fields of a cursor that change."""
    clock = cursor.clock
    times = None if clock is None else {"ordered_at": clock.ordered_at, "at": clock.at}
    return {**build_cursor_fields(cursor), "clock": times}


def read_cursor(document: Document) -> Cursor:
    """Return the cursor of a stored document."""
    times = document["clock"]
    return Cursor(
        file=LogFile(document["world"], document["name"]),
        offset=document["offset"],
        head=document["head"],
        clock=None if times is None else RowClock(read_wall_time(times["ordered_at"]), times["at"]),
    )


def build_rejected_document(rejected: RejectedLine) -> Document:
    """Return the document of a rejected line."""
    return {
        "world": rejected.file.world,
        "name": rejected.file.name,
        "offset": rejected.offset,
        "line": rejected.line,
        "reason": build_text(rejected.reason),
        "seen_at": rejected.seen_at,
    }


def read_rejected(document: Document) -> RejectedLine:
    """Return the rejected line of a stored document."""
    return RejectedLine(
        file=LogFile(document["world"], document["name"]),
        offset=document["offset"],
        line=document["line"],
        reason=read_text(document["reason"]),
        seen_at=document["seen_at"],
    )
