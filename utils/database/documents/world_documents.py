"""Documents of the events of game servers' worlds."""

from utils.database.documents.codec import Codec, Document
from utils.models.world_events import EventKey, WorldEvent, WorldEventKind

EVENTS = Codec(WorldEvent, without=frozenset({"key"}))


def build_event_query(key: EventKey) -> Document:
    """Return the fields that name an event, which are a filter as well."""
    return {"kind": key.kind.value, "event_id": key.event_id, "cycle": key.cycle}


def build_event_document(event: WorldEvent) -> Document:
    """Return the fields of an event that are not in its query; a post that it once had stays."""
    return {name: value for name, value in EVENTS.build(event).items() if (name, value) != ("post_id", None)}


def read_event(document: Document) -> WorldEvent:
    """Return the event of a stored document."""
    key = EventKey(WorldEventKind(document["kind"]), document["event_id"], document["cycle"])
    return EVENTS.read(document, key=key)
