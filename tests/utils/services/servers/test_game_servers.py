"""Game servers of a guild: refusals, the order of adding, and the server of a typed name."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.fakes.clock import START, FakeClock
from tests.fakes.deaths import FILE, SCOPE, build_row, render
from tests.fakes.ingestion import FakeDeathLogs, FakeIngestionStore
from tests.fakes.premium import FakePremiumStore
from tests.fakes.server_loops import FakeLogAccess, FakeServerLoops
from tests.fakes.storage import (
    FakeAuditStore,
    FakeGuildStore,
    FakeRejectedStore,
    FakeServerStore,
    build_server,
)
from utils.errors import (
    AmbiguousError,
    ConnectionLostError,
    InvalidInputError,
    LimitReachedError,
    NotFoundError,
    StorageUnavailableError,
)
from utils.events import EventDispatcher, ServerRemoved
from utils.models.audit import AuditEntry
from utils.models.labels import make_mark
from utils.models.premium import TIERS, Tier
from utils.models.reading import FoundLogs, ImportJob, RejectedLine, ServerPlace
from utils.models.scope import ChannelId, GuildId, MemberId, ServerId, ServerScope
from utils.models.servers import (
    SILENT_AT_FIRST,
    CheckStep,
    Credentials,
    EncryptedSecret,
    GameServer,
    WayCheck,
    WayStep,
)
from utils.models.texts import text
from utils.services.guilds.audit import AuditLog
from utils.services.guilds.guild_settings import SettingsService
from utils.services.ingestion.history import HistoryImport
from utils.services.premium.tiers import PremiumService
from utils.services.servers.game_servers import (
    SERVER_ID_ALPHABET,
    SERVER_ID_CHARACTERS,
    SHOWN_REJECTED,
    GameServerService,
    RejectedLines,
)
from utils.services.servers.log_places import LogPlaces
from utils.services.servers.typed_servers import ServerForm

GUILD = SCOPE.guild_id
FORM = ServerForm("Kamensk", "203.0.113.9", 8822, "renter", number=4, timezone="Europe/Berlin", legacy=True)
ADMIN = MemberId(5)
PASSWORD = Credentials("s3cret-pass")
GOOD = (
    CheckStep(WayStep.LOGIN, ok=True, detail=text("fine")),
    CheckStep(WayStep.FIND_LOGS, ok=True, detail=text("2")),
)
BAD = (CheckStep(WayStep.LOGIN, ok=False, detail=text("refused")),)


class FakeEncryption:
    """Encrypts a secret readably for tests, together with its scope."""

    def encrypt(self, scope: ServerScope, credentials: Credentials) -> EncryptedSecret:
        """Return the scope and the password."""
        return EncryptedSecret(f"{scope}:{credentials.password}".encode())


class FakeServerChecker:
    """Answers a test of a server with the steps of the test."""

    def __init__(self) -> None:
        self.steps: tuple[CheckStep, ...] = GOOD
        self.host_key: str | None = "ssh-ed25519 AAAA"
        self.folder: str | None = None
        self.checked: list[tuple[str, int]] = []
        self.let_gone: list[str] = []

    async def check(
        self, server: GameServer, *, guild_limit: int, credentials: Credentials | None = None
    ) -> WayCheck:
        """Return the steps and the host's key."""
        del credentials
        self.checked.append((server.name, guild_limit))
        folder = self.folder or f"/{server.name}/deathlogs"
        logs = FoundLogs(folder) if self.steps == GOOD else None
        return WayCheck(self.steps, self.host_key, logs)

    def let_go(self, server: GameServer) -> None:
        """Record the server."""
        self.let_gone.append(server.name)


@dataclass(frozen=True)
class Added:
    """The steps of the test of a new server, and the server if it was stored."""

    steps: tuple[CheckStep, ...]
    server: GameServer | None


