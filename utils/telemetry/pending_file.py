"""The file of counts that could not be written: from a clean stop to the next start."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from structlog import get_logger

from utils.models.error_groups import ErrorCategory, GroupDelta, Sample
from utils.models.scope import GuildId

PENDING_NAME = "errors-pending.json"
_KEYED = ("commands", "tasks", "servers", "members", "guilds")

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PendingCounts:
    """Counts that wait for the database.

    Attributes:
        parcel_id: the id of the parcel whose outcome is unknown; empty without one.
        parcel: that parcel.
        deltas: counts that were never tried.
    """

    parcel_id: str = ""
    parcel: tuple[GroupDelta, ...] = ()
    deltas: tuple[GroupDelta, ...] = ()


def write_pending(folder: Path, pending: PendingCounts) -> None:
    """Keep counts for the next start; without any there is no file. A full disk takes nothing."""
    if not pending.parcel and not pending.deltas:
        return
    document = {
        "parcel_id": pending.parcel_id,
        "parcel": [_build(delta) for delta in pending.parcel],
        "deltas": [_build(delta) for delta in pending.deltas],
    }
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = folder / PENDING_NAME
        file.touch(mode=0o600)
        file.write_text(json.dumps(document), "utf-8")
    except OSError as failure:
        _log.warning("errors that were not written are lost", problem=type(failure).__name__)


def take_pending(folder: Path) -> PendingCounts | None:
    """Return the counts of the process before, and delete the file; None without one that can be read."""
    file = folder / PENDING_NAME
    try:
        document = json.loads(file.read_text("utf-8"))
        found = PendingCounts(
            str(document["parcel_id"]),
            tuple(map(_read, document["parcel"])),
            tuple(map(_read, document["deltas"])),
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as failure:
        _log.warning("errors of the process before cannot be read", problem=type(failure).__name__)
        found = None
    with suppress(OSError):
        file.unlink()
    return found


def _build(delta: GroupDelta) -> dict[str, Any]:
    """Return the form of JSON, whose keys are texts alone: a mapping is a list of pairs."""
    document = asdict(delta)
    for name in _KEYED:
        document[name] = list(document[name].items())
    document["hours"] = [(hour.isoformat(), n) for hour, n in delta.hours.items()]
    document["samples"] = [{**asdict(sample), "at": sample.at.isoformat()} for sample in delta.samples]
    for name in ("first_seen_at", "last_seen_at"):
        document[name] = document[name].isoformat()
    return document


def _read(document: Mapping[str, Any]) -> GroupDelta:
    keyed: dict[str, Any] = {name: {key: int(n) for key, n in document[name]} for name in _KEYED}
    times: dict[str, Any] = {
        name: datetime.fromisoformat(document[name]) for name in ("first_seen_at", "last_seen_at")
    }
    texts: dict[str, Any] = {
        name: str(document[name]) for name in ("fingerprint", "reference", "error_type", "place", "text")
    }
    return GroupDelta(
        guild_id=GuildId(int(document["guild_id"])),
        category=ErrorCategory(document["category"]),
        frames=tuple(map(str, document["frames"])),
        count=int(document["count"]),
        hours={datetime.fromisoformat(hour): int(n) for hour, n in document["hours"]},
        samples=tuple(
            Sample(**{**sample, "at": datetime.fromisoformat(sample["at"])}) for sample in document["samples"]
        ),
        **texts,
        **times,
        **keyed,
    )
