"""The writes that follow from a slice of Deadside.log, within one transaction of its server."""

from collections.abc import Collection, Sequence
from datetime import datetime

from utils.database.core.blocking import BlockingCollection, Deletion, Replacement, Update, Write
from utils.database.core.keys import build_key_prefix
from utils.database.core.transaction import Transaction
from utils.database.documents.presence_documents import (
    PLAYERS,
    SAMPLES,
    build_cursor_query,
    build_day_update,
    build_session_document,
    build_state_document,
)
from utils.database.documents.world_documents import build_event_document, build_event_query
from utils.database.units.outbox_entries import append_entries
from utils.database.units.removals import verify_kept
from utils.errors import CursorMovedError, ScopeViolationError
from utils.models.game_log import GameLogState, LogCursor, PopulationSample
from utils.models.notices.notice import Notice
from utils.models.presence import PlayerPresence, SessionRecord
from utils.models.scope import ServerScope
from utils.models.world_events import EventKey, WorldEvent


class GameLogTransaction:
    """One open transaction over what is known from Deadside.log of one server."""

    def __init__(self, transaction: Transaction, scope: ServerScope) -> None:
        self._transaction = transaction
        self._scope = scope

    def move_cursor(self, before: LogCursor | None, state: GameLogState) -> None:
        """Write the cursor and the facts beside it.

        Raises:
            CursorMovedError: another process moved the cursor, players were erased, or the server is removed.
        """
        states, document = self._of("log_state"), build_state_document(state)
        if before is None:
            verify_kept(self._transaction, self._scope)
            if states.find_one({}) is not None:
                raise CursorMovedError("Deadside.log was read by another process.")
            states.insert_one(document)
        elif not states.update_one(build_cursor_query(before), {"$set": document}):
            raise CursorMovedError("The cursor of Deadside.log is not where it was read any more.")

    def replace_players(self, changed: Sequence[PlayerPresence], gone: Collection[str]) -> None:
        """Write players of the present run, and delete others by their keys."""
        writes: list[Write] = [Replacement({"key": one.key}, PLAYERS.build(one)) for one in changed]
        if gone:
            writes.append(Deletion({"key": {"$in": sorted(gone)}}))
        self._of("presence").bulk_write(writes)

    def replace_events(self, changed: Sequence[WorldEvent], *, outdated: Collection[EventKey] = ()) -> None:
        """Write events of the world, each in place of its earlier form; some have outdated posts."""
        writes = []
        for one in changed:
            fields = build_event_document(one)
            if one.key in outdated:
                fields["is_shown"] = False
            writes.append(Update(build_event_query(one.key), {"$set": fields}, upsert=True))
        self._of("log_events").bulk_write(writes)

    def find_known_sessions(self, ids: Sequence[bytes]) -> frozenset[bytes]:
        """Return which of these sessions are stored already."""
        prefix = build_key_prefix(self._scope)
        found = self._of("sessions").find_keys(min(ids), max(ids), prefix=prefix)
        return frozenset(ids).intersection(found)

    def insert_sessions(self, sessions: Sequence[SessionRecord]) -> None:
        """Store sessions that ended, and add them to the days of their players.

        Raises:
            ScopeViolationError: an id was made for another server.
        """
        prefix = build_key_prefix(self._scope)
        if not all(record.id.startswith(prefix) for record in sessions):
            raise ScopeViolationError("A session's id must begin with its guild and server.")
        self._of("sessions").insert_many(map(build_session_document, sessions))
        self._of("play_days").bulk_write(
            Update(
                {"player_id": record.session.player_id, "day": day.isoformat()},
                build_day_update(record, seconds, is_first=index == 0),
                upsert=True,
            )
            for record in sessions
            for index, (day, seconds) in enumerate(record.days)
        )

    def add_sample(self, sample: PopulationSample) -> None:
        """Write a sample of the number of players, in place of an earlier one of the same time."""
        self._of("population").bulk_write([Replacement({"at": sample.at}, SAMPLES.build(sample))])

    def append_notices(self, notices: Sequence[Notice], *, created_at: datetime) -> None:
        """Append notices to the outbox of this server."""
        append_entries(self._transaction, self._scope, notices, created_at=created_at)

    def _of(self, name: str) -> BlockingCollection:
        return self._transaction.of_server(name, self._scope)
