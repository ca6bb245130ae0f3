"""Switching: the loaded collections of a backup take the place of the present ones, whole or not at all.

*Theory of operation.* A restore loads its backup into collections named ``restoring.<name>``. A marker in
``schema`` says how far it is, and each of its states has one way on, in any process:

1. *loading*: nothing of the present data is touched. The finder of this state drops ``restoring.…``.
2. *switching*: two renames for each collection. The finder of this state goes on with the renames; those
that are done are known by the names that exist.
3. *following*: the data is in place, with its version and with tokens that no older process has. The work
that follows a restore goes on, and at the end ``replaced.…`` is dropped with the marker.

So at the next start the data is the old or the new one, never a mixture. Each write of the marker is a
transaction behind the fence of the lease of restores, so a process that was suspended changes no state.
"""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from utils.database.core.database import Fence, SafeDatabase
from utils.database.core.operations import Document
from utils.database.core.transaction import Transaction
from utils.database.repositories.leases import RESTORE_LEASE
from utils.models.restores import RestoreFacts
from utils.models.scope import GuildId

RESTORING = "restoring."
"""Begins the names of the collections that a backup is loaded into."""

REPLACED = "replaced."
"""Begins the names of the collections with the data of before."""

TOKEN_STEP = 1_000
"""Tokens grow by so much, so no process that slept over a restore ever has a token again."""

COPIED_DOCUMENTS = 2_000  # at once

_ID = "restore"
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

        def work(transaction: Transaction) -> None:
            delete, session = transaction.unscoped("schema").delete_one, transaction.session
            transaction.run("schema.delete", delete, {"_id": _ID}, session=session)

        await self._database.in_transaction(work, fence=fence)


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
    fields = asdict(marker)
    guild_id = marker.facts.guild_id
    fields["facts"]["guild_id"] = None if guild_id is None else int(guild_id)
    return {**fields, "state": marker.state.value, "collections": list(marker.collections)}


def _read(document: Document) -> RestoreMarker:
    fields = {name: value for name, value in document.items() if name != "_id"}
    facts: dict[str, Any] = dict(fields["facts"])
    guild_id = facts["guild_id"]
    facts["guild_id"] = None if guild_id is None else GuildId(guild_id)
    return RestoreMarker(**{**fields, "facts": RestoreFacts(**facts), "state": RestoreState(fields["state"])})


class CollectionSwitch:
    """Renames and drops whole collections; every method can be repeated."""

    def __init__(self, database: SafeDatabase) -> None:
        self._database = database

    async def put_in_place(self, name: str) -> None:
        """Let the loaded collection take the place of the present one, which is kept as ``replaced.…``."""
        loaded, present = RESTORING + name, await self._list_names()
        if loaded not in present:
            return  # it is in place already
        if name in present and REPLACED + name not in present:
            await self._rename(name, REPLACED + name)
        # a collection that came into being since then, for example of an older bot, holds nothing of worth
        await self._rename(loaded, name, drops_target=True)

    async def put_guild_in_place(self, name: str, guild_id: GuildId) -> None:
        """Let the loaded documents of one guild take the place of its present ones."""
        if RESTORING + name not in await self._list_names():
            return  # it is a collection that no backup of this version has
        present, loaded = self._database.unscoped(name), self._database.unscoped(RESTORING + name)
        deleting = present.delete_many({"guild_id": int(guild_id)})
        await self._database.run(f"{name}.delete_guild", deleting)
        reading = loaded.find(batch_size=COPIED_DOCUMENTS)
        # $merge waits for the disk after each document
        while documents := await self._database.run(f"{name}.read", reading.to_list(COPIED_DOCUMENTS)):
            await self._database.run(f"{name}.copy", present.insert_many(documents))

    async def keep_premium(self, guild_id: GuildId) -> None:
        """Let the loaded settings of a guild have the premium that it has now; the host gave it."""
        query = {"guild_id": int(guild_id)}
        fields = {"premium": 1, "premium_history": 1, "_id": 0}
        present, loaded = self._database.unscoped("guilds"), self._database.unscoped(f"{RESTORING}guilds")
        found = await self._database.run("guilds.find_one", present.find_one(query, fields))
        if found is None:
            return  # its document is lost, and the backup has the last known premium
        gone = dict.fromkeys(fields.keys() - found.keys() - {"_id"}, "")
        change = {name: value for name, value in (("$set", found), ("$unset", gone)) if value}
        if change:
            await self._database.run("guilds.update", loaded.update_one(query, change, upsert=bool(found)))

    async def drop(self, prefix: str) -> None:
        """Drop every collection whose name begins with a prefix."""
        for name in await self._list_names():
            if name.startswith(prefix):
                await self._database.run(f"{name}.drop", self._database.unscoped(name).drop())

    async def _list_names(self) -> list[str]:
        listing = self._database.unscoped("schema").database.list_collection_names()
        return await self._database.run("listCollections", listing)

    async def _rename(self, name: str, to: str, *, drops_target: bool = False) -> None:
        renaming = self._database.unscoped(name).rename(to, dropTarget=drops_target)
        await self._database.run(f"{name}.rename", renaming)
