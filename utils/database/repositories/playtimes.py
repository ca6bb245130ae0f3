"""Time on game servers, from the days of players and the sessions that are still open."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime

from utils.database.core.operations import Document
from utils.database.documents.presence_documents import PLAYERS, is_aged
from utils.database.repositories.repository import Repository
from utils.models.players import BoardRow, Counters, KnownPlayer
from utils.models.playtime import Playtime
from utils.models.presence import PlayerPresence, PlayerState
from utils.models.scope import GuildId, PlayerId, ServerId
from utils.models.statistics import CoveredDeaths

OpenSessions = Sequence[tuple[PlayerPresence, int]]
"""Players who are online, and the seconds of their sessions so far, within the period."""


class PlaytimeRepository(Repository):
    """The time of players over one or several servers of a guild."""

    async def sum_playtime(self, covered: CoveredDeaths, player_ids: Collection[PlayerId]) -> Playtime:
        """Return the time of players together, with their open sessions."""
        wanted = {**_build_wanted(covered), "player_id": {"$in": sorted(player_ids)}}
        days = await self._of_guild("play_days", covered.guild_id).find(wanted, hint="player")
        open_sessions, since, is_doubtful = await self._read_open(covered)
        own = [(player, seconds) for player, seconds in open_sessions if player.key in player_ids]
        return Playtime(
            seconds=sum(one["seconds"] for one in days) + sum(seconds for _, seconds in own),
            sessions=sum(one["sessions"] for one in days) + len(own),
            longest=max(
                [*(one.get("longest", 0) for one in days), *(seconds for _, seconds in own)], default=0
            ),
            last_at=_find_latest([one["last_at"] for one in days], [player.seen_at for player, _ in own]),
            online_since=min((player.since for player, _ in own if player.is_online), default=None),
            counted_since=since,
            is_estimated=is_doubtful or any(one["estimated"] for one in days),
        )

    async def list_most_played(self, covered: CoveredDeaths) -> tuple[BoardRow, ...]:
        """Return all players by their time, the longest first; ties are broken by name."""
        sums: Document = {
            "_id": "$player_id",
            "seconds": {"$sum": "$seconds"},
            "newest": {"$max": {"day": "$day", "name": "$name"}},
        }
        pipeline = [{"$match": _build_wanted(covered)}, {"$group": sums}]
        found = await self._of_guild("play_days", covered.guild_id).aggregate(pipeline, hint="day")
        seconds = defaultdict[str, int](int, {one["_id"]: one["seconds"] for one in found})
        names = {one["_id"]: one["newest"].get("name", "") for one in found}
        for player, length in (await self._read_open(covered))[0]:
            if player.player_id is not None:
                seconds[player.key] += length
                names[player.key] = player.name or names.get(player.key, "")
        ranked = sorted(
            (-length, names[key], key) for key, length in seconds.items() if length and names[key]
        )
        return tuple(
            BoardRow(rank, PlayerId(key), name, float(-length), Counters())
            for rank, (length, name, key) in enumerate(ranked, start=1)
        )

    async def list_seen(self, guild_id: GuildId, *, since: date) -> tuple[KnownPlayer, ...]:
        """Return the named players who were on a guild's servers since a day, or are now, newest first."""
        servers = await self._of_guild("game_servers", guild_id).find(
            {"is_removed": {"$ne": True}}, projection={"server_id": 1}
        )
        of_servers = {"server_id": {"$in": [one["server_id"] for one in servers]}}
        sums: Document = {
            "_id": "$player_id",
            "newest": {"$max": {"day": "$day", "name": "$name"}},
            "last_at": {"$max": "$last_at"},
            "servers": {"$addToSet": "$server_id"},
        }
        pipeline = [{"$match": {**of_servers, "day": {"$gte": since.isoformat()}}}, {"$group": sums}]
        days = await self._of_guild("play_days", guild_id).aggregate(pipeline, hint="day")
        seen = {one["_id"]: (one["newest"].get("name"), one["last_at"], one["servers"]) for one in days}
        present = await self._of_guild("presence", guild_id).find(
            {**of_servers, "key": {"$gte": ""}}, hint="player"
        )
        for one in present:
            player = PLAYERS.read(one)
            if player.player_id is not None and player.name:
                _, last_at, where = seen.get(player.key, ("", player.seen_at, []))
                seen[player.key] = (
                    player.name,
                    max(last_at, player.seen_at),
                    list({*where, one["server_id"]}),
                )
        found = [
            KnownPlayer(PlayerId(key), name, (name,), 0, last_at, tuple(map(ServerId, sorted(where))))
            for key, (name, last_at, where) in seen.items()
            if name
        ]
        return tuple(sorted(found, key=lambda one: one.last_seen_at, reverse=True))

    async def _read_open(self, covered: CoveredDeaths) -> tuple[OpenSessions, datetime | None, bool]:
        """Return the open sessions of the covered servers, since when time is counted there, and a doubt.

        The doubt: the rules of a log seem to have aged, so its time is estimated.
        """
        of_servers = {"server_id": {"$in": list(covered.server_ids)}}
        states = await self._of_guild("log_state", covered.guild_id).find(of_servers, hint="server")
        newest = {one["server_id"]: one["newest_at"] for one in states}
        online = {**of_servers, "key": {"$gte": ""}, "state": PlayerState.ONLINE.value}
        found = await self._of_guild("presence", covered.guild_id).find(online, hint="player")
        stopped = {one["server_id"] for one in states if one.get("is_closed") or one.get("missing_since")}
        sessions = [
            (player, _measure(player, newest.get(one["server_id"]), covered))
            for one in found
            for player in [_read_player(one, newest, stopped)]
        ]
        since = min((one["since"] for one in states if one["since"]), default=None)
        return sessions, since, any(is_aged(one) for one in states)


def _build_wanted(covered: CoveredDeaths) -> Document:
    days = {"$gte": "" if covered.since is None else covered.since.isoformat()}
    if covered.until is not None:
        days["$lte"] = covered.until.isoformat()
    return {"server_id": {"$in": list(covered.server_ids)}, "day": days}


def _read_player(
    document: Document, newest: Mapping[str, datetime | None], stopped: Collection[str]
) -> PlayerPresence:
    """Read a player who is online; on a game server that is stopped, they left with its last line."""
    player, server_id = PLAYERS.read(document), document["server_id"]
    if server_id not in stopped or player.left_at is not None:
        return player
    return replace(player, left_at=newest.get(server_id) or player.seen_at)


def _measure(player: PlayerPresence, newest_at: datetime | None, covered: CoveredDeaths) -> int:
    """Return the seconds of an open session within the period, up to the newest stamp."""
    until = player.left_at or newest_at or player.seen_at
    if covered.until_at is not None:
        until = min(until, covered.until_at)
    since = player.since if covered.since_at is None else max(player.since, covered.since_at)
    return max(0, int((until - since).total_seconds()))


def _find_latest(*moments: Iterable[datetime]) -> datetime | None:
    return max((one for some in moments for one in some), default=None)
