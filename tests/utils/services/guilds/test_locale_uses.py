"""Uses by language: counted in memory, stored each minute, never twice."""

from collections import Counter
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from tests.fakes.clock import START, FakeClock
from tests.fakes.storage import FakeGuildStore, Gate
from utils.errors import CommitUnknownError, KillfeedError, StorageUnavailableError
from utils.models.locale_uses import KEPT_MONTHS, find_oldest_kept, name_month
from utils.models.scope import GuildId
from utils.services.guilds import locale_uses
from utils.services.guilds.locale_uses import LocaleUses
from utils.tasks import TaskManager

HERE, THERE = GuildId(1), GuildId(2)
MAY, JUNE = "2025-05", "2025-06"


@pytest.fixture(name="store")
def _store() -> FakeGuildStore:
    return FakeGuildStore()


@pytest.fixture(name="uses")
def _uses(store: FakeGuildStore, clock: FakeClock) -> LocaleUses:
    return LocaleUses(store, tasks=TaskManager(clock), clock=clock)


async def test_uses_are_stored_once_by_guild_month_and_language(
    uses: LocaleUses, store: FakeGuildStore, clock: FakeClock
) -> None:
    """Counting writes nothing; a use belongs to the month in which it happened, not to that of the write."""
    assert name_month(clock.now()) == MAY
    for guild_id, locale in ((HERE, "de"), (HERE, "de"), (HERE, "es-419"), (THERE, "zh-CN")):
        uses.note(guild_id, locale)
    clock.move(timedelta(days=31).total_seconds())
    uses.note(HERE, "de")
    assert store.calls == []
    for _ in range(2):
        await uses.store_all()
    assert store.locales == {
        HERE: Counter({(MAY, "de"): 2, (MAY, "es-419"): 1, (JUNE, "de"): 1}),
        THERE: Counter({(MAY, "zh-CN"): 1}),
    }
    assert len(store.calls) == 2


async def test_strange_language_is_not_counted(uses: LocaleUses, store: FakeGuildStore) -> None:
    """It would be the name of a stored field."""
    for locale in ("", "de.x", "$inc", "DE", "en-US-x", "de\n"):
        uses.note(HERE, locale)
    await uses.finish()
    assert store.calls == []


@pytest.mark.parametrize(
    ("error", "stored"), [(StorageUnavailableError("away"), 3), (CommitUnknownError("lost"), 1)]
)
async def test_uses_that_are_not_stored_wait_unless_nobody_knows(
    uses: LocaleUses, store: FakeGuildStore, error: KillfeedError, stored: int
) -> None:
    """Uses that may be stored are given up: a lost minute is better than one that counts twice."""
    uses.note(HERE, "de")
    uses.note(HERE, "de")
    uses.note(THERE, "de")
    store.failures = [error]
    await uses.store_all()
    uses.note(HERE, "de")
    assert store.locales == {THERE: Counter({(MAY, "de"): 1})}
    await uses.store_all()
    assert store.locales[HERE] == Counter({(MAY, "de"): stored})


async def test_stop_does_not_wait_for_a_database_that_hangs(
    uses: LocaleUses, store: FakeGuildStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The uses since the last turn are lost, and the log says so."""
    monkeypatch.setattr(locale_uses, "FINISH_SECONDS", 0.01)
    store.gate = Gate()
    uses.note(HERE, "de")
    with capture_logs() as logs:
        await uses.finish()
    assert [entry["log_level"] for entry in logs] == ["warning"]
    assert store.locales == {}


@given(st.integers(0, 400_000).map(lambda days: START + timedelta(days=days)))
def test_exactly_three_months_are_kept(now: datetime) -> None:
    """The present month and the two before it."""
    earlier = {name_month(now - timedelta(days=days)) for days in range(366)}
    kept = [month for month in earlier if month >= find_oldest_kept(name_month(now))]
    assert len(kept) == KEPT_MONTHS
    assert max(kept) == name_month(now)
