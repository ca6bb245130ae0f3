"""The stored data as a verification reads it: in a thread, without an event loop, also in a child process.

It reads the bot's own database, or the collections of a trial. A trial has only the unique indexes, so deaths
of players are found there by a scan of their server's part of ``_id``.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ParamSpec, TypeVar

from pymongo.client_session import ClientSession
from pymongo.collection import Collection as BareCollection

from utils.database.core.blocking import BlockingCollection
from utils.database.core.indexes import INDEXES, compare_indexes
from utils.database.core.keys import build_key_range
from utils.database.core.operations import Document, Operations
from utils.database.core.scope_rules import Query, scope_of_guild, scope_of_server
from utils.database.documents.death_documents import read_death
from utils.database.documents.guild_documents import SettingsDocuments
from utils.database.documents.player_documents import read_days, read_player
from utils.database.documents.premium_documents import read_premium
from utils.database.documents.server_documents import read_server
from utils.database.documents.xp_documents import XP_EVENTS_FIELD, read_xp_events
from utils.database.units.count_lock import IMPORT_KEY
from utils.models.audit import AuditAction
from utils.models.deaths import Death
from utils.models.guilds import GuildSettings
from utils.models.players import PlayerDay
from utils.models.scope import GuildId, MemberId, PlayerId, ServerId, ServerScope
from utils.models.verification import (
    UNREADABLE_SERVER,
    DataFault,
    DataFinding,
    ShownServer,
    StoredFigures,
    StoredWallet,
)
from utils.models.xp import XpEvents

P = ParamSpec("P")
T = TypeVar("T")

UNREADABLE = (KeyError, TypeError, ValueError, AttributeError)
"""The errors of reading a document that is not as it should be; pydantic's are among them."""


def try_to_read(read: Callable[[Document], T], document: Document) -> T | None:
    """Return the value of a document; None if it cannot be read."""
    try:
        return read(document)
    except UNREADABLE:
        return None


