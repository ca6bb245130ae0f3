"""Documents of groups of errors, and the writes that add to them."""

from collections.abc import Iterator
from typing import Any

from utils.database.core.blocking import Update
from utils.database.documents.codec import Codec
from utils.models.error_groups import SAMPLES, ErrorGroup, GroupDelta, GroupState, GroupWrite, Sample

GROUPS, SAMPLE = Codec(ErrorGroup), Codec(Sample)

KEPT_PARCELS = 8  # ids of the last parcels, of all processes together
_TOPS = ("commands", "tasks", "servers", "members", "guilds")
_FIXED = ("reference", "category", "error_type", "place", "frames", "text", *_TOPS)


def build_group_write(write: GroupWrite, parcel_id: str) -> Update:
    """Return the write that adds the errors of a parcel to their group, or makes it.

    The state changes only where the group opens again: an admin may resolve it at this moment.
    """
    delta, document = write.delta, GROUPS.build(write.group)
    set_now: dict[str, Any] = {name: document[name] for name in _FIXED}
    at_first: dict[str, Any] = {"resolved_at": None, "resolved_by": None, "alerted_at": None}
    (set_now if write.is_opened else at_first)["state"] = GroupState.OPEN.value
    samples = [SAMPLE.build(sample) for sample in delta.samples]
    update = {
        "$set": set_now,
        "$setOnInsert": at_first,
        "$inc": {"count": delta.count, "regressions": int(write.is_regressed)},
        "$min": {"first_seen_at": delta.first_seen_at},
        "$max": {"last_seen_at": delta.last_seen_at},
        "$push": {"samples": {"$each": samples, "$slice": -SAMPLES}, **_remember(parcel_id)},
    }
    query = {"fingerprint": delta.fingerprint, "parcels": {"$ne": parcel_id}}
    return Update(query, update, upsert=True)


def build_hour_writes(delta: GroupDelta, parcel_id: str) -> Iterator[Update]:
    """Yield the writes that add the errors of a parcel to their hours."""
    for hour, n in delta.hours.items():
        query = {"hour": hour, "fingerprint": delta.fingerprint, "parcels": {"$ne": parcel_id}}
        yield Update(query, {"$inc": {"n": n}, "$push": _remember(parcel_id)}, upsert=True)


def _remember(parcel_id: str) -> dict[str, Any]:
    return {"parcels": {"$each": [parcel_id], "$slice": -KEPT_PARCELS}}
