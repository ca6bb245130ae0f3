"""Switching: the loaded collections of a backup take the place of the present ones, whole or not at all.

*Theory of operation.* A restore loads its backup into collections named ``restoring.<name>``. A marker in
``schema`` says how far it is, and each of its states has one way on, in any process:

1. *loading*: nothing of the present data is touched. The finder of this state drops ``restoring.…``.
2. *switching*: two renames for each collection. The finder of this state goes on with the renames; those
that are done are known by the names that exist.
3. *following*: the data is in place, with its version and with tokens that no older process has. The work
that follows a restore goes on, and at the end ``replaced.…`` is dropped with the marker.

So at the next start the data is the old or the new one, never a mixture. A process that was suspended while
another one took over changes nothing when it wakes: each write is a transaction behind the fence of the lease
of restores, a rename or a drop names the UUID of its collection, which another collection of that name does
not have, and a backup is loaded into names with the token of the lease (``restoring.<token>.<name>``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from typing import Any

from bson.binary import Binary

from utils.database.core.database import Fence, SafeDatabase
from utils.database.core.operations import Document
from utils.database.core.transaction import Transaction
from utils.database.repositories.leases import RESTORE_LEASE
from utils.errors import StorageError
from utils.models.restores import RestoreFacts
from utils.models.scope import GuildId

RESTORING = "restoring."
"""Begins the names of the collections that a backup is loaded into."""

REPLACED = "replaced."
"""Begins the names of the collections with the data of before."""

TOKEN_STEP = 1_000
"""Tokens grow by so much, so no process that slept over a restore ever has a token again."""

PIECE_DOCUMENTS = 2_000  # in one transaction

_ID = "restore"
_DUE_ID = "due"
_GONE = {26, 361}  # NamespaceNotFound, CollectionUUIDMismatch
_LONG_AGO = datetime.fromtimestamp(0, UTC)


class RestoreState(StrEnum):
    """How far a restore is."""

    LOADING = "loading"
    SWITCHING = "switching"
    FOLLOWING = "following"


@dataclass(frozen=True, slots=True)
class RestoreMarker:
    """A restore that is under way, as it is stored.

    Attributes:
        collections: the names of the collections that it replaces.
        data_version: the version of the backup's data.
        upgraded_from: the version it was upgraded from, if the upgrade had been cut off.
        lease_tokens: the tokens of the backup, by the id of the lease.
        secret_proof: the proof of the secret key that the logins of the backup need; None for no change.
    """

    facts: RestoreFacts
    state: RestoreState
    _: KW_ONLY
    collections: Sequence[str]
    data_version: int
    upgraded_from: int | None
    lease_tokens: Mapping[str, int]
    secret_proof: bytes | None


class RestoreMarks:
    """The marker of the restore that is under way."""

    def __init__(self, database: SafeDatabase) -> None:
        self._database = database
        self._schema = database.unscoped("schema")

    async def find(self) -> RestoreMarker | None:
        """Return the marker; None if no restore is under way."""
        found = await self._database.run("schema.find", self._schema.find_one({"_id": _ID}))
        return None if found is None else _read(found)

    async def write(self, marker: RestoreMarker, fence: Fence) -> None:
        """Write the marker.

        Raises:
            LeaseLostError: another process took over; nothing was written.
        """
        document = _build(marker)

        def work(transaction: Transaction) -> None:
            _put(transaction, _ID, document)

        await self._database.in_transaction(work, fence=fence)

    async def follow(self, marker: RestoreMarker, fence: Fence) -> RestoreMarker:
        """Note in one transaction that the data is in place: its version, its key, and new tokens.

        Raises:
            LeaseLostError: another process took over; nothing was written.
        """
        following = replace(marker, state=RestoreState.FOLLOWING)

        def work(transaction: Transaction) -> list[bytes]:
            # backups from before the restore are no measure any more for what the data should hold
            version: Document = {"version": marker.data_version, "restored_at": marker.facts.began_at}
            if marker.upgraded_from is not None:
                version["upgraded_from"] = marker.upgraded_from
            _put(transaction, "data", version)
            if marker.secret_proof is not None:
                _put(transaction, "secret_key", {"current": marker.secret_proof, "following": None})
            _put(transaction, _ID, _build(following))
            return _raise_tokens(transaction, marker.lease_tokens)

        await self._database.kill_sessions(await self._database.in_transaction(work, fence=fence))
        return following

    async def remove(self, fence: Fence) -> None:
        """Note that no restore is under way any more.

        Raises:
            LeaseLostError: another process took over; nothing was written.
        """
        await _remove(self._database, _ID, fence)


async def _remove(database: SafeDatabase, document_id: str, fence: Fence) -> None:
    def work(transaction: Transaction) -> None:
        delete, session = transaction.unscoped("schema").delete_one, transaction.session
        transaction.run("schema.delete", delete, {"_id": document_id}, session=session)

    await database.in_transaction(work, fence=fence)


def _put(transaction: Transaction, document_id: str, fields: Document) -> None:
    change, session = transaction.unscoped("schema").replace_one, transaction.session
    transaction.run("schema.update", change, {"_id": document_id}, fields, upsert=True, session=session)


def _raise_tokens(transaction: Transaction, of_backup: Mapping[str, int]) -> list[bytes]:
    """Raise the token of each lease above all that processes may have; return the sessions of holders."""
    leases, session = transaction.unscoped("leases"), transaction.session
    found = transaction.run("leases.find", lambda: leases.find({}, session=session).to_list())
    tokens = {int(lease): token for lease, token in of_backup.items()}
    for one in found:
        tokens[one["_id"]] = max(one["token"], tokens.get(one["_id"], 0))
    for lease in sorted(tokens.keys() - {RESTORE_LEASE}):  # its holder is this process
        fields = {"token": tokens[lease] + TOKEN_STEP, "instance_id": "", "expires_at": _LONG_AGO}
        change: Document = {"$set": {**fields, "sessions": []}, "$setOnInsert": {"shard_count": 1}}
        transaction.run(
            "leases.update", leases.update_one, {"_id": lease}, change, upsert=True, session=session
        )
    return [bytes(one) for held in found if held["_id"] != RESTORE_LEASE for one in held["sessions"]]


def _build(marker: RestoreMarker) -> Document:
    fields = {**asdict(marker), "facts": _build_facts(marker.facts)}
    return {**fields, "state": marker.state.value, "collections": list(marker.collections)}


def _read(document: Document) -> RestoreMarker:
    fields = {name: value for name, value in document.items() if name != "_id"}
    state, facts = RestoreState(fields["state"]), _read_facts(fields["facts"])
    return RestoreMarker(**{**fields, "facts": facts, "state": state})


def _build_facts(facts: RestoreFacts) -> Document:
    return {**asdict(facts), "guild_id": None if facts.guild_id is None else int(facts.guild_id)}


def _read_facts(document: Document) -> RestoreFacts:
    guild_id = document["guild_id"]
    fields: dict[str, Any] = {**document, "guild_id": None if guild_id is None else GuildId(guild_id)}
    return RestoreFacts(**fields)


class PendingRestores:
    """The newest restore, as long as its due times are still to be passed over."""

    def __init__(self, database: SafeDatabase) -> None:
        self._database = database
        self._schema = database.unscoped("schema")

    async def find(self) -> RestoreFacts | None:
        """Return the restore; None if nothing is left to do."""
        found = await self._database.run("schema.find", self._schema.find_one({"_id": _DUE_ID}))
        return None if found is None else _read_facts(found["facts"])

    async def put(self, facts: RestoreFacts, fence: Fence) -> None:
        """Note that it is still to be done.

        Raises:
            LeaseLostError: another process took over; nothing was written.
        """
        fields = {"facts": _build_facts(facts)}

        def work(transaction: Transaction) -> None:
            _put(transaction, _DUE_ID, fields)

        await self._database.in_transaction(work, fence=fence)

    async def remove(self, fence: Fence) -> None:
        """Note that it is done.

        Raises:
            LeaseLostError: another process took over; nothing was written.
        """
        await _remove(self._database, _DUE_ID, fence)


class CollectionSwitch:
    """Renames and drops whole collections; every method can be repeated.

    Args:
        token: of the lease under which the backup was loaded.

    Attributes:
        restoring: begins the names of the loaded collections, and ``replaced`` those of the data of before.
    """

    def __init__(self, database: SafeDatabase, token: int) -> None:
        self._database = database
        self.restoring = f"{RESTORING}{token}."
        self.replaced = f"{REPLACED}{token}."

    async def put_in_place(self, name: str) -> None:
        """Let the loaded collection take the place of the present one, which is kept as ``replaced.…``.

        Raises:
            StorageError: another process has done it, or the database failed.
        """
        present = await list_uuids(self._database)
        loaded = present.get(self.restoring + name)
        if loaded is None:
            return  # it is in place already
        former = present.get(name)
        if former is not None and self.replaced + name not in present:
            await self._rename(name, former, self.replaced + name)
            former = None
        # a collection that came into being since then, for example of an older bot, holds nothing of worth
        await self._rename(self.restoring + name, loaded, name, dropped=former)

    async def put_guild_in_place(self, name: str, guild_id: GuildId, fence: Fence) -> None:
        """Let the loaded documents of one guild take the place of its present ones.

        Raises:
            LeaseLostError: another process took over.
        """
        loaded = self.restoring + name
        if loaded not in await list_uuids(self._database):
            return  # it is a collection that no backup of this version has
        await delete_in_pieces(self._database, name, {"guild_id": int(guild_id)}, fence)
        reading = self._database.unscoped(loaded).find(batch_size=PIECE_DOCUMENTS)
        # $merge waits for the disk after each document
        while documents := await self._database.run(f"{name}.read", reading.to_list(PIECE_DOCUMENTS)):
            insert = partial(_insert, name=name, documents=documents)
            await self._database.in_transaction(insert, fence=fence)

    async def keep_premium(self, guild_id: GuildId) -> None:
        """Let the loaded settings of a guild have the premium that it has now; the host gave it."""
        query = {"guild_id": int(guild_id)}
        fields = {"premium": 1, "premium_history": 1, "_id": 0}
        present = self._database.unscoped("guilds")
        loaded = self._database.unscoped(f"{self.restoring}guilds")
        found = await self._database.run("guilds.find_one", present.find_one(query, fields))
        if found is None:
            return  # its document is lost, and the backup has the last known premium
        gone = dict.fromkeys(fields.keys() - found.keys() - {"_id"}, "")
        change = {name: value for name, value in (("$set", found), ("$unset", gone)) if value}
        if change:
            await self._database.run("guilds.update", loaded.update_one(query, change, upsert=bool(found)))

    async def _rename(self, name: str, uuid: Binary, to: str, *, dropped: Binary | None = None) -> None:
        command: Document = {
            "renameCollection": f"{self._database.name}.{name}",
            "to": f"{self._database.name}.{to}",
            "dropTarget": False if dropped is None else dropped,
            "collectionUUID": uuid,
            "writeConcern": {"w": "majority"},
        }
        await self._database.admin_command(command)


async def drop_collections(database: SafeDatabase, *prefixes: str) -> None:
    """Drop every collection whose name begins with one of these prefixes."""
    for name, uuid in (await list_uuids(database)).items():
        if name.startswith(prefixes):
            try:
                await database.command({"drop": name, "collectionUUID": uuid})
            except StorageError as error:
                if not is_gone(error):
                    raise


def is_gone(error: StorageError) -> bool:
    """Tell whether a collection is gone, or another one has its name."""
    return getattr(error.__cause__, "code", None) in _GONE


async def list_uuids(database: SafeDatabase) -> dict[str, Binary]:
    """Return the name of every collection with its UUID."""
    listing = await database.run("listCollections", database.unscoped("schema").database.list_collections())
    found = await database.run("listCollections", listing.to_list(None))
    return {one["name"]: one["info"]["uuid"] for one in found if one["type"] == "collection"}


async def delete_in_pieces(database: SafeDatabase, name: str, query: Document, fence: Fence) -> None:
    """Delete all documents of a collection that fit, in transactions of a bounded size.

    Raises:
        LeaseLostError: another process took over.
    """
    while await database.in_transaction(partial(_delete_piece, name=name, query=query), fence=fence):
        pass


def _delete_piece(transaction: Transaction, *, name: str, query: Document) -> int:
    collection, session = transaction.unscoped(name), transaction.session
    reading = partial(collection.find, query, {"_id": 1}, limit=PIECE_DOCUMENTS, session=session)
    keys = [one["_id"] for one in transaction.run(f"{name}.find", lambda: reading().to_list())]
    if keys:
        doomed = {"_id": {"$in": keys}}
        transaction.run(f"{name}.delete", collection.delete_many, doomed, session=session)
    return len(keys)


def _insert(transaction: Transaction, *, name: str, documents: Sequence[Document]) -> None:
    insert, session = transaction.unscoped(name).insert_many, transaction.session
    transaction.run(f"{name}.copy", insert, documents, session=session)
