"""All of the stored data as a full verification reads it: piece by piece, with little memory."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date

from utils.database.core.indexes import INDEXES
from utils.database.core.keys import KEY_BYTES, build_key_range
from utils.database.core.operations import Document
from utils.database.core.scope_rules import Query, scope_of_server
from utils.database.documents.death_documents import decode_documents, read_death
from utils.database.documents.link_documents import PROVEN
from utils.database.documents.player_documents import read_days, read_month, read_player
from utils.database.verification.faction_marks import ACTIVE, CURRENT, find_right, read_memberships
from utils.database.verification.stored_data import StoredData, try_to_read
from utils.models.deaths import Death
from utils.models.players import PlayerDay, PlayerRecord, ServerMonth
from utils.models.scope import GuildId, MemberId, PlayerId, ServerId, ServerScope
from utils.models.verification import DataFault, DataFinding, DeathPiece, LedgerLine, ShownServer, WholeWallet

DELETED_ORPHANS = (
    "players",
    "player_days",
    "server_months",
    "rejected_lines",
    "outbox",
    "log_state",
    "presence",
    "sessions",
    "play_days",
    "population",
    "log_events",
)
"""The collections of which a game server that is gone leaves nothing of worth."""

KEPT_ORPHANS = ("kills", "bounties")

_KEY_AT = 4 + 5 + 4 + 1  # behind the document's length, the field's type and name, its length and subtype
_LINE = {"_id": 0, "guild_id": 1, "member_id": 1, "number": 1, "amount": 1, "balance": 1}


class StoredWhole(StoredData):
    """One database, read to its end."""

    def iterate_deaths(self, scope: ServerScope, *, batch: int) -> Iterator[DeathPiece]:
        """Yield every death of a game server in the order of its id, which is by time."""
        first, last = build_key_range(scope)
        cursor = self._get("kills").find_raw_batches(
            {"_id": {"$gte": first, "$lte": last}},
            sort=[("_id", 1)],
            hint="_id_",
            batch_size=batch,
            session=self._session,
        )
        with cursor:
            while (encoded := self._run("kills.find", next, cursor, None)) is not None:
                yield _read_piece(decode_documents(encoded))  # type: ignore[arg-type] # typed as a document

    def iterate_players(self, server: ShownServer) -> Iterator[tuple[PlayerId, PlayerRecord | None]]:
        """Yield all shown players; None for one who cannot be read."""
        for document in self._iterate("players", _of_generation(server), hint="player"):
            yield PlayerId(document["player_id"]), try_to_read(read_player, document)

    def list_months_of_days(self, server: ShownServer) -> Sequence[str]:
        """Return the months of all shown days, for example ``2025-04``."""
        find = self._get("player_days").distinct
        return [
            str(one)
            for one in self._run(
                "player_days.distinct", find, "month", _of_generation(server), session=self._session
            )
        ]

    def iterate_days(self, server: ShownServer, months: Collection[str]) -> Iterator[PlayerDay | None]:
        """Yield the shown days of some months; None for a month of a player that cannot be read."""
        wanted = {**_of_generation(server), "month": {"$in": sorted(months)}}
        for document in self._iterate("player_days", wanted, hint="month"):
            days = try_to_read(_list_days, document)
            yield from (None,) if days is None else days

    def read_months(self, server: ShownServer) -> Mapping[date, ServerMonth] | None:
        """Return the shown months; None if one of them cannot be read."""
        found = self._iterate("server_months", _of_generation(server), hint="month")
        months = [try_to_read(read_month, document) for document in found]
        readable = {one.month: one for one in months if one is not None}
        return readable if len(readable) == len(months) else None

    def count_wrong_playtimes(self, scope: ServerScope) -> int:
        """Return how many players of a game server have a playtime that their sessions deny.

        Old sessions are deleted and stay in the playtime, so a player with fewer sessions than were counted
        may have more time than these sessions.
        """
        stored = self._sum_time("sessions", scope, {"$sum": 1})
        counted = self._sum_time("play_days", scope, {"$sum": "$sessions"})
        return sum(_denies(stored[player], counted.get(player, (0, 0))) for player in stored)

    def _sum_time(self, name: str, scope: ServerScope, sessions: Query) -> Mapping[str, tuple[int, int]]:
        """Return the number of sessions of each player and their seconds."""
        pipeline: list[Query] = [
            {"$match": scope_of_server(scope)},
            {"$group": {"_id": "$player_id", "sessions": sessions, "seconds": {"$sum": "$seconds"}}},
        ]
        aggregate = self._get(name).aggregate
        cursor = self._run(f"{name}.sum", aggregate, pipeline, session=self._session)
        found = self._run(f"{name}.sum", list, cursor)
        return {str(one["_id"]): (int(one["sessions"]), int(one["seconds"])) for one in found}

    def iterate_ledger(self) -> Iterator[LedgerLine]:
        """Yield the ledgers of all members, those of one member together and newest first."""
        order = [("guild_id", 1), ("member_id", 1), ("number", -1)]
        found = self._get("ledger").find({}, _LINE, sort=order, hint="member", session=self._session)
        with found as cursor:
            while (one := self._run("ledger.find", next, cursor, None)) is not None:
                yield LedgerLine(**one)

    def read_wallets(self) -> Mapping[tuple[GuildId, MemberId], WholeWallet]:
        """Return every wallet."""
        return {
            (GuildId(one["guild_id"]), MemberId(one["member_id"])): WholeWallet(
                int(one["rows"]), int(one["balance"]), is_stopped=bool(one.get("is_stopped"))
            )
            for one in self._iterate("wallets", {})
        }

    def count_wrong_marks(self) -> Mapping[GuildId, int]:
        """Return how many links of each community name another faction than their member's period."""
        memberships = read_memberships(
            self._iterate("factions", ACTIVE), self._iterate("faction_periods", CURRENT)
        )
        wrong = Counter[GuildId]()
        for link in self._iterate("links", PROVEN):
            wrong[GuildId(link["guild_id"])] += find_right(link, memberships) is not None
        return +wrong

    def list_orphans(self) -> Sequence[DataFinding]:
        """Return the documents of game servers that are gone."""
        known: dict[int, set[str]] = {}
        for server in self._iterate("game_servers", {}, hint="server"):
            known.setdefault(server["guild_id"], set()).add(server["server_id"])
        return [
            finding
            for name in (*DELETED_ORPHANS, *KEPT_ORPHANS)
            for guild_id in self._list_guilds(name)
            for finding in self._list_orphans_of(name, guild_id, known.get(guild_id, set()))
        ]

    def _list_orphans_of(self, name: str, guild_id: GuildId, known: Collection[str]) -> Iterator[DataFinding]:
        fault = DataFault.ORPHANS if name in DELETED_ORPHANS else DataFault.KEPT_ORPHANS
        own = {"guild_id": int(guild_id)}
        find = self._get(name).distinct
        for server_id in self._run(f"{name}.distinct", find, "server_id", own, session=self._session):
            if isinstance(server_id, str) and server_id not in known:
                scope = ServerScope(guild_id, ServerId(server_id))
                found = self._of_server(name, scope).count({})
                yield DataFinding(fault, guild_id, scope.server_id, found=found, detail=name)

    def _list_guilds(self, name: str) -> Sequence[GuildId]:
        """Return every guild of a collection; sorted, MongoDB jumps from one to the next by the index."""
        pipeline: list[Query] = [{"$sort": {"guild_id": 1}}, {"$group": {"_id": "$guild_id"}}]
        index = INDEXES[name][0].name
        aggregate = self._get(name).aggregate
        cursor = self._run(f"{name}.guilds", aggregate, pipeline, session=self._session, hint=index)
        found = self._run(f"{name}.guilds", list, cursor)
        return [GuildId(one["_id"]) for one in found if isinstance(one["_id"], int)]