async def add(
    service: GameServerService,
    form: ServerForm,
    *,
    guild_id: GuildId = GUILD,
    channel_id: ChannelId | None = None,
    message_id: int | None = None,
) -> Added:
    """Test a server and, if that succeeds, store it."""
    trial = await service.try_server(guild_id, form, credentials=PASSWORD, actor_id=ADMIN)
    if trial.logs is None:
        return Added(trial.steps, None)
    server = await service.add_server(trial, channel_id=channel_id, message_id=message_id, actor_id=ADMIN)
    return Added(trial.steps, server)


@dataclass
class ServerSetup:
    """A guild's servers and everything around them."""

    tier: int = 4
    clock: FakeClock = field(default_factory=FakeClock)
    guilds: FakeGuildStore = field(default_factory=FakeGuildStore)
    store: FakeServerStore = field(default_factory=FakeServerStore)
    rejected: FakeRejectedStore = field(default_factory=FakeRejectedStore)
    checker: FakeServerChecker = field(default_factory=FakeServerChecker)
    ingestion: FakeIngestionStore = field(default_factory=FakeIngestionStore)
    access: FakeLogAccess = field(default_factory=lambda: FakeLogAccess(FakeDeathLogs()))
    loops: FakeServerLoops = field(default_factory=FakeServerLoops)
    events: EventDispatcher = field(default_factory=EventDispatcher)
    premium: FakePremiumStore = field(default_factory=FakePremiumStore)
    audit: FakeAuditStore = field(default_factory=FakeAuditStore)
    removed: list[ServerRemoved] = field(default_factory=list)

    def build(self) -> GameServerService:
        """Return the service over these parts."""
        self.events.register(ServerRemoved, self._note_removed)
        self.store.audit = self.audit
        return GameServerService(
            self.store,
            self.rejected,
            settings=SettingsService(self.guilds, self.store, clock=self.clock),
            premium=PremiumService(self.premium, default_tier=self.tier, clock=self.clock),
            encryption=FakeEncryption(),
            checker=self.checker,
            places=LogPlaces(self.store, self.ingestion),
            logs=self.access,
            history=HistoryImport(self.ingestion, self.ingestion, self.events, clock=self.clock),
            loops=self.loops,
            events=self.events,
            audit=AuditLog(self.audit, clock=self.clock),
            clock=self.clock,
        )

    def add(self, *servers: GameServer) -> None:
        """Store servers."""
        self.store.servers |= {server.scope: server for server in servers}

    def _note_removed(self, event: ServerRemoved) -> None:
        self.removed.append(event)


@pytest.fixture(name="setup")
def _setup() -> ServerSetup:
    return ServerSetup()


@pytest.fixture(name="service")
def _service(setup: ServerSetup) -> GameServerService:
    return setup.build()


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        (replace(FORM, name="  "), "1 to 50 characters"),
        (replace(FORM, name="x" * 51), "1 to 50 characters"),
        (replace(FORM, name="Mir\0ny"), "invisible characters"),
        (replace(FORM, name="\u202eynriM"), "invisible characters"),
        (replace(FORM, name="\u200b"), "invisible characters"),
        (replace(FORM, host="203.0.113.9\0"), "is a name or an address"),
        (replace(FORM, host="203.0.113.9/logs"), "is a name or an address"),
        (replace(FORM, host="https://203.0.113.9"), "is a name or an address"),
        (replace(FORM, host="sftp://renter:geheim@203.0.113.9"), "Leave the password out of the address"),
        (replace(FORM, host="203.0.113.9:88220"), "number from 1 to 65535"),
        (replace(FORM, name=" mIrNy "), "already a server called “mIrNy”"),
        (replace(FORM, port=0), "number from 1 to 65535"),
        (replace(FORM, port=65536), "number from 1 to 65535"),
        (replace(FORM, host="   "), "is a name or an address"),
        (replace(FORM, host="203.0. 113.9"), "is a name or an address"),
        (replace(FORM, timezone="Mars/Olympus"), "“Mars/Olympus” isn't a time zone"),
        (replace(FORM, timezone=""), "isn't a time zone"),
        (replace(FORM, timezone="Europe"), "isn't a time zone"),
        (replace(FORM, timezone="../../etc/passwd"), "isn't a time zone"),
        (replace(FORM, timezone="localtime"), "the clock of my own machine"),
        (replace(FORM, timezone="UTC+2"), "“UTC+2” doesn't say when the clocks change"),
        (replace(FORM, username="  "), "user name is empty"),
        (replace(FORM, username="ren\u202eter"), "invisible characters"),
    ],
)
async def test_form_that_cannot_be_right_is_refused(
    setup: ServerSetup, service: GameServerService, form: ServerForm, sentence: str
) -> None:
    """A mistake in the text is reported before the password is asked for, and nothing is stored."""
    setup.add(build_server())
    with pytest.raises(InvalidInputError) as caught:
        await service.verify_form(GUILD, form)
    assert sentence in str(caught.value)
    with pytest.raises(InvalidInputError):
        await add(service, form)
    assert (len(setup.store.servers), setup.checker.checked) == (1, [])


