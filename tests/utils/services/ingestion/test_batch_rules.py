"""Rules of a batch judge the new deaths within their transaction; listeners do not delay it."""

import asyncio
import re
import runpy
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Self

import pytest

from tests.architecture.source_tree import ROOT
from tests.fakes.clock import START, FakeClock, settle
from tests.fakes.deaths import FILE, SCOPE, build_deaths, build_row, render
from tests.fakes.ingestion import FakeDeathLogs, FakeIngestionStore, Posted
from utils.errors import StorageUnavailableError
from utils.events import DeathsStored, Event, EventDispatcher, HistoryImported
from utils.models.money import Change, LedgerKind
from utils.models.notices.bounties import BountyEvent, BountyNotice
from utils.models.scope import GuildId, MemberId, ServerScope
from utils.models.servers import GameServer
from utils.queues import WorkQueue
from utils.services.ingestion.batch_rules import BatchRule, LiveDeaths, RuleOutcome, RuleUnit
from utils.services.ingestion.live import LiveIngestion, PollOutcome
from utils.tasks import TaskManager

FINED = MemberId(7)
ROWS = (
    build_row("Ann", "Bob", second=1),
    build_row("Bob", "Bob", second=2),
    build_row("Ann", "Cid", second=3),
)


@dataclass(frozen=True, slots=True)
class CoinPerKill:
    """An invented rule: a member gets a coin for every kill, and each batch with kills has a notice."""

    price: int = 1
    is_on: bool = True

    async def find_terms(self, scope: ServerScope) -> Self | None:
        """Return the rule itself; None if it is off."""
        assert scope == SCOPE
        return self if self.is_on else None

    def judge(self, unit: RuleUnit, batch: LiveDeaths) -> RuleOutcome:
        """Pay, and return the notice."""
        if not batch.kills:
            return RuleOutcome()
        for kill in batch.kills:
            key = f"coin:{self.price}:{kill.death.id.hex()}"
            unit.money.book(Change(FINED, LedgerKind.ADMIN, self.price, key, batch.read_at))
        last = batch.kills[-1].death
        told = BountyNotice(
            event_id=last.id,
            event=BountyEvent.AUTO,
            server_name=batch.server_name,
            target_name=last.row.killer_name,
            amount=self.price * len(batch.kills),
            at=last.at,
        )
        return RuleOutcome([told], [HistoryImported(scope=batch.scope)])


@dataclass(slots=True)
class Poller:
    """Polls one server with some rules."""

    server: GameServer
    events: EventDispatcher
    clock: FakeClock
    store: FakeIngestionStore = field(default_factory=FakeIngestionStore)
    logs: FakeDeathLogs = field(default_factory=lambda: FakeDeathLogs(lines_per_chunk=9))

    async def poll(self, *rules: BatchRule) -> PollOutcome:
        """Poll once."""
        live = LiveIngestion(
            self.store,
            self.events,
            clock=self.clock,
            group_seconds=0,
            max_announce_age=timedelta(hours=1),
            rules=rules,
        )
        return await live.poll(self.server, self.logs, last_read_at=START, find_posted=Posted())


@pytest.fixture(name="poller")
def _poller(server: GameServer, events: EventDispatcher, clock: FakeClock) -> Poller:
    poller = Poller(server, events, clock)
    poller.logs.append(FILE, render(*ROWS))
    return poller


def _list_booked(store: FakeIngestionStore) -> Sequence[str]:
    return [row.change.key for row in store.data.money.ledger]


async def test_rule_writes_with_the_deaths_and_is_told_of_after_them(
    poller: Poller, told: list[Event]
) -> None:
    """A kill is judged once; the rule's notices go to the outbox, its events to the listeners."""
    await poller.poll(CoinPerKill())
    deaths = build_deaths(ROWS)
    kills = [deaths[0], deaths[2]]
    assert _list_booked(poller.store) == [f"coin:1:{death.id.hex()}" for death in kills]
    assert [notice.amount for notice in poller.store.data.money.notices] == [2]
    kinds = [type(event).__name__ for event in told]
    assert kinds == ["NoticesQueued", "DeathsStored", "HistoryImported"]


async def test_every_rule_that_applies_judges_in_its_turn(poller: Poller) -> None:
    """A rule that is off does nothing; the effects of all others are stored together."""
    await poller.poll(CoinPerKill(1), CoinPerKill(5, is_on=False), CoinPerKill(3))
    assert [notice.amount for notice in poller.store.data.money.notices] == [2, 6]


async def test_rule_of_the_guide_is_all_that_a_rule_takes(poller: Poller, tmp_path: Path) -> None:
    """The new file in the guide's diff is a rule; its replaced line is a line of the application."""
    guide = (ROOT / "DEVELOPER_GUIDE.md").read_text(encoding="utf-8")
    [diff] = [part.split("```")[0] for part in guide.split("```diff\n") if "batch_rules import" in part]
    _, new_file, changed = re.split(r"^\+\+\+ .*\n", diff, flags=re.MULTILINE)
    assert len(diff.splitlines()) <= 60
    removed = re.findall(r"^-(.*rules=.*)$", changed, flags=re.MULTILINE)
    reading = (ROOT / "utils/composition/reading.py").read_text(encoding="utf-8")
    assert removed
    assert all(line in reading for line in removed)
    rule = tmp_path / "long_shots.py"
    rule.write_text("".join(re.findall(r"^\+(.*\n)", new_file, flags=re.MULTILINE)), encoding="utf-8")
    names = runpy.run_path(str(rule))
    poller.store.data.money.members = {ROWS[0].killer_id: FINED}
    poller.logs.append(FILE, render(build_row("Ann", "Bob", second=9, distance=401)))
    await poller.poll(names["LongShots"]())
    assert poller.store.data.money.balances == {FINED: 5}


async def test_nothing_of_a_rule_stays_when_the_batch_is_not_stored(poller: Poller) -> None:
    """A transaction that runs again judges again, and a failed one stores nothing."""
    poller.store.outages = 1
    with pytest.raises(StorageUnavailableError):
        await poller.poll(CoinPerKill())
    assert _list_booked(poller.store) == []
    poller.store.transient_aborts = 1
    await poller.poll(CoinPerKill())
    assert len(_list_booked(poller.store)) == 2


async def test_listener_that_takes_long_delays_no_poll(poller: Poller) -> None:
    """A listener works in a task of its own, while the next rows are read."""
    begun: list[GuildId] = []
    for_ever = asyncio.Event()

    async def work(guild_id: GuildId) -> None:
        begun.append(guild_id)
        await for_ever.wait()

    tasks = TaskManager(poller.clock)
    queue = WorkQueue("slow", work, tasks=tasks)
    poller.events.register(DeathsStored, lambda event: queue.put(event.scope.guild_id))
    async with asyncio.timeout(60):
        for second in range(3):
            poller.logs.append(FILE, render(build_row("Ann", "Bob", second=10 + second)))
            await poller.poll()
    await settle()
    assert (len(poller.store.data.deaths), begun) == (6, [SCOPE.guild_id])
    for_ever.set()
    await settle()
    assert begun == [SCOPE.guild_id] * 2
