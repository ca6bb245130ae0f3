"""Alerts to the owners: the first at once, later ones together, a group again after six hours."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.fakes.clock import START, FakeClock
from tests.fakes.errors import FakeErrorSink
from tests.utils.services.guilds.test_error_groups import build_group
from utils.errors import DeliveryDelayedError
from utils.models.error_groups import ErrorGroup, GroupDelta, GroupWrite
from utils.models.error_reports import AlertKind, ErrorAlert
from utils.models.incidents import WHOLE_BOT
from utils.models.scope import GuildId
from utils.telemetry.error_alerts import ErrorAlerts


class FakeOwners:
    """The owners, and the storage of their alerts.

    Attributes:
        messages: kind and reference of each alert of each message, and the number of further ones.
        failures: the next messages that are not delivered.
        day: the errors of each group in the last 24 hours.
    """

    def __init__(self) -> None:
        self.messages: list[tuple[list[tuple[AlertKind, str]], int]] = []
        self.noted: list[str] = []
        self.failures = 0
        self.day: dict[str, int] = {}

    async def tell(self, alerts: Sequence[ErrorAlert], *, more: int, at: datetime) -> None:
        """Take a message."""
        del at
        if self.failures:
            self.failures -= 1
            raise DeliveryDelayedError("later")
        self.messages.append(([(alert.kind, alert.group.reference) for alert in alerts], more))

    async def count_hours(
        self, guild_id: GuildId, fingerprints: Sequence[str], *, since: datetime
    ) -> Mapping[str, Mapping[datetime, int]]:
        """Return all errors of a group in one hour."""
        assert guild_id == WHOLE_BOT
        return {one: {since: self.day.get(one, 0)} for one in fingerprints}

    async def note_alert(self, guild_id: GuildId, fingerprints: Sequence[str], *, at: datetime) -> None:
        """Record the groups."""
        del at
        assert guild_id == WHOLE_BOT
        self.noted += fingerprints


class Desk:
    """Alerts over fakes."""

    def __init__(self) -> None:
        self.clock, self.owners, self.errors = FakeClock(), FakeOwners(), FakeErrorSink()
        self.alerts = ErrorAlerts(self.owners, self.owners, clock=self.clock, errors=self.errors)

    async def note(self, *groups: ErrorGroup, n: int = 1, seconds: float = 0, **outcome: bool) -> None:
        """Write groups, and let time pass."""
        self.alerts.note([build_write(group, n=n, **outcome) for group in groups])
        self.clock.move(seconds)
        await self.alerts.tell_due()


def build_write(
    group: ErrorGroup, *, n: int = 1, guild_id: GuildId = WHOLE_BOT, **outcome: bool
) -> GroupWrite:
    """Return what was written of a group."""
    delta = GroupDelta(
        guild_id=guild_id,
        fingerprint=group.fingerprint,
        reference=group.reference,
        category=group.category,
        error_type=group.error_type,
        place=group.place,
        frames=(),
        text="",
        count=n,
        first_seen_at=START,
        last_seen_at=START,
        hours={},
        commands={},
        tasks={},
        servers={},
        members={},
        guilds={},
        samples=(),
    )
    return GroupWrite(delta, group, **outcome)


@pytest.fixture(name="desk")
def _desk() -> Desk:
    return Desk()


async def test_first_alert_is_sent_at_once_and_later_ones_together(desk: Desk) -> None:
    """A message gathers the alerts of ten minutes."""
    first, second, third = (build_group(name * 6) for name in "ABC")
    await desk.note(first, is_new=True)
    await desk.note(second, is_new=True, seconds=60)
    await desk.note(third, is_regressed=True, is_opened=True, seconds=480)
    assert desk.owners.messages == [([(AlertKind.NEW, "AAAAAA")], 0)]
    await desk.note(seconds=60)
    assert desk.owners.messages[1:] == [([(AlertKind.NEW, "BBBBBB"), (AlertKind.REGRESSED, "CCCCCC")], 0)]
    assert desk.owners.noted == [group.fingerprint for group in (first, second, third)]


async def test_group_is_named_again_after_six_hours(desk: Desk) -> None:
    """Before that it says nothing, also after a restart that knows the stored time."""
    group = build_group()
    await desk.note(group, is_new=True)
    await desk.note(group, is_regressed=True, seconds=5 * 3600)
    assert len(desk.owners.messages) == 1
    restarted = Desk()
    await restarted.note(replace(group, alerted_at=START), is_regressed=True)
    assert restarted.owners.messages == []
    await desk.note(seconds=3600)
    await desk.note(group, is_regressed=True)
    assert len(desk.owners.messages) == 2


async def test_hour_has_six_messages_and_one_names_ten_groups(desk: Desk) -> None:
    """The others are a number."""
    for number in range(60):
        names = [f"{number:02}{letter}AAA" for letter in "ABC"]
        await desk.note(*map(build_group, names), is_new=True, seconds=120)
    sent = desk.owners.messages
    assert all(len(named) <= 10 for named, _ in sent)
    assert len(sent) <= 13  # two hours
    assert sum(len(named) + more for named, more in sent) >= 150


@pytest.mark.parametrize(
    ("n", "day", "is_told"),
    [(19, 19, False), (20, 20, True), (40, 40 + 288 * 8, True), (40, 40 + 288 * 9, False)],
)
async def test_spike_is_five_times_the_mean_of_a_day(desk: Desk, n: int, day: int, *, is_told: bool) -> None:
    """At least twenty errors in five minutes, and five times as many as usual."""
    group = build_group()
    desk.owners.day[group.fingerprint] = day
    await desk.note(group, n=n - 5, seconds=200)
    await desk.note(group, n=5)
    assert desk.owners.messages == ([([(AlertKind.SPIKE, "AAAAAA")], 0)] if is_told else [])


async def test_errors_of_more_than_five_minutes_are_no_spike(desk: Desk) -> None:
    """Old errors do not count."""
    await desk.note(build_group(), n=19, seconds=300)
    await desk.note(build_group(), n=19)
    assert desk.owners.messages == []


async def test_message_that_is_not_delivered_is_sent_later(desk: Desk) -> None:
    """Discord being away loses no alert, and it is counted as a trouble."""
    desk.owners.failures = 1
    await desk.note(build_group(), is_new=True)
    assert (desk.owners.messages, len(desk.errors.troubles) + len(desk.errors.reported)) == ([], 1)
    await desk.note(seconds=10)
    assert desk.owners.messages == [([(AlertKind.NEW, "AAAAAA")], 0)]


async def test_groups_of_guilds_alert_nobody(desk: Desk) -> None:
    """Only news about groups of the whole bot reach an owner."""
    desk.alerts.note([build_write(build_group(), guild_id=GuildId(42), is_new=True)])
    await desk.note(seconds=timedelta(minutes=1).total_seconds())
    assert desk.owners.messages == []