@pytest.mark.parametrize(
    "form",
    [
        FORM,
        replace(FORM, name="x" * 50),
        replace(FORM, name="Сервер 1 北 🔥"),
        replace(FORM, host=" game.example.org "),
        replace(FORM, host="2001:db8::1"),
        replace(FORM, port=65535),
        replace(FORM, host="sftp://renter@203.0.113.9:8822/"),
        replace(FORM, host="[2001:db8::1]:8822"),
        replace(FORM, name="🏴\u200d☠️ two\u00a0kinds of PvP"),
        replace(FORM, timezone="UTC"),
        replace(FORM, timezone="berlin"),
    ],
)
async def test_form_that_may_be_right_is_accepted(service: GameServerService, form: ServerForm) -> None:
    """Names, addresses and blanks around them are accepted as people paste them."""
    await service.verify_form(GUILD, form)


async def test_name_of_another_guilds_server_is_free(setup: ServerSetup, service: GameServerService) -> None:
    """Names belong to one guild."""
    setup.add(build_server(FORM.name, guild_id=GuildId(43)))
    await service.verify_form(GUILD, FORM)


@pytest.mark.parametrize("tier", TIERS, ids=lambda tier: str(tier.name))
async def test_server_over_the_limit_of_the_tier_is_refused(setup: ServerSetup, tier: Tier) -> None:
    """A guild may have as many servers as its tier allows."""
    setup.tier = tier.level
    service = setup.build()
    room = tier.servers
    setup.add(*(build_server(f"server {number}", f"id{number}") for number in range(room - 1)))
    await service.verify_form(GUILD, FORM)
    setup.add(build_server("the last", "last"))
    with pytest.raises(LimitReachedError):
        await service.verify_form(GUILD, FORM)


async def test_added_server_is_stored_with_its_import(setup: ServerSetup, service: GameServerService) -> None:
    """The secret is encrypted for the scope, the key pinned, the import prepared, and reading begins."""
    setup.access.logs.append(FILE, render(build_row("A", "B")))
    added = await add(service, FORM, channel_id=ChannelId(5), message_id=6)
    [stored] = setup.store.servers.values()
    assert stored == GameServer(
        scope=stored.scope,
        name="Kamensk",
        host="203.0.113.9",
        port=8822,
        username="renter",
        secret=EncryptedSecret(f"{stored.scope}:s3cret-pass".encode()),
        number=4,
        timezone="Europe/Berlin",
        legacy=True,
        host_key="ssh-ed25519 AAAA",
        log_folder="/Kamensk/deathlogs",
        silenced=SILENT_AT_FIRST,
        added_at=START,
    )
    assert (added.steps, added.server) == (GOOD, stored)
    assert setup.ingestion.data.job == ImportJob(
        generation=0,
        started_at=START,
        ends={FILE: len(render(build_row("A", "B")))},
        channel_id=ChannelId(5),
        message_id=6,
    )
    assert setup.loops.notes == [("start", stored.scope)]
    assert setup.audit.lines == [(ADMIN, "server add", "Kamensk (renter at 203.0.113.9 port 8822, number 4)")]
    assert [server.host_key for server in setup.access.opened] == ["ssh-ed25519 AAAA"]
    assert (setup.checker.checked, setup.access.limits) == ([("Kamensk", 25)], [25])