class StoredData:
    """One database, or one trial.

    Args:
        prefix: begins the names of its collections; empty in a database of its own.
        is_trial: it has neither a version of its own nor all indexes.
        session: of a snapshot, in which everything is of one moment.
    """

    def __init__(
        self,
        operations: Operations,
        *,
        prefix: str = "",
        is_trial: bool = False,
        session: ClientSession | None = None,
    ) -> None:
        self._operations = operations
        self._session = session
        self._prefix = prefix
        self._is_trial = is_trial
        self._settings = SettingsDocuments(GuildSettings)

    def find_data_version(self) -> int | None:
        """Return the version of the data; None in a trial, whose version the backup names."""
        if self._is_trial:
            return None
        found = self._run(
            "schema.find_one", self._get("schema").find_one, {"_id": "data"}, session=self._session
        )
        return 0 if found is None else int(found["version"])

    def list_index_problems(self) -> Sequence[str]:
        """Return a sentence for each missing or different index."""
        problems: list[str] = []
        for name, indexes in INDEXES.items() if not self._is_trial else ():
            found = self._run(f"{name}.index_information", self._get(name).index_information)
            problems += compare_indexes(name, {index.name: index for index in indexes}, found)
        return problems

    def list_servers(self) -> tuple[Sequence[ShownServer], Sequence[DataFinding]]:
        """Return every game server that is there, and what of settings and game servers cannot be read."""
        servers = []
        findings = [
            DataFinding(DataFault.UNREADABLE, _read_id(document))
            for document in self._iterate("guilds", {})
            if try_to_read(self._read_guild, document) is None
        ]
        for document in self._iterate("game_servers", {}):
            server = try_to_read(read_server, document)
            if server is None:
                findings.append(_describe_unreadable(document))
            elif "removed_at" not in document:
                servers.append(ShownServer(server.scope, server.generation))
        return servers, findings

    def list_communities(self) -> Collection[GuildId]:
        """Return the communities with settings."""
        return self._list_numbers("guilds")

    def count_servers(self) -> Mapping[GuildId, int]:
        """Return the number of game servers of each community, also of removed ones that are still there."""
        return Counter(self._list_numbers("game_servers"))

    def count_removals(self, guild_id: GuildId, *, since: datetime) -> int:
        """Return how many game servers of a community were removed by hand since a moment."""
        removals = {"action": AuditAction.SERVER_REMOVE.value, "at": {"$gte": since}}
        return self._of_guild("audit", guild_id).count(removals)

    def is_importing(self, scope: ServerScope) -> bool:
        """Tell whether an import of a game server runs, or one is planned that counts everything again."""
        projection = {"job.is_waiting": 1, "job.catch_up": 1}
        found = self._of_server("cursors", scope).find_one(IMPORT_KEY, projection=projection)
        if found is None:
            return False
        job = found["job"]
        return not job["is_waiting"] or job.get("catch_up") is not None

    def find_generation(self, scope: ServerScope) -> int | None:
        """Return the shown generation of a game server; None if it is gone."""
        found = self._of_server("game_servers", scope).find_one({}, projection={"generation": 1})
        return None if found is None else int(found["generation"])

    def has_server(self, scope: ServerScope) -> bool:
        """Tell whether a game server is there and not about to be deleted."""
        kept = {"removed_at": {"$exists": False}}
        return self._of_server("game_servers", scope).find_one(kept, projection={"_id": 1}) is not None

    def find_deaths(self, scope: ServerScope, ids: Sequence[bytes]) -> Mapping[bytes, Death | None]:
        """Return stored deaths by their ids; None for one that cannot be read."""
        found = self._of_server("kills", scope).find({"_id": {"$in": list(ids)}}, hint="_id_")
        return {one["_id"]: try_to_read(read_death, one) for one in found}

    def count_deaths(self, scope: ServerScope) -> int:
        """Return the number of deaths of a game server."""
        first, last = build_key_range(scope)
        # by the _id alone, so that MongoDB reads the index and no document; the prefix is the scope
        own = {"_id": {"$gte": first, "$lte": last}}
        return self._run(
            "kills.count", self._get("kills").count_documents, own, hint="_id_", session=self._session
        )

    def list_xp_events(self, guild_id: GuildId) -> XpEvents:
        """Return the times in which kills of a guild give more XP."""
        fields = {XP_EVENTS_FIELD: 1}
        return read_xp_events(self._of_guild("guilds", guild_id).find_one({}, projection=fields))

    def count_players(self, server: ShownServer) -> int:
        """Return the number of players with shown counters."""
        return self._of_server("players", server.scope).count({"generation": server.generation})

    def list_player_ids(self, server: ShownServer, *, skip: int, limit: int) -> Sequence[PlayerId]:
        """Return some of these players, by their ids."""
        pipeline: list[Mapping[str, Any]] = [
            {"$match": {"generation": server.generation}},
            {"$sort": {"player_id": 1}},
            {"$skip": skip},
            {"$limit": limit},
            {"$project": {"_id": 0, "player_id": 1}},
        ]
        found = self._of_server("players", server.scope).aggregate(pipeline, hint="player")
        return [PlayerId(one["player_id"]) for one in found]

    def read_figures(
        self, server: ShownServer, player_ids: Collection[PlayerId]
    ) -> Mapping[PlayerId, StoredFigures]:
        """Return the counters of each of these players."""
        wanted = {"generation": server.generation, "player_id": {"$in": sorted(player_ids)}}
        records = {
            one["player_id"]: try_to_read(read_player, one)
            for one in self._of_server("players", server.scope).find(wanted, hint="player")
        }
        of_days = {**wanted, "month": {"$gte": ""}}
        days: dict[str, list[PlayerDay]] = {}
        for bucket in self._of_server("player_days", server.scope).find(of_days, hint="month"):
            days.setdefault(bucket["player_id"], []).extend(try_to_read(_list_days, bucket) or ())
        return {
            player_id: StoredFigures(records.get(player_id), frozenset(days.get(player_id, ())))
            for player_id in player_ids
        }

    def list_deaths_of(self, scope: ServerScope, player_ids: Collection[PlayerId]) -> Sequence[Death] | None:
        """Return every death of these players in order; None if one of them cannot be read."""
        kills, wanted = self._of_server("kills", scope), {"$in": sorted(player_ids)}
        if self._is_trial:
            first, last = build_key_range(scope)
            either = [{"killer_id": wanted}, {"victim_id": wanted}]
            found = kills.find({"_id": {"$gte": first, "$lte": last}, "$or": either}, hint="_id_")
        else:
            found = kills.find({"killer_id": wanted}, hint="killer")
            found += kills.find({"victim_id": wanted}, hint="victim")
        deaths = {one["_id"]: try_to_read(read_death, one) for one in found}
        readable = [death for death in deaths.values() if death is not None]
        return sorted(readable, key=lambda death: death.order) if len(readable) == len(deaths) else None

    def pick_wallets(self, limit: int) -> Sequence[StoredWallet]:
        """Return some wallets by chance."""
        chosen = [{"$sample": {"size": limit}}]
        cursor = self._run("wallets.sample", self._get("wallets").aggregate, chosen, session=self._session)
        return [self._read_wallet(one) for one in self._run("wallets.sample", list, cursor)]

    def find_wallet(self, wallet: StoredWallet) -> StoredWallet | None:
        """Return the wallet of the same member as it is now; None if it is gone."""
        wallets = self._of_guild("wallets", wallet.guild_id)
        found = wallets.find_one({"member_id": int(wallet.member_id)})
        return None if found is None else self._read_wallet(found)

    def _read_guild(self, document: Document) -> GuildSettings:
        guild_id = GuildId(document["guild_id"])
        read_premium(guild_id, document)
        return self._settings.read(guild_id, document)

    def _read_wallet(self, document: Document) -> StoredWallet:
        guild_id, member_id = GuildId(document["guild_id"]), MemberId(document["member_id"])
        last = self._of_guild("ledger", guild_id).find_one(
            {"member_id": int(member_id)}, sort=[("number", -1)]
        )
        number, balance = (0, 0) if last is None else (int(last["number"]), int(last["balance"]))
        return StoredWallet(
            guild_id, member_id, int(document["balance"]), int(document["rows"]), number, balance
        )

    def _of_guild(self, name: str, guild_id: GuildId) -> BlockingCollection:
        return BlockingCollection(
            self._operations, self._prefix + name, scope_of_guild(guild_id), session=self._session
        )

    def _of_server(self, name: str, scope: ServerScope) -> BlockingCollection:
        return BlockingCollection(
            self._operations, self._prefix + name, scope_of_server(scope), session=self._session
        )

    def _list_numbers(self, name: str) -> list[GuildId]:
        """Return the community of each document of a collection."""
        found = (_read_id(document) for document in self._iterate(name, {}))
        return [guild_id for guild_id in found if guild_id is not None]

    def _get(self, name: str) -> BareCollection[Document]:
        """Return a bare collection, for what belongs to no community or to all of them."""
        return self._operations.get_collection(self._prefix + name)

    def _run(self, operation: str, method: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return self._operations.run(operation, method, *args, **kwargs)

    def _iterate(self, name: str, query: Query, *, hint: str | None = None) -> Iterator[Document]:
        found = self._get(name).find(query, hint=hint, session=self._session)
        with found as cursor:
            while (document := self._run(f"{name}.find", next, cursor, None)) is not None:
                yield document


def _list_days(bucket: Document) -> list[PlayerDay]:
    return list(read_days(bucket))


def _read_id(document: Document) -> GuildId | None:
    found = document.get("guild_id")
    return GuildId(found) if isinstance(found, int) else None


def _describe_unreadable(document: Document) -> DataFinding:
    server_id = document.get("server_id")
    known = ServerId(server_id) if isinstance(server_id, str) else None
    return DataFinding(DataFault.UNREADABLE, _read_id(document), known, detail=UNREADABLE_SERVER)
