"""Reports about catch-ups: after a restore the admins of a guild are told once what was silent or is lost.

The outcome of each game server is stored with the end of its catch-up, and stays until the alert is sent. So
a process that is killed in between leaves it to the next one. An alert covers all servers of a guild, so it
waits for the slow ones, but not for long.
"""

from collections.abc import Collection, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import partial
from typing import Protocol

from utils.clock import Clock
from utils.events import HistoryImported
from utils.models.reading import CaughtUp
from utils.models.scope import GuildId, ServerId
from utils.models.texts import Moment, Text, join, plural, text
from utils.queues import WorkQueue
from utils.services.ports import DueNotifier, ServerStore
from utils.tasks import TaskManager

REPORT_TASK = "catch-up:report"
LOOK_SECONDS = 10.0
LOOKS = 60  # ten minutes: a server that cannot be read for longer has an alert of its own


class CaughtUpStore(Protocol):  # implemented by ImportRepository
    """Storage of the outcomes of catch-ups."""

    async def list_catching_up(self, guild_id: GuildId) -> Collection[ServerId]:
        """Return the game servers of a guild that have not caught up with their logs since a restore."""

    async def list_caught_up(self, guild_id: GuildId) -> Sequence[CaughtUp]:
        """Return the outcomes that the admins are not told of yet, oldest first."""

    async def forget_caught_up(self, guild_id: GuildId, told: Sequence[CaughtUp]) -> None:
        """Forget the outcomes that the admins are told of."""


class CaughtUpIndex(Protocol):  # implemented by ScopeIndexRepository
    """Lists the keys of guilds with outcomes."""

    async def list_guilds_caught_up(self) -> Sequence[GuildId]:
        """Return every guild whose admins are not told yet."""


@dataclass(eq=False, repr=False)
class CatchUpReports:
    """Tells the admins of each guild how its game servers caught up after a restore."""

    store: CaughtUpStore
    scope_index: CaughtUpIndex
    _: KW_ONLY
    servers: ServerStore
    notifier: DueNotifier
    tasks: TaskManager
    clock: Clock

    def __post_init__(self) -> None:
        self._reporting = WorkQueue(REPORT_TASK, self._report, tasks=self.tasks)

    async def run(self) -> None:
        """Go on with the reports of an earlier process."""
        for guild_id in await self.scope_index.list_guilds_caught_up():
            self._reporting.put(guild_id, guild_id=guild_id)

    def on_history_imported(self, event: HistoryImported) -> None:
        """Report the outcome, if this import was a catch-up that has one."""
        self._reporting.put(event.scope.guild_id, guild_id=event.scope.guild_id)

    async def _report(self, guild_id: GuildId) -> None:
        if not await self.store.list_caught_up(guild_id):
            return
        for _ in range(LOOKS):
            if not await self._is_under_way(guild_id):
                break
            await self.clock.sleep(LOOK_SECONDS)
        outcomes = await self.store.list_caught_up(guild_id)
        if outcomes:
            last = max(outcome.until for outcome in outcomes)
            await self.notifier.notify_due(
                guild_id,
                describe_outcomes(outcomes),
                f"catch-up:{last.isoformat()}",
                buttons=(),
                mark_told=partial(self.store.forget_caught_up, guild_id, outcomes),
            )

    async def _is_under_way(self, guild_id: GuildId) -> bool:
        """Tell whether a server that is read has not caught up yet."""
        behind = await self.store.list_catching_up(guild_id)
        servers = await self.servers.list_servers(guild_id)
        return any(one.scope.server_id in behind and not one.is_paused for one in servers)


def describe_outcomes(outcomes: Sequence[CaughtUp]) -> Text:
    """Return the alert about one guild."""
    since, until = min(one.since for one in outcomes), max(one.until for one in outcomes)
    silent, lost = sum(one.deaths for one in outcomes), sum(one.lost for one in outcomes)
    said = [text("I was restored from a backup of {since}.", since=Moment(since, "f"))]
    if silent:
        said.append(
            plural(
                "{count} death from then until {until} counts in the stats, but I didn't post or pay it "
                "again.",
                "{count} deaths from then until {until} count in the stats, but I didn't post or pay them "
                "again.",
                silent,
                until=Moment(until, "f"),
            )
        )
    if lost:
        said.append(
            plural(
                "{count} death is lost, because the game host doesn't have its line any more.",
                "{count} deaths are lost, because the game host doesn't have their lines any more.",
                lost,
            )
        )
    return join(said)
