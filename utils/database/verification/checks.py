"""The memory of the last full verification: beside the version of the data, so a restart knows of it."""

from datetime import datetime
from typing import Any

from utils.database.core.database import SafeDatabase
from utils.models.scope import GuildId, ServerId, ServerScope
from utils.models.verification import DataCheck, DataFinding

_ID = "data"


class DataChecks:
    """The stored result of the last full verification; it belongs to no guild."""

    def __init__(self, database: SafeDatabase) -> None:
        self._database = database
        self._schema = database.unscoped("schema")

    async def find(self) -> DataCheck | None:
        """Return the last result; None before the first one."""
        found = await self._find("checked")
        return None if found is None else _read(found)

    async def find_restored_at(self) -> datetime | None:
        """Return when a backup was restored last; older backups say nothing about losses since then."""
        found: datetime | None = await self._find("restored_at")
        return found

    async def note_restored(self, at: datetime) -> None:
        """Note a restore; what was found before is forgotten, because it was about other data."""
        update = {"$set": {"restored_at": at}, "$unset": {"checked": ""}}
        await self._database.run("schema.update", self._schema.update_one({"_id": _ID}, update))

    async def save(self, check: DataCheck) -> None:
        """Store a result in place of the one before."""
        update = {"$set": {"checked": _build(check)}}
        await self._database.run("schema.update", self._schema.update_one({"_id": _ID}, update))

    async def _find(self, field: str) -> Any:
        reading = self._schema.find_one({"_id": _ID}, {field: 1})
        return ((await self._database.run("schema.find", reading)) or {}).get(field)


def _build(check: DataCheck) -> dict[str, Any]:
    recounted = [
        {"guild_id": int(scope.guild_id), "server_id": str(scope.server_id), "at": at}
        for scope, at in check.recounted.items()
    ]
    findings = [{**finding.dump(), "fault": finding.fault.value} for finding in check.findings]
    return {"at": check.checked_at, "findings": findings, "recounted": recounted}


def _read(document: dict[str, Any]) -> DataCheck:
    recounted = {
        ServerScope(GuildId(one["guild_id"]), ServerId(one["server_id"])): one["at"]
        for one in document["recounted"]
    }
    return DataCheck(document["at"], tuple(map(DataFinding.load, document["findings"])), recounted)
