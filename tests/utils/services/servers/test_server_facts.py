"""Facts that admins know better than the log: places and restarts, with the audit and with failed writes."""

import asyncio
from dataclasses import replace

import pytest

from tests.fakes.deaths import SCOPE
from tests.fakes.storage import FakeServerStore
from tests.utils.services.servers.test_server_changes import ADMIN, GUILD, SERVER, ChangeSetup
from utils.errors import InvalidInputError, NotFoundError, StorageUnavailableError
from utils.models.audit import AuditEntry, FieldChange
from utils.models.scope import ServerScope
from utils.models.servers import RestartSettings
from utils.services.guilds.audit import AuditLog
from utils.services.servers.server_facts import ServerFactService


class FactSetup(ChangeSetup):
    """A guild with two servers, and what an admin knows of them."""

    def build_facts(self) -> ServerFactService:
        """Return the service over these parts."""
        changes = self.build()
        audit = AuditLog(self.audit, clock=self.clock)
        return ServerFactService(changes.servers, self.store, self.loops, audit, self.clock)

    def list_changes(self) -> list[tuple[str, tuple[FieldChange, ...]]]:
        """Return the entries of the audit."""
        return [(entry.action, entry.facts.changes) for _, entry in self.audit.entries]


class SlowStore(FakeServerStore):
    """Lets others go on before it writes restarts."""

    async def set_restarts(
        self,
        scope: ServerScope,
        times: tuple[str, ...],
        warning: int,
        *,
        entry: AuditEntry | None = None,
    ) -> None:
        """Set the times of restarts, a moment later."""
        await asyncio.sleep(0)
        await super().set_restarts(scope, times, warning, entry=entry)


@pytest.fixture(name="setup")
def _setup() -> FactSetup:
    return FactSetup()


async def test_places_are_set_and_left_to_the_log_again(setup: FactSetup) -> None:
    """Each change has its entry; the same number again has none."""
    service = setup.build_facts()
    for slots in (70, 70, None):
        changed = await service.set_slots(GUILD, "Mirny", slots, actor_id=ADMIN)
        assert changed == setup.store.servers[SCOPE] == replace(SERVER, slots=slots)
    assert setup.list_changes() == [
        ("server slots", (FieldChange("slots", None, 70),)),
        ("server slots", (FieldChange("slots", 70, None),)),
    ]


async def test_restarts_are_set_changed_and_forgotten(setup: FactSetup) -> None:
    """A value that is left out of a change stays; a command that names nothing forgets all."""
    service = setup.build_facts()
    setup.store.servers[SCOPE] = server = replace(SERVER, timezone="Europe/Berlin")
    now = setup.clock.now()
    told = [
        await service.set_restarts(GUILD, "Mirny", times, warning, actor_id=ADMIN)
        for times, warning in (("2:00, 14:00", None), (None, 10), ("06:30", None), (None, None))
    ]
    twice, once = ("02:00", "14:00"), ("06:30",)
    expected = [
        replace(server, restart_times=twice),
        replace(server, restart_times=twice, restart_warning=10),
        replace(server, restart_times=once, restart_warning=10),
        server,
    ]
    assert [one.server for one in told] == expected
    assert setup.store.servers[SCOPE] == server
    assert told[3] == RestartSettings(server, None)
    assert [one.next_at is not None and one.next_at > now for one in told[:3]] == [True] * 3
    assert [len(changes) for _, changes in setup.list_changes()] == [1, 1, 1, 2]


async def test_two_changes_at_once_keep_each_other(setup: FactSetup) -> None:
    """The second one reads the server behind the first."""
    setup.store = SlowStore(SERVER)
    service = setup.build_facts()
    await asyncio.gather(
        service.set_restarts(GUILD, "Mirny", "02:00", None, actor_id=ADMIN),
        service.set_restarts(GUILD, "Mirny", None, 10, actor_id=ADMIN),
        service.set_slots(GUILD, "Mirny", 70, actor_id=ADMIN),
    )
    expected = replace(SERVER, restart_times=("02:00",), restart_warning=10, slots=70)
    assert setup.store.servers[SCOPE] == expected


async def test_warning_needs_a_time(setup: FactSetup) -> None:
    """A learnt time is not announced: it may be wrong."""
    service = setup.build_facts()
    with pytest.raises(InvalidInputError, match="whose times you give me"):
        await service.set_restarts(GUILD, "Mirny", None, 5, actor_id=ADMIN)
    with pytest.raises(NotFoundError):
        await service.set_slots(GUILD, "Nowhere", 5, actor_id=ADMIN)
    assert setup.list_changes() == []


async def test_write_that_fails_has_the_server_read_again(setup: FactSetup) -> None:
    """It may have happened nevertheless."""
    service = setup.build_facts()
    setup.store.broken = {"set_slots"}
    with pytest.raises(StorageUnavailableError):
        await service.set_slots(GUILD, "Mirny", 70, actor_id=ADMIN)
    assert setup.loops.notes == [("refresh", SCOPE)]