async def test_form_is_stored_as_it_is_meant_and_that_is_told(
    setup: ServerSetup, service: GameServerService
) -> None:
    """Blanks, an address with all parts and a city as the zone are read, shown and stored plainly."""
    typed = ServerForm(
        "  North ", " sftp://nobody@Game.example:8822/x_7/ ", None, " renter\u200b ", timezone=" berlin "
    )
    added = await add(service, typed)
    assert added.server is not None
    stored = setup.store.servers[added.server.scope]
    assert (stored.name, stored.host, stored.port, stored.username, stored.base_path, stored.timezone) == (
        "North",
        "Game.example",
        8822,
        "renter",
        "/x_7",
        "Europe/Berlin",
    )
    told = "Host Game.example, port 8822, user name renter, log folder /x_7, time zone Europe/Berlin"
    assert [(step.name, str(step.detail)) for step in added.steps] == [
        (WayStep.UNDERSTOOD, told),
        *((step.name, str(step.detail)) for step in GOOD),
    ]


async def test_ids_of_servers_are_short_and_their_own(setup: ServerSetup, service: GameServerService) -> None:
    """Each server has its own id of eight characters without look-alikes."""
    for number in range(5):
        form = replace(FORM, name=f"server {number}")
        await add(service, form)
    ids = {scope.server_id for scope in setup.store.servers}
    assert len(ids) == 5
    assert all(len(one) == SERVER_ID_CHARACTERS and set(one) <= set(SERVER_ID_ALPHABET) for one in ids)


async def test_server_is_refused_when_the_tier_ends_while_it_is_tested(setup: ServerSetup) -> None:
    """There was room when the form was opened, but not after the test."""
    setup.tier = 0
    setup.add(build_server())
    setup.premium.give(GUILD, 1, START + timedelta(seconds=10))

    class SlowChecker(FakeServerChecker):
        """Takes longer than the tier lasts."""

        async def check(
            self, server: GameServer, *, guild_limit: int, credentials: Credentials | None = None
        ) -> WayCheck:
            """Let time pass."""
            setup.clock.move(10)
            return await super().check(server, guild_limit=guild_limit, credentials=credentials)

    setup.checker = SlowChecker()
    service = setup.build()
    await service.verify_form(GUILD, FORM)
    with pytest.raises(LimitReachedError, match=r"Tier 0 \(Scavenger\) includes 1"):
        await add(service, FORM)
    assert (list(setup.store.servers), setup.ingestion.data.job) == ([SCOPE], None)
    assert [detail.rpartition(": ")[2] for _, _, detail in setup.audit.lines] == ["tested, but not added"]
    assert setup.checker.let_gone == ["Kamensk"]


async def test_last_place_is_given_once_when_two_ask_for_it(setup: ServerSetup) -> None:
    """Two admins add a server at once, and the second one is refused."""
    setup.tier = 0
    service = setup.build()
    both = [add(service, replace(FORM, name=name)) for name in ("one", "two")]
    outcomes = await asyncio.gather(*both, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Added, LimitReachedError]
    assert len(setup.store.servers) == 1


async def test_nothing_is_stored_when_a_step_fails(setup: ServerSetup, service: GameServerService) -> None:
    """The steps are shown, the server is not stored, its login is forgotten, and the try is audited."""
    setup.checker.steps = BAD
    added = await add(service, FORM)
    assert (added.steps, added.server) == (BAD, None)
    told = "Kamensk (renter at 203.0.113.9 port 8822, number 4): not added, “Login” failed"
    assert setup.audit.lines == [(ADMIN, "server add", told)]
    assert (setup.store.servers, setup.ingestion.data.job, setup.loops.notes) == ({}, None, [])
    assert [scope.guild_id for scope in setup.access.forgotten] == [GUILD]


