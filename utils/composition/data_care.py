"""Builds the care for the data: what verifies it at night or by hand, and repairs it."""

from dataclasses import dataclass

from utils.clock import Clock
from utils.composition.application import Application
from utils.composition.data_checks import FullCheck
from utils.database.core.database import Fence, FenceSource, SafeDatabase
from utils.database.repositories.imports import ImportRepository
from utils.database.repositories.ingestion import IngestionRepository
from utils.database.repositories.servers import GameServerRepository
from utils.database.verification.checks import DataChecks
from utils.database.verification.repairs import DataRepairs
from utils.events import EventDispatcher
from utils.models.audit import AuditEntry
from utils.models.reading import ImportJob, ImportProgress
from utils.models.scope import GuildId, ServerScope
from utils.models.servers import GameServer
from utils.models.verification import DataCheck
from utils.services.ingestion.history import HistoryImport
from utils.services.ingestion.log_source import NoLogs
from utils.services.verification.nightly import DataCare
from utils.services.verification.repairs import DataRepair, Recount
from utils.settings import Settings


@dataclass(frozen=True, slots=True)
class _Stores:
    """The storage that a recount needs."""

    servers: GameServerRepository
    imports: ImportRepository
    clock: Clock

    async def begin(self, scope: ServerScope, entry: AuditEntry) -> tuple[GameServer, ImportJob] | None:
        """Store an import of no file: it counts all deaths again. None: one runs, or the server is gone."""
        server = await self.servers.find_server(scope)
        if server is None or await self.imports.find_import(scope) is not None:
            return None
        job = ImportJob(server.generation, self.clock.now(), {})
        await self.imports.begin_import(scope, job, entry=entry)
        return server, job


def build_nightly(application: Application, database: SafeDatabase) -> DataCare:
    """Return the care of a bot that runs: its reader loops count again what differs."""
    leases, repositories, loops = application.leases, application.repositories, application.loops
    stores = _Stores(GameServerRepository(database), repositories.imports, application.base.clock)

    def fences(guild_id: GuildId) -> Fence:
        return Fence(*leases.get_token(guild_id), guild_id)

    async def recount(scope: ServerScope, entry: AuditEntry) -> None:
        if await stores.begin(scope, entry) is not None:
            await loops.restart(scope)

    care = _build(application.base.settings, database, fences, recount, application.base.clock)
    care.note = application.health.data.note_full
    return care


def build_care(settings: Settings, database: SafeDatabase, fence: Fence, clock: Clock) -> DataCare:
    """Return the care of a call while no bot runs; it counts again by itself."""

    def fences(guild_id: GuildId) -> Fence:
        del guild_id
        return fence

    imports = ImportRepository(database, fences=fences)
    stores = _Stores(GameServerRepository(database), imports, clock)
    history = HistoryImport(
        IngestionRepository(database, fences=fences), imports, EventDispatcher(), clock=clock
    )

    async def recount(scope: ServerScope, entry: AuditEntry) -> None:
        if (begun := await stores.begin(scope, entry)) is not None:
            await history.run(begun[0], NoLogs(), begun[1], on_progress=_show_nobody)

    return _build(settings, database, fences, recount, clock)


def _build(
    settings: Settings, database: SafeDatabase, fences: FenceSource, recount: Recount, clock: Clock
) -> DataCare:
    checks = FullCheck(settings, database)
    repairs = DataRepair(
        DataRepairs(database, fences=fences), recount=recount, find_deaths=checks.find_deaths, clock=clock
    )
    return DataCare(checks, repairs, DataChecks(database), note=_note_nothing, clock=clock)


def _note_nothing(check: DataCheck) -> None:
    del check


async def _show_nobody(progress: ImportProgress) -> None:
    del progress
