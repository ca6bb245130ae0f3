"""Documents of what is known from Deadside.log: its state, players, sessions, days and samples."""

from dataclasses import fields

from utils.database.documents.codec import Codec, Document
from utils.database.documents.world_documents import read_event
from utils.models.game_log import GameLogState, LogCursor, PopulationSample, SelfCheck
from utils.models.presence import PlayerPresence, ServerPresence, SessionRecord
from utils.models.world_events import WorldState, collect_world

CURSORS = Codec(LogCursor)
PLAYERS = Codec(PlayerPresence)
SAMPLES = Codec(PopulationSample)
CHECKS = Codec(SelfCheck)
STATES = Codec(GameLogState, without=frozenset({"cursor", "presence", "world"}))
WORLDS = Codec(WorldState, without=frozenset({"newest_at", "open", "due", "started_at"}))
RUNS = Codec(ServerPresence, without=frozenset({"players", "run"}))


def build_state_document(state: GameLogState) -> Document:
    """Return the document of a state, without the players."""
    cursor = {} if state.cursor is None else CURSORS.build(state.cursor)
    return {**STATES.build(state), **RUNS.build(state.presence), **WORLDS.build(state.world), **cursor}


def build_cursor_query(cursor: LogCursor | None) -> Document:
    """Return the filter that a stored state fits as long as it was not moved; of no state, none fits."""
    if cursor is None:
        return {"run": {"$exists": False}}
    return {name: value for name, value in CURSORS.build(cursor).items() if name != "border"}


def read_state(document: Document | None, players: list[Document], events: list[Document]) -> GameLogState:
    """Return the state of stored documents."""
    if document is None:
        return GameLogState()
    found = [PLAYERS.read(player) for player in players]
    presence = RUNS.read(document, run=document["run"], players={one.key: one for one in found})
    facts = WORLDS.read({name: document[name] for name in WORLDS.fields if name in document})
    world = collect_world(map(read_event, events), facts, newest_at=presence.newest_at)
    return STATES.read(document, cursor=CURSORS.read(document), presence=presence, world=world)


def is_aged(document: Document) -> bool:
    """Tell of a stored state whether the rules of its log seem to have aged."""
    stored = document.get("check")
    return stored is not None and CHECKS.read(stored).is_aged


def build_session_document(record: SessionRecord) -> Document:
    """Return the document of a session that ended."""
    session = record.session
    stored = {one.name: getattr(session, one.name) for one in fields(session)}
    document = {"_id": record.id, **stored, "reason": session.reason.value, "seconds": session.seconds}
    return document if record.read_at is None else {**document, "read_at": record.read_at}


def build_day_update(record: SessionRecord, seconds: int, *, is_first: bool) -> Document:
    """Return the update that adds a session to a day of its player; it counts on its first day."""
    session = record.session
    update: Document = {
        "$inc": {"seconds": seconds, "sessions": int(is_first), "estimated": int(session.is_estimated)},
        "$max": {"last_at": session.ended_at, **({"longest": session.seconds} if is_first else {})},
    }
    return {**update, "$set": {"name": session.name}} if session.name else update