async def test_server_whose_logs_are_missing_is_kept_with_an_import_that_waits(
    setup: ServerSetup, service: GameServerService
) -> None:
    """Its host accepted the login; all that its logs hold when they are found is history."""
    setup.checker.steps = BAD
    trial = await service.try_server(GUILD, FORM, credentials=PASSWORD, actor_id=ADMIN)
    assert trial.may_be_kept
    server = await service.add_server(trial, channel_id=ChannelId(5), message_id=6, actor_id=ADMIN)
    assert (server.host_key, server.log_folder) == ("ssh-ed25519 AAAA", None)
    assert setup.store.servers == {server.scope: server}
    assert setup.ingestion.data.job == ImportJob(0, START, {}, ChannelId(5), 6, is_waiting=True)
    assert setup.loops.notes == [("start", server.scope)]
    setup.checker.host_key = None
    refused = await service.try_server(
        GUILD, replace(FORM, name="Other"), credentials=PASSWORD, actor_id=ADMIN
    )
    assert not refused.may_be_kept


async def test_one_of_several_servers_is_tested_with_the_stored_login(
    setup: ServerSetup, service: GameServerService
) -> None:
    """The typed secret is not kept: the encrypted one goes to the host key of the first test alone."""
    setup.checker.steps = BAD
    trial = await service.try_server(GUILD, FORM, credentials=PASSWORD, actor_id=ADMIN)
    setup.checker.steps = GOOD
    by_number = await service.try_place(trial, ServerPlace("8", 8), actor_id=ADMIN)
    by_folder = await service.try_place(trial, ServerPlace("b_8", 8, "games/b_8"), actor_id=ADMIN)
    assert [(one.server.number, one.server.base_path) for one in (by_number, by_folder)] == [
        (8, None),
        (8, "games/b_8"),
    ]
    assert {one.server.host_key for one in (by_number, by_folder)} == {"ssh-ed25519 AAAA"}
    assert by_number.server.secret == trial.server.secret


async def test_import_is_prepared_before_the_server_is_stored(
    setup: ServerSetup, service: GameServerService
) -> None:
    """Without an import the history would be announced, so the server is not stored."""
    setup.access.failures.append(ConnectionLostError(text("gone in the middle")))
    with pytest.raises(ConnectionLostError):
        await add(service, FORM)
    assert (setup.store.servers, setup.loops.notes) == ({}, [])
    assert setup.access.forgotten == [setup.access.opened[0].scope]


async def test_server_is_not_read_when_it_cannot_be_stored(
    setup: ServerSetup, service: GameServerService
) -> None:
    """An outage at the end leaves no loop and no remembered login."""
    await service.verify_form(GUILD, FORM)
    setup.ingestion.outages = 1
    with pytest.raises(StorageUnavailableError):
        await add(service, FORM)
    assert (setup.store.servers, setup.loops.notes, len(setup.access.forgotten)) == ({}, [], 1)


@pytest.mark.parametrize("text", ["k3v9x0aa", "Mirny", "mirny", " MIRNY "])
async def test_server_is_found_by_id_and_name(
    setup: ServerSetup, service: GameServerService, text: str
) -> None:
    """Lists give ids, people type names, in any case."""
    setup.add(build_server(), build_server("Kamensk", "other"))
    assert (await service.resolve(GUILD, text)).name == "Mirny"


async def test_only_server_is_meant_when_none_is_named(
    setup: ServerSetup, service: GameServerService
) -> None:
    """A single server is the default."""
    setup.add(build_server())
    assert await service.resolve(GUILD, None) == build_server()


async def test_servers_that_are_not_there_are_told(setup: ServerSetup, service: GameServerService) -> None:
    """Without servers the error says how to add one; with others it has their names."""
    with pytest.raises(NotFoundError, match="/admin server add"):
        await service.resolve(GUILD, None)
    setup.add(build_server(), build_server("Kamensk", "other"))
    with pytest.raises(NotFoundError) as caught:
        await service.resolve(GUILD, "Minry")
    assert caught.value.suggestions == ("Mirny", "Kamensk")


