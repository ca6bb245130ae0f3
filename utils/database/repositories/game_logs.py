"""The facts of Deadside.log of game servers: stored by its readers, slice by slice."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from utils.database.core.keys import build_key_range, build_key_since
from utils.database.core.transaction import Transaction
from utils.database.documents.death_documents import KILLS
from utils.database.documents.presence_documents import SAMPLES, read_state
from utils.database.documents.world_documents import read_event
from utils.database.repositories.repository import FencedRepository
from utils.database.units.game_log_unit import GameLogTransaction
from utils.models.game_log import (
    GameLogState,
    LiveKill,
    OnlineTime,
    PopulationSample,
    floor_hour,
    fold_samples,
)
from utils.models.scope import PlayerId, ServerScope
from utils.models.typed_text import fold_text
from utils.models.world_events import LONGEST_RETURN, UNHEARD, WorldEvent

T = TypeVar("T")

FOLDED_AT_ONCE = 2_000
"""The most samples of one transaction: about a week."""

KILLS_CHECKED = 1_000
WALL_CLOCK = timedelta(hours=15)
"""Deaths are ordered by the wall clock of their server, which is at most so far from UTC."""


class GameLogRepository(FencedRepository):
    """The state of Deadside.log of each server, with the players of its present run."""

    async def load(self, scope: ServerScope) -> GameLogState:
        """Return what is known; an empty state if the file was never read."""

        def read(transaction: Transaction) -> GameLogState:
            stored = transaction.of_server("log_state", scope).find_one({})
            players = transaction.of_server("presence", scope).find({}, hint="player")
            newest_at = None if stored is None else stored.get("newest_at")
            if newest_at is None:
                return read_state(stored, players, [])
            heard_of = {"seen_at": {"$gte": newest_at - max(UNHEARD.values())}}
            return read_state(
                stored, players, transaction.of_server("log_events", scope).find(heard_of, hint="seen")
            )

        return await self._in_transaction(scope.guild_id, read)

    async def in_transaction(self, scope: ServerScope, work: Callable[[GameLogTransaction], T]) -> T:
        """Run ``work`` in one transaction; it may run again after a transient error.

        Raises:
            CursorMovedError, LeaseLostError, DiskFullError, StorageUnavailableError
        """

        def run(transaction: Transaction) -> T:
            return work(GameLogTransaction(transaction, scope))

        return await self._in_transaction(scope.guild_id, run)

    async def find_named(self, scope: ServerScope, names: Collection[str]) -> Mapping[str, PlayerId]:
        """Return the only player of each of these names, by the folded name, as far as there is one."""
        server = await self._of_server("game_servers", scope).find_one({}, projection={"generation": 1})
        wanted = {"generation": server["generation"] if server else 0, "name": {"$in": sorted(names)}}
        fields = {"_id": 0, "player_id": 1, "name": 1}
        found = await self._of_server("players", scope).find(wanted, projection=fields, hint="board")
        counts = Counter(fold_text(one["name"]) for one in found)
        named = {fold_text(one["name"]): PlayerId(one["player_id"]) for one in found}
        return {name: player_id for name, player_id in named.items() if counts[name] == 1}

    async def list_returning(self, scope: ServerScope, *, now: datetime) -> Sequence[WorldEvent]:
        """Return the events that come back later than now, at a known time."""
        wanted = {"seen_at": {"$gte": now - LONGEST_RETURN}, "respawn_at": {"$gt": now}}
        found = await self._of_server("log_events", scope).find(wanted, hint="seen")
        return [read_event(one) for one in found]

    async def prune_events(self, scope: ServerScope, *, before: datetime) -> None:
        """Delete the events of the world that were heard of last before a moment."""
        await self._of_server("log_events", scope).delete_in_parts({"seen_at": {"$lt": before}})

    async def prune(self, scope: ServerScope, *, sessions: datetime, samples: datetime) -> None:
        """Delete the sessions that ended and the samples that were taken before a moment."""
        await self._of_server("sessions", scope).delete_in_parts({"ended_at": {"$lt": sessions}})
        await self._of_server("population", scope).delete_in_parts({"at": {"$lt": samples}})

    async def fold_samples(
        self, scope: ServerScope, *, before: datetime, at_once: int = FOLDED_AT_ONCE
    ) -> None:
        """Fold the samples of the hours that ended before a moment: one for each hour stays.

        Args:
            scope: the server.
            before: UTC.
            at_once: the most samples of one transaction; more than an hour has.
        """
        until = floor_hour(before)

        def fold(transaction: Transaction) -> bool:
            """Fold some hours; tell whether more are left. The stored edge and the samples move together."""
            states = transaction.of_server("log_state", scope)
            since = (states.find_one({}) or {}).get("folded_until")
            span = {"$lt": until} if since is None else {"$gte": since, "$lt": until}
            samples = transaction.of_server("population", scope)
            found = samples.find({"at": span}, sort=[("at", 1)], limit=at_once + 1, hint="at")
            some = [SAMPLES.read(one) for one in found[:at_once]]
            if not some:
                return False
            end = until if len(some) == len(found) else floor_hour(some[-1].at)
            folded = fold_samples(one for one in some if one.at < end)
            samples.delete({"at": {"$gte": some[0].at, "$lt": end}})
            samples.insert_many(map(SAMPLES.build, folded))
            states.update_one({}, {"$set": {"folded_until": end}})
            return end < until

        while await self._in_transaction(scope.guild_id, fold):
            pass

    async def find_peak(self, scope: ServerScope, *, since: datetime) -> int | None:
        """Return the most players at once in the samples since a moment; None without a sample."""
        found = await self._of_server("population", scope).find(
            {"at": {"$gte": since}}, projection={"peak": 1}, hint="at"
        )
        return max((one["peak"] for one in found), default=None)

    async def list_samples(self, scope: ServerScope, *, since: datetime) -> Sequence[PopulationSample]:
        """Return the samples of a server since a moment, oldest first."""
        found = await self._of_server("population", scope).find(
            {"at": {"$gte": since}}, sort=[("at", 1)], hint="at"
        )
        return [SAMPLES.read(one) for one in found]

    async def list_live_kills(self, scope: ServerScope, *, since: datetime) -> Sequence[LiveKill]:
        """Return the newest kills since a moment that were read live, 1,000 at most."""
        first = build_key_since(scope, (since - WALL_CLOCK).date())
        live = {
            "_id": {"$gte": first, "$lte": build_key_range(scope)[1]},
            "kind": KILLS,
            "at": {"$gte": since},
            "read_at": {"$exists": True},
        }
        fields = {"_id": 0, "killer_id": 1, "killer_name": 1, "at": 1, "read_at": 1}
        found = await self._of_server("kills", scope).find(
            live, projection=fields, sort=[("_id", -1)], limit=KILLS_CHECKED, hint="_id_"
        )
        return [
            LiveKill(PlayerId(one["killer_id"]), one["killer_name"], one["at"], one["read_at"])
            for one in found
        ]

    async def list_online_times(self, scope: ServerScope, *, since: datetime) -> Sequence[OnlineTime]:
        """Return the sessions that ended since a moment."""
        fields = {"_id": 0, "player_id": 1, "started_at": 1, "ended_at": 1}
        found = await self._of_server("sessions", scope).find(
            {"ended_at": {"$gte": since}}, projection=fields, hint="ended"
        )
        return [OnlineTime(PlayerId(one["player_id"]), one["started_at"], one["ended_at"]) for one in found]

    async def find_names(
        self, scope: ServerScope, player_ids: Collection[PlayerId]
    ) -> Mapping[PlayerId, str]:
        """Return the names of players in the deaths of a server, or in its sessions."""
        wanted = {"player_id": {"$in": sorted(player_ids)}}
        days = await self._of_server("play_days", scope).find(
            {**wanted, "name": {"$exists": True}},
            projection={"player_id": 1, "name": 1},
            sort=[("day", 1)],
            hint="player",
        )
        players = await self._of_server("players", scope).find(
            {"generation": {"$gte": 0}, **wanted}, projection={"player_id": 1, "name": 1}, hint="player"
        )
        return {PlayerId(one["player_id"]): one["name"] for one in (*days, *players) if one["name"]}