def read_raw_key(raw: bytes) -> bytes:
    """Return the ``_id`` of a stored death, which is always its first field, without decoding the rest."""
    return raw[_KEY_AT : _KEY_AT + KEY_BYTES] if raw[4:_KEY_AT].startswith(b"\x05_id\0") else b""


def read_raw_death(raw: bytes) -> Death | None:
    """Return a death as it is stored in a backup; None if it cannot be read."""
    [document] = decode_documents(raw)
    return try_to_read(read_death, document)


def _of_generation(server: ShownServer) -> Document:
    scope = server.scope
    return {
        "guild_id": int(scope.guild_id),
        "server_id": str(scope.server_id),
        "generation": server.generation,
    }


def _denies(stored: tuple[int, int], counted: tuple[int, int]) -> bool:
    """Tell whether sessions and their seconds cannot be among those that were counted."""
    if stored[0] == counted[0]:
        return stored[1] != counted[1]
    return stored > counted or stored[1] > counted[1]


def _read_piece(documents: Sequence[Document]) -> DeathPiece:
    found = [(one["_id"], try_to_read(read_death, one)) for one in documents]
    return DeathPiece(
        [death for _, death in found if death is not None],
        [bytes(key) for key, death in found if death is None],
    )


def _list_days(bucket: Document) -> list[PlayerDay]:
    return list(read_days(bucket))