async def test_server_that_was_removed_since_it_was_offered_is_told_without_its_id(
    setup: ServerSetup, service: GameServerService
) -> None:
    """A value of a list is not a name; an unknown name of eight letters is repeated as typed."""
    setup.add(build_server())
    for typed, told in (
        ("k3v9x2bb", "This Discord server has no such game server."),
        ("northern", "No game server is called “northern”."),
        ("North 12", "No game server is called “North 12”."),
    ):
        with pytest.raises(NotFoundError) as caught:
            await service.resolve(GUILD, typed)
        assert str(caught.value) == f"{told} Did you mean **Mirny**?"


async def test_several_servers_need_a_choice(setup: ServerSetup, service: GameServerService) -> None:
    """If one server is needed and several match, there is an error."""
    setup.add(build_server(), build_server("Kamensk", "other"), build_server("kamensk", "third"))
    with pytest.raises(AmbiguousError) as caught:
        await service.resolve(GUILD, None)
    kamensk, third = (
        f"{name} · {make_mark(key)}" for name, key in (("Kamensk", "other"), ("kamensk", "third"))
    )
    assert [label for _, label in caught.value.choices] == ["Mirny", kamensk, third]
    assert str(caught.value.asked) == "This Discord server has several game servers."
    with pytest.raises(AmbiguousError) as caught:
        await service.resolve(GUILD, "KAMENSK")
    assert caught.value.choices == (("other", kamensk), ("third", third))


async def test_servers_of_other_guilds_are_never_found(
    setup: ServerSetup, service: GameServerService
) -> None:
    """Two guilds with the same game server do not see each other's."""
    setup.add(build_server(guild_id=GuildId(43)))
    assert await service.list_servers(GUILD) == ()
    with pytest.raises(NotFoundError):
        await service.resolve(GUILD, "Mirny")


async def test_server_is_read_at_once_when_its_test_passes(
    setup: ServerSetup, service: GameServerService
) -> None:
    """After a corrected login a successful test wakes the server; a failed test does not."""
    setup.add(build_server())
    assert await service.test_server(GUILD, None) == (build_server(), GOOD)
    assert setup.loops.notes == [("wake", SCOPE)]
    found = replace(build_server(), log_folder="/Mirny/deathlogs")
    setup.checker.steps = BAD
    assert await service.test_server(GUILD, "mirny") == (found, BAD)
    assert setup.loops.notes == [("wake", SCOPE)]


async def test_same_server_is_refused_with_the_name_of_the_first(
    setup: ServerSetup, service: GameServerService
) -> None:
    """The same logs under another name are refused and audited; nothing is stored or read."""
    await add(service, FORM)
    setup.checker.folder = "/Kamensk/deathlogs"
    twin = replace(FORM, name="Twin", host="kamensk.example")
    with pytest.raises(InvalidInputError, match=r"“Kamensk” already uses these logs"):
        await add(service, twin)
    [stored] = setup.store.servers.values()
    assert (stored.name, setup.checker.let_gone) == ("Kamensk", ["Twin"])
    assert setup.loops.notes == [("start", stored.scope)]
    assert setup.audit.lines[-1][2] == (
        "Twin (renter at kamensk.example port 8822, number 4): tested, but not added"
    )


async def test_test_of_a_server_tells_whose_logs_it_found(
    setup: ServerSetup, service: GameServerService
) -> None:
    """If two servers have the same logs, the test of the younger one reports it and does not wake a loop."""
    setup.add(build_server(), build_server("Twin", "twin"))
    setup.checker.folder = "/one/deathlogs"
    await service.test_server(GUILD, "Mirny")
    _, steps = await service.test_server(GUILD, "Twin")
    assert [(step.name, step.ok) for step in steps[len(GOOD) :]] == [(WayStep.OTHER_SERVERS, False)]
    assert "“Mirny” already uses these logs" in str(steps[-1].detail)
    assert setup.loops.notes == [("wake", SCOPE)]


