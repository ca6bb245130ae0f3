"""Reports about catch-ups: one alert for each guild, once, and not before its servers have caught up."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.clock import FakeClock, settle
from tests.fakes.deaths import SCOPE
from tests.fakes.storage import FakeServerStore, build_server
from utils.events import HistoryImported
from utils.models.reading import CatchUp, CaughtUp, ImportJob
from utils.models.scope import GuildId, ServerId, ServerScope
from utils.models.texts import Text
from utils.services.ingestion.catch_up import sum_up
from utils.services.ingestion.catch_up_reports import LOOKS, CatchUpReports, describe_outcomes
from utils.tasks import TaskManager

SINCE = datetime(2025, 5, 1, 4, tzinfo=UTC)
UNTIL = SINCE + timedelta(hours=8)
OUTCOME = CaughtUp(SCOPE.server_id, SINCE, UNTIL, deaths=7)
SECOND = ServerScope(SCOPE.guild_id, ServerId("second00"))


@dataclass
class Outcomes:
    """The stored outcomes of one guild, and the alerts about them."""

    behind: set[ServerId] = field(default_factory=set)
    stored: list[CaughtUp] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    is_discord_away: bool = False

    async def list_catching_up(self, guild_id: GuildId) -> set[ServerId]:
        """Return the servers that have not caught up."""
        assert guild_id == SCOPE.guild_id
        return self.behind

    async def list_caught_up(self, guild_id: GuildId) -> Sequence[CaughtUp]:
        """Return what is stored."""
        assert guild_id == SCOPE.guild_id
        return tuple(self.stored)

    async def forget_caught_up(self, guild_id: GuildId, told: Sequence[CaughtUp]) -> None:
        """Forget what was sent."""
        assert guild_id == SCOPE.guild_id
        self.stored = [one for one in self.stored if one not in told]

    async def list_guilds_caught_up(self) -> Sequence[GuildId]:
        """Return the guild if something is stored."""
        return [SCOPE.guild_id] if self.stored else []

    async def notify_due(
        self,
        guild_id: GuildId,
        sentence: Text,
        key: str,
        *,
        buttons: Sequence[object],
        mark_told: Callable[[], object],
    ) -> None:
        """Send the alert."""
        assert (guild_id, key, buttons) == (SCOPE.guild_id, f"catch-up:{UNTIL.isoformat()}", ())
        self.sent.append(str(sentence))
        if not self.is_discord_away:
            await mark_told()  # type: ignore[misc]


@dataclass
class Setup:
    """Reports over these outcomes."""

    clock: FakeClock = field(default_factory=FakeClock)
    outcomes: Outcomes = field(default_factory=Outcomes)
    servers: FakeServerStore = field(
        default_factory=lambda: FakeServerStore(build_server(), build_server("Second", "second00"))
    )

    def __post_init__(self) -> None:
        """Build the reports."""
        self.reports = CatchUpReports(
            self.outcomes,
            self.outcomes,
            servers=self.servers,
            notifier=self.outcomes,  # type: ignore[arg-type]
            tasks=TaskManager(self.clock),
            clock=self.clock,
        )


async def test_admins_are_alerted_once_when_the_last_server_has_caught_up() -> None:
    """The alert covers all servers; a paused server is not waited for."""
    setup = Setup()
    setup.outcomes.stored, setup.outcomes.behind = [OUTCOME], {SECOND.server_id}
    setup.reports.on_history_imported(HistoryImported(scope=SCOPE))
    await setup.clock.advance(60)
    assert setup.outcomes.sent == []
    setup.outcomes.stored.append(replace(OUTCOME, server_id=SECOND.server_id, deaths=3, lost=2))
    setup.outcomes.behind.clear()
    await setup.clock.advance(60)
    await settle()
    (sent,) = setup.outcomes.sent
    assert "10 deaths" in sent
    assert "2 deaths are lost" in sent
    setup.reports.on_history_imported(HistoryImported(scope=SCOPE))
    await settle()
    assert setup.outcomes.sent == [sent]


async def test_server_that_is_paused_or_slow_holds_up_no_alert() -> None:
    """A paused server is not waited for, and any other for ten minutes."""
    setup = Setup()
    setup.outcomes.stored, setup.outcomes.behind = [OUTCOME], {SECOND.server_id}
    await setup.servers.set_paused(SECOND, is_paused=True)
    setup.reports.on_history_imported(HistoryImported(scope=SCOPE))
    await settle()
    assert len(setup.outcomes.sent) == 1
    await setup.servers.set_paused(SECOND, is_paused=False)
    setup.outcomes.stored = [OUTCOME]
    setup.reports.on_history_imported(HistoryImported(scope=SCOPE))
    for _ in range(LOOKS + 1):
        await setup.clock.advance(10)
    assert len(setup.outcomes.sent) == 2


async def test_next_process_sends_an_alert_that_was_not_sent() -> None:
    """The outcome stays stored until the alert is sent."""
    setup = Setup()
    setup.outcomes.stored, setup.outcomes.is_discord_away = [OUTCOME], True
    await setup.reports.run()
    await settle()
    assert setup.outcomes.stored == [OUTCOME]
    setup.outcomes.is_discord_away = False
    await Setup(outcomes=setup.outcomes).reports.run()
    await settle()
    assert (setup.outcomes.stored, len(setup.outcomes.sent)) == ([], 2)


@pytest.mark.parametrize(
    ("catch_up", "expected"),
    [
        (None, None),
        (CatchUp(SINCE, None, stored=10), replace(OUTCOME, deaths=5)),
        (CatchUp(SINCE, None, stored=15), None),
        (CatchUp(SINCE, {}, stored=10, missing=5), None),
        (CatchUp(SINCE, {}, stored=10, missing=8), replace(OUTCOME, deaths=0, lost=3)),
    ],
)
def test_only_what_is_silent_or_lost_is_reported(catch_up: CatchUp | None, expected: CaughtUp | None) -> None:
    """A readable database has posted its rows, so only deaths without a line are worth an alert."""
    assert sum_up(ImportJob(1, UNTIL, {}, catch_up=catch_up), SCOPE, deaths=15) == expected


def test_alert_says_from_when_to_when_and_how_many() -> None:
    """Admins read plain sentences."""
    assert str(describe_outcomes([replace(OUTCOME, lost=1)])) == (
        "I was restored from a backup of 01 May 2025, 04:00 UTC. 7 deaths from then until 01 May 2025, 12:00 "
        "UTC count in the stats, but I didn't post or pay them again. 1 death is lost, because the game host "
        "doesn't have its line any more."
    )
