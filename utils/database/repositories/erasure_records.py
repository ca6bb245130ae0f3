"""Records of erasures, and the ids of all persons in a guild's data."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from utils.database.core.blocking import Update
from utils.database.core.indexes import BACKUP_CLASSES, BackupClass
from utils.database.core.operations import Document
from utils.database.documents.codec import Codec
from utils.database.documents.personal_fields import PERSONAL_FIELDS, FieldContent, PersonalField
from utils.database.repositories.repository import Repository
from utils.models.personal import ErasureRecord, People
from utils.models.scope import ERASED_MEMBER_ID, ERASED_PLAYER_ID, GuildId, MemberId, PlayerId, ServerScope

RECORDS = Codec(ErasureRecord, without=frozenset({"guild_id"}))
_SIDES = ("killer", "victim")


class ErasureRecordRepository(Repository):
    """The digests of erased persons; no restore touches them."""

    async def put_erasures(self, guild_id: GuildId, records: Sequence[ErasureRecord]) -> None:
        """Store records; of two with one digest the later time stays."""
        updates = [
            Update({"digest": one.digest}, {"$max": {"at": one.at}, "$set": {"key": one.key}}, upsert=True)
            for one in records
        ]
        if updates:
            await self._of_guild("erasures", guild_id).bulk_write(updates)

    async def list_erasures(
        self, guild_id: GuildId, *, since: datetime | None = None
    ) -> Sequence[ErasureRecord]:
        """Return the records that are newer than a moment, or all."""
        query: Document = {} if since is None else {"at": {"$gt": since}}
        found = await self._of_guild("erasures", guild_id).find(query)  # a new database has no index yet
        return [RECORDS.read(one, guild_id=guild_id) for one in found]

    async def prune_erasures(self, guild_id: GuildId, *, before: datetime) -> None:
        """Delete the records that are older than a moment."""
        await self._of_guild("erasures", guild_id).delete({"at": {"$lt": before}})

    async def list_people(self, guild_id: GuildId) -> People:
        """Return the ids of all persons in the data that backups hold."""
        members: set[MemberId] = set()
        players: set[PlayerId] = set()
        for collection, one in _list_ids():
            found = await self._list_values(guild_id, collection, one.path)
            if one.holds is FieldContent.MEMBER:
                members.update(MemberId(value) for value in found if isinstance(value, int))
            else:
                players.update(PlayerId(value) for value in found if isinstance(value, str))
        return People(frozenset(members - {ERASED_MEMBER_ID}), frozenset(players - {ERASED_PLAYER_ID}))

    async def list_players(self, scope: ServerScope) -> frozenset[PlayerId]:
        """Return the players in the deaths of a game server."""
        players: set[PlayerId] = set()
        for side in _SIDES:
            pipeline: list[Document] = [
                {"$project": {"_id": 0, f"{side}_id": 1}},
                {"$group": {"_id": f"${side}_id"}},
            ]
            found = await self._of_server("kills", scope).aggregate(pipeline, hint=side)
            players.update(PlayerId(one["_id"]) for one in found if one["_id"])
        return frozenset(players - {ERASED_PLAYER_ID})

    async def _list_values(self, guild_id: GuildId, collection: str, path: str) -> list[object]:
        pipeline: list[Document] = [
            {"$project": {"_id": 0, "value": f"${path}"}},
            {"$unwind": "$value"},
            {"$group": {"_id": "$value"}},
        ]
        return [one["_id"] for one in await self._of_guild(collection, guild_id).aggregate(pipeline)]


def _list_ids() -> Iterator[tuple[str, PersonalField]]:
    """Yield the fields with ids of persons in the collections that a backup holds."""
    for collection, fields in PERSONAL_FIELDS.items():
        if BACKUP_CLASSES[collection] is BackupClass.KEPT:
            for one in fields:
                if one.is_id:
                    yield collection, one
