"""Pruning: deletes stored data that is no longer needed."""

from datetime import timedelta

from utils.clock import Clock
from utils.composition.storage import Repositories
from utils.incident_log import IncidentLog
from utils.models.factions import KEPT_DISBANDED
from utils.models.personal import ErasureRecord
from utils.models.scope import GuildId, ServerScope
from utils.services.personal.erasure_log import ErasureLog
from utils.tasks import TaskManager

PRUNE_TASK = "storage:prune"
KEPT_MESSAGES = timedelta(hours=24)
KEPT_INCIDENTS = timedelta(days=90)  # after their end
KEPT_ERRORS = timedelta(days=90)  # after the last one
QUIET_ERRORS = timedelta(days=30)  # after the last one they are hidden, and no member stays with them
KEPT_HOURS = timedelta(days=14)
KEPT_SESSIONS = timedelta(days=90)  # the days of their players stay
WHOLE_SAMPLES = timedelta(days=30)  # older ones are folded to hours
KEPT_SAMPLES = timedelta(days=365)
KEPT_EVENTS = timedelta(days=30)


class Pruning:
    """Deletes what is old: messages, lines, sessions, factions, errors, incidents, counters, servers."""

    def __init__(
        self,
        repositories: Repositories,
        tasks: TaskManager,
        *,
        incidents: IncidentLog,
        erasures: ErasureLog,
        clock: Clock,
    ) -> None:
        self._repositories = repositories
        self._erasures = erasures
        self._tasks = tasks
        self._incidents = incidents
        self._clock = clock

    async def prune(self) -> None:
        """Delete it in all guilds.

        Raises:
            StorageError: the database is away; the next time goes on.
        """
        before = self._clock.now() - KEPT_MESSAGES
        scopes = await self._repositories.scope_index.list_server_scopes()

        async def prune_guild(guild_id: GuildId) -> None:
            await self._repositories.outbox.prune_sent(guild_id, before=before)
            now = self._clock.now()
            await self._repositories.factions.prune(guild_id, disbanded=now - KEPT_DISBANDED, now=now)

        async def prune_incidents(guild_id: GuildId) -> None:
            if guild_id in left:
                await self._incidents.end_guild(guild_id)
            ended_before = self._clock.now() - KEPT_INCIDENTS
            await self._repositories.incidents.prune(guild_id, before=ended_before)

        async def prune_errors(guild_id: GuildId) -> None:
            now = self._clock.now()
            await self._repositories.errors.prune(
                guild_id, unseen=now - KEPT_ERRORS, quiet=now - QUIET_ERRORS, hours=now - KEPT_HOURS
            )

        noted: list[ErasureRecord] = []

        async def prune_erasures(guild_id: GuildId) -> None:
            noted.extend(await self._erasures.prune(guild_id))

        async def prune_server(scope: ServerScope) -> None:
            await self._repositories.rejected.prune_rejected(scope)
            await self._repositories.imports.drop_unshown_generations(scope)
            now = self._clock.now()
            await self._repositories.game_logs.prune(
                scope, sessions=now - KEPT_SESSIONS, samples=now - KEPT_SAMPLES
            )
            await self._repositories.game_logs.fold_samples(scope, before=now - WHOLE_SAMPLES)
            await self._repositories.game_logs.prune_events(scope, before=now - KEPT_EVENTS)

        async def delete_leftovers(scope: ServerScope) -> None:
            await self._repositories.servers.delete_leftovers(scope, now=self._clock.now())

        await self._tasks.for_each(PRUNE_TASK, {scope.guild_id for scope in scopes}, prune_guild)
        await self._tasks.for_each(PRUNE_TASK, scopes, prune_server)
        left = await self._repositories.scope_index.list_left_guilds()
        troubled = await self._repositories.scope_index.list_guilds_with_incidents()
        await self._tasks.for_each(PRUNE_TASK, troubled, prune_incidents)
        failed = await self._repositories.scope_index.list_guilds_with_errors()
        await self._tasks.for_each(PRUNE_TASK, failed, prune_errors)
        erased = await self._repositories.scope_index.list_guilds_with_erasures()
        await self._tasks.for_each(PRUNE_TASK, erased, prune_erasures)
        await self._erasures.tidy_files(noted)
        removals = await self._repositories.scope_index.list_removals()
        await self._tasks.for_each(PRUNE_TASK, removals, delete_leftovers)