@pytest.mark.parametrize("keep_stats", [True, False])
async def test_removed_server_ends_everywhere(
    setup: ServerSetup, service: GameServerService, *, keep_stats: bool
) -> None:
    """Its loops end first, then it is deleted, its login forgotten, and the event dispatched."""
    setup.add(build_server())
    await service.remove_server(SCOPE, keep_stats=keep_stats, actor_id=ADMIN)
    assert (setup.store.servers, setup.store.kept_stats) == ({}, [SCOPE] if keep_stats else [])
    assert setup.store.swept == [SCOPE]
    assert (setup.loops.notes, setup.access.forgotten) == ([("stop", SCOPE)], [SCOPE])
    assert setup.removed == [ServerRemoved(scope=SCOPE)]
    fate = "stats kept" if keep_stats else "stats deleted"
    told = f"Mirny (renter at 127.0.0.1 port 22): {fate}"
    assert setup.audit.lines == [(ADMIN, "server remove", told)]
    with pytest.raises(NotFoundError, match="Another admin removed it"):
        await service.remove_server(SCOPE, keep_stats=keep_stats, actor_id=ADMIN)


class StuckServerStore(FakeServerStore):
    """Fails to delete."""

    async def mark_removed(
        self, scope: ServerScope, *, keep_stats: bool, at: datetime, entry: AuditEntry | None = None
    ) -> None:
        """Fail."""
        del scope, keep_stats, at, entry
        raise StorageUnavailableError("away")


async def test_server_is_read_on_when_it_cannot_be_deleted() -> None:
    """A failed removal removes nothing, the server is read on, and no audit entry is written."""
    setup = ServerSetup(store=StuckServerStore())
    service = setup.build()
    setup.add(build_server())
    with pytest.raises(StorageUnavailableError):
        await service.remove_server(SCOPE, keep_stats=False, actor_id=ADMIN)
    assert setup.loops.notes == [("stop", SCOPE), ("start", SCOPE)]
    assert (list(setup.store.servers), setup.removed, setup.audit.lines) == ([SCOPE], [], [])


async def test_removed_server_stays_removed_when_its_leftovers_cannot_be_deleted_now() -> None:
    """The leftovers are never shown; the hourly tidying deletes them, and the audit has its line."""
    setup = ServerSetup()
    setup.add(build_server())
    store = setup.store
    mark_removed = store.mark_removed

    async def go_away_behind(scope: ServerScope, **change: Any) -> None:
        await mark_removed(scope, **change)
        store.failures.append(StorageUnavailableError("away"))

    store.mark_removed = go_away_behind  # type: ignore[method-assign]
    await setup.build().remove_server(SCOPE, keep_stats=False, actor_id=ADMIN)
    assert (store.servers, store.swept, setup.loops.notes) == ({}, [], [("stop", SCOPE)])
    assert (len(setup.removed), len(setup.audit.lines)) == (1, 1)


async def test_rejected_lines_are_those_of_the_server(setup: ServerSetup, service: GameServerService) -> None:
    """The newest lines are shown, all of them are counted."""
    setup.add(build_server(), build_server("Kamensk", "other"))
    lines = [RejectedLine(FILE, number, "?", text("no row"), START) for number in range(SHOWN_REJECTED + 1)]
    setup.rejected.lines[SCOPE] = lines
    shown = RejectedLines(build_server(), tuple(lines[:SHOWN_REJECTED]), SHOWN_REJECTED + 1)
    assert await service.list_rejected(GUILD, "Mirny") == shown


async def test_ids_are_made_of_the_guild_that_asks(setup: ServerSetup, service: GameServerService) -> None:
    """A server belongs to the guild in which it was added."""
    await add(service, FORM, guild_id=GuildId(7))
    [scope] = setup.store.servers
    assert scope == ServerScope(GuildId(7), ServerId(scope.server_id))
