"""Changes of servers by hand: tests before the change, refusals, and the audit."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.clock import FakeClock
from tests.fakes.deaths import FILE, SCOPE, build_row, render
from tests.fakes.ingestion import FakeDeathLogs, FakeIngestionStore
from tests.fakes.premium import build_premium
from tests.fakes.server_loops import FakeLogAccess, FakeServerLoops
from tests.fakes.storage import (
    FakeAuditStore,
    FakeGuildStore,
    FakeRejectedStore,
    FakeServerStore,
    build_server,
)
from utils.embeds.audit_wording import describe_change
from utils.errors import (
    ConnectionLostError,
    InvalidInputError,
    LimitReachedError,
    NotFoundError,
    StorageUnavailableError,
)
from utils.events import EventDispatcher
from utils.models.audit import FieldChange
from utils.models.deaths import DeathKind
from utils.models.notices.highlights import HighlightKind
from utils.models.reading import FoundLogs
from utils.models.scope import ChannelId, MemberId, ServerScope
from utils.models.servers import (
    CheckStep,
    Credentials,
    EncryptedSecret,
    GameServer,
    HostKey,
    HostKeys,
    WayCheck,
    WayStep,
)
from utils.models.texts import text
from utils.services.guilds.audit import AuditLog
from utils.services.guilds.guild_settings import SettingsService
from utils.services.ingestion.history import HistoryImport
from utils.services.servers.game_servers import GameServerService, ServerTrial
from utils.services.servers.log_places import LogPlaces
from utils.services.servers.server_changes import EditedServer, ServerChangeService, ServerEdit

GUILD, ADMIN = SCOPE.guild_id, MemberId(5)
GOOD = (CheckStep(WayStep.LOGIN, ok=True, detail=text("fine")),)
BAD = (CheckStep(WayStep.LOGIN, ok=False, detail=text("refused")),)
TYPED = Credentials("typed-now")
OLD_KEY, NEW_KEY = HostKey("ssh-ed25519 OLD", "SHA256:old"), HostKey("ssh-ed25519 NEW", "SHA256:new")
LOGS = FoundLogs("/mirny/deathlogs")
SERVER = replace(build_server(), host_key=OLD_KEY.text, log_folder=LOGS.folder, timezone="UTC", number=7)
NEIGHBOUR = build_server("Kamensk", "neighbor")


class FakeHost:
    """A host with test, keys and readable secrets."""

    def __init__(self) -> None:
        self.steps = GOOD
        self.key = NEW_KEY.text
        self.keys = HostKeys(OLD_KEY, NEW_KEY)
        self.checked: list[GameServer] = []
        self.tried: list[tuple[str, int, str, str | None, Credentials | None]] = []
        self.logs = LOGS
        self.let_gone: list[str] = []

    async def check(
        self, server: GameServer, *, guild_limit: int, credentials: Credentials | None = None
    ) -> WayCheck:
        """Return the steps, and the pinned key or the shown one."""
        del guild_limit
        self.checked.append(server)
        self.tried.append((server.host, server.port, server.username, server.host_key, credentials))
        return WayCheck(self.steps, server.host_key or self.key, self.logs if self.steps == GOOD else None)

    def let_go(self, server: GameServer) -> None:
        """Record the unused login."""
        self.let_gone.append(server.username)

    async def read_host_keys(self, server: GameServer, *, guild_limit: int) -> HostKeys:
        """Return the keys."""
        del server, guild_limit
        return self.keys

    def encrypt(self, scope: ServerScope, credentials: Credentials) -> EncryptedSecret:
        """Encrypt a secret readably."""
        return EncryptedSecret(f"{scope}:{credentials.password}".encode())


@dataclass
class ChangeSetup:
    """A guild with two servers and everything around them."""

    clock: FakeClock = field(default_factory=FakeClock)
    guilds: FakeGuildStore = field(default_factory=FakeGuildStore)
    store: FakeServerStore = field(default_factory=lambda: FakeServerStore(SERVER, NEIGHBOUR))
    ingestion: FakeIngestionStore = field(default_factory=FakeIngestionStore)
    access: FakeLogAccess = field(default_factory=lambda: FakeLogAccess(FakeDeathLogs()))
    loops: FakeServerLoops = field(default_factory=FakeServerLoops)
    audit: FakeAuditStore = field(default_factory=FakeAuditStore)
    host: FakeHost = field(default_factory=FakeHost)

    def build(self) -> ServerChangeService:
        """Return the service over these parts."""
        self.store.audit = self.ingestion.audit = self.audit
        settings = SettingsService(self.guilds, self.store, clock=self.clock)
        premium, events = build_premium(4, self.clock), EventDispatcher()
        audit, places = AuditLog(self.audit, clock=self.clock), LogPlaces(self.store, self.ingestion)
        servers = GameServerService(
            self.store,
            FakeRejectedStore(),
            settings=settings,
            premium=premium,
            encryption=self.host,
            checker=self.host,
            places=places,
            logs=self.access,
            history=HistoryImport(self.ingestion, self.ingestion, events, clock=self.clock),
            loops=self.loops,
            events=events,
            audit=audit,
            clock=self.clock,
        )
        return ServerChangeService(
            servers,
            self.store,
            self.ingestion,
            settings=settings,
            premium=premium,
            encryption=self.host,
            checker=self.host,
            places=places,
            host_keys=self.host,
            loops=self.loops,
            audit=audit,
        )


@pytest.fixture(name="setup")
def _setup() -> ChangeSetup:
    return ChangeSetup()


@pytest.fixture(name="service")
def _service(setup: ChangeSetup) -> ServerChangeService:
    return setup.build()


async def test_name_and_zone_change_without_a_test(setup: ChangeSetup, service: ServerChangeService) -> None:
    """The login is unchanged, so the host is not tested; reading restarts."""
    edited = await service.edit(
        GUILD, "mirny", ServerEdit(name=" Polar ", timezone="Europe/Berlin"), actor_id=ADMIN
    )
    wanted = replace(SERVER, name="Polar", timezone="Europe/Berlin")
    changes = (FieldChange("name", "Mirny", "Polar"), FieldChange("timezone", "UTC", "Europe/Berlin"))
    assert edited == EditedServer(wanted, ServerTrial(wanted, ()), changes)
    assert setup.store.servers[SCOPE] == wanted
    assert (setup.host.checked, setup.loops.notes) == ([], [("restart", SCOPE)])
    assert setup.audit.lines == [
        (ADMIN, "server edit", "Mirny: name: Mirny → Polar, time zone: UTC → Europe/Berlin")
    ]


async def test_login_is_tested_before_it_is_stored(setup: ChangeSetup, service: ServerChangeService) -> None:
    """A new secret is encrypted and tested; neither the change nor the audit shows it; the pin stays."""
    edit = ServerEdit(username="tenant", credentials=Credentials("n3w-pass"))
    edited = await service.edit(GUILD, "Mirny", edit, actor_id=ADMIN)
    wanted = replace(SERVER, username="tenant", secret=EncryptedSecret(f"{SCOPE}:n3w-pass".encode()))
    assert (edited.server, edited.trial.steps, setup.host.checked) == (wanted, GOOD, [wanted])
    assert edited.changes == (FieldChange("username", "renter", "tenant"), FieldChange("secret"))
    assert "n3w-pass" not in repr(setup.audit.lines)


async def test_nothing_is_stored_when_the_test_fails(
    setup: ChangeSetup, service: ServerChangeService
) -> None:
    """The old login stays in use, and no audit entry is written."""
    setup.host.steps = BAD
    edit = ServerEdit(port=2022, credentials=TYPED)
    edited = await service.edit(GUILD, "Mirny", edit, actor_id=ADMIN)
    assert (edited.server, edited.trial.steps, edited.changes) == (SERVER, BAD, ())
    assert edited.trial.server.port == 2022
    assert (setup.store.servers[SCOPE], setup.loops.notes) == (SERVER, [])


@given(
    edit=st.builds(
        ServerEdit,
        name=st.sampled_from([None, "Polar"]),
        host=st.sampled_from([None, SERVER.host, f" {SERVER.host} ", "198.51.100.7"]),
        username=st.sampled_from([None, SERVER.username, "tenant"]),
        number=st.sampled_from([None, 7, 8]),
        port=st.sampled_from([None, SERVER.port, 2022]),
        base_path=st.sampled_from([None, "elsewhere"]),
        timezone=st.sampled_from([None, "Europe/Berlin"]),
        legacy=st.sampled_from([None, False, True]),
        credentials=st.sampled_from([None, TYPED]),
    ),
    steps=st.sampled_from([GOOD, BAD]),
)
def test_stored_secret_goes_to_the_pinned_key_alone_for_any_edit(
    edit: ServerEdit, steps: tuple[CheckStep, ...]
) -> None:
    """For any edit the stored login is sent only to its own account under its pin; each try is audited."""

    async def run() -> None:
        setup = ChangeSetup()
        setup.host.steps = steps
        with suppress(InvalidInputError):
            await setup.build().edit(GUILD, "Mirny", edit, actor_id=ADMIN)
        own = (SERVER.host, SERVER.port, SERVER.username, SERVER.host_key)
        assert all(typed == TYPED or tuple(place) == own for *place, typed in setup.host.tried)
        tested = [action for _, action, detail in setup.audit.lines if action == "server edit"]
        assert len(tested) >= len(setup.host.tried)
        stored = setup.store.servers[SCOPE]
        if stored.secret == SERVER.secret:
            assert (stored.host, stored.port, stored.username, stored.host_key) == own
        assert TYPED.password is not None
        assert TYPED.password not in repr(setup.audit.lines)

    asyncio.run(run())


async def test_edit_does_not_make_two_servers_one(setup: ChangeSetup, service: ServerChangeService) -> None:
    """With another address or folder, the edit finds the neighbour's logs and is refused."""
    neighbour = replace(NEIGHBOUR, host_key=OLD_KEY.text, log_folder="/kamensk/deathlogs")
    setup.store.servers[NEIGHBOUR.scope] = neighbour
    setup.host.logs, setup.host.key = FoundLogs("/kamensk/deathlogs"), OLD_KEY.text
    for edit in (
        ServerEdit(number=8),
        ServerEdit(base_path="kamensk"),
        ServerEdit(host="198.51.100.7", credentials=TYPED),
    ):
        with pytest.raises(InvalidInputError, match="“Kamensk” already uses these logs"):
            await service.edit(GUILD, "Mirny", edit, actor_id=ADMIN)
        assert setup.audit.lines[-1][2].endswith("; not changed")
    assert setup.store.servers == {SCOPE: SERVER, NEIGHBOUR.scope: neighbour}
    assert (setup.host.let_gone, setup.loops.notes) == (["renter"] * 3, [])


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (ServerEdit(host="198.51.100.7"), "host: 127.0.0.1 → 198.51.100.7"),
        (ServerEdit(port=2022), "port: 22 → 2022"),
        (ServerEdit(username="tenant"), "user name: renter → tenant"),
    ],
)
async def test_another_account_needs_its_secret_and_a_try_of_it_is_audited(
    setup: ChangeSetup, service: ServerChangeService, edit: ServerEdit, told: str
) -> None:
    """The stored password is never sent to another machine; a try with a typed one is audited."""
    with pytest.raises(InvalidInputError, match="fill in the form"):
        await service.edit(GUILD, "Mirny", edit, actor_id=ADMIN)
    assert (setup.host.tried, setup.audit.lines) == ([], [])
    setup.host.steps = BAD
    await service.edit(GUILD, "Mirny", replace(edit, credentials=TYPED), actor_id=ADMIN)
    pinned = "" if edit.username else ", host key: old one → new one"
    changes = f"{told}, login: old password or key → new password or key{pinned}"
    assert setup.audit.lines == [(ADMIN, "server edit", f"Mirny: {changes}; not changed, “Login” failed")]


@pytest.mark.parametrize(
    "edit",
    [
        ServerEdit(host="198.51.100.7", credentials=TYPED),
        ServerEdit(port=2022, credentials=TYPED),
    ],
)
async def test_another_machine_is_pinned_anew(
    setup: ChangeSetup, service: ServerChangeService, edit: ServerEdit
) -> None:
    """The key of the old host does not count for a new one; the new key is pinned."""
    edited = await service.edit(GUILD, "Mirny", edit, actor_id=ADMIN)
    assert [server.host_key for server in setup.host.checked] == [None]
    assert setup.store.servers[SCOPE].host_key == NEW_KEY.text
    assert edited.changes[-1] == FieldChange("host_key")


async def test_mistakes_are_refused_before_the_host_is_asked(
    setup: ChangeSetup, service: ServerChangeService
) -> None:
    """A name belongs to one server, and each mistake is named."""
    mistakes = {
        ServerEdit(name="KAMENSK"): "Choose another name",
        ServerEdit(name="  "): "1 to 50 characters",
        ServerEdit(host="ftp://x", credentials=TYPED): "is a name or an address",
        ServerEdit(username="a\u202eb", credentials=TYPED): "invisible characters",
        ServerEdit(timezone="localtime"): "the clock of my own machine",
        ServerEdit(username=" ", base_path=" "): "That changes nothing",
        ServerEdit(timezone="Mars/Base"): "isn't a time zone",
        ServerEdit(): "That changes nothing",
        ServerEdit(name="Mirny", port=22): "That changes nothing",
    }
    for edit, sentence in mistakes.items():
        with pytest.raises(InvalidInputError, match=sentence):
            await service.edit(GUILD, "Mirny", edit, actor_id=ADMIN)
    assert (setup.host.checked, setup.loops.notes, setup.audit.lines) == ([], [], [])
    own = await service.edit(GUILD, "Mirny", ServerEdit(name="MIRNY"), actor_id=ADMIN)
    assert own.server.name == "MIRNY"


async def test_edit_is_stored_as_it_is_meant(setup: ChangeSetup, service: ServerChangeService) -> None:
    """Port, user and folder come from the address unless an option has them; the zone gets its full name."""
    edit = ServerEdit(
        host="sftp://tenant@[2001:db8::7]:2022/x_7",
        username=" renter ",
        timezone="new york",
        credentials=TYPED,
    )
    edited = await service.edit(GUILD, "Mirny", edit, actor_id=ADMIN)
    assert [tuple(map(str, describe_change(change))) for change in edited.changes] == [
        ("host", "127.0.0.1", "2001:db8::7"),
        ("port", "22", "2022"),
        ("log folder", "none", "/x_7"),
        ("time zone", "UTC", "America/New_York"),
        ("login", "old password or key", "new password or key"),
        ("host key", "old one", "new one"),
    ]
    assert setup.store.servers[SCOPE].username == "renter"


async def test_what_others_write_meanwhile_stays(setup: ChangeSetup) -> None:
    """A pause, a channel or an import that comes during the test is kept."""

    class SlowHost(FakeHost):
        """Takes time."""

        async def check(
            self, server: GameServer, *, guild_limit: int, credentials: Credentials | None = None
        ) -> WayCheck:
            """Let other writes happen first."""
            setup.store.servers[SCOPE] = replace(SERVER, is_paused=True, generation=3)
            return await super().check(server, guild_limit=guild_limit, credentials=credentials)

    setup.host = SlowHost()
    edit = ServerEdit(number=8)
    await setup.build().edit(GUILD, "Mirny", edit, actor_id=ADMIN)
    assert setup.store.servers[SCOPE] == replace(SERVER, number=8, is_paused=True, generation=3)


async def test_server_that_was_removed_meanwhile_is_not_changed(setup: ChangeSetup) -> None:
    """An edit does not restore the server."""

    class VanishingHost(FakeHost):
        """Removes the server during the test."""

        async def check(
            self, server: GameServer, *, guild_limit: int, credentials: Credentials | None = None
        ) -> WayCheck:
            """Remove the server."""
            del setup.store.servers[SCOPE]
            return await super().check(server, guild_limit=guild_limit, credentials=credentials)

    setup.host = VanishingHost()
    with pytest.raises(NotFoundError, match="Another admin removed it"):
        await setup.build().edit(
            GUILD, "Mirny", ServerEdit(username="tenant", credentials=TYPED), actor_id=ADMIN
        )
    assert SCOPE not in setup.store.servers
    assert setup.host.let_gone == ["tenant"]


async def test_two_edits_to_one_name_leave_it_to_the_first(
    setup: ChangeSetup, service: ServerChangeService
) -> None:
    """The edits run one after the other."""
    outcomes = await asyncio.gather(
        service.edit(GUILD, "Mirny", ServerEdit(name="Polar"), actor_id=ADMIN),
        service.edit(GUILD, "Kamensk", ServerEdit(name="polar"), actor_id=ADMIN),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [EditedServer, InvalidInputError]
    assert [server.name for server in setup.store.servers.values()] == ["Polar", "Kamensk"]


async def test_kinds_of_death_are_switched_one_by_one(
    setup: ChangeSetup, service: ServerChangeService
) -> None:
    """The other kinds stay, and the audit has old and new; an equal value changes nothing."""
    off = await service.set_announced(GUILD, "Mirny", DeathKind.FALL, is_announced=False, actor_id=ADMIN)
    assert off.silenced == {DeathKind.FALL}
    for _ in range(2):
        on = await service.set_announced(GUILD, "Mirny", DeathKind.FALL, is_announced=True, actor_id=ADMIN)
    assert on.silenced == setup.store.servers[SCOPE].silenced == frozenset()
    assert [detail for _, _, detail in setup.audit.lines] == [
        "Mirny, falls: on → off",
        "Mirny, falls: off → on",
    ]
    streaks = await service.set_announced(
        GUILD, "Mirny", HighlightKind.STREAK, is_announced=False, actor_id=ADMIN
    )
    assert HighlightKind.STREAK not in streaks.posted_deaths.highlights
    assert setup.audit.lines[-1][2] == "Mirny, streaks: on → off"
    assert setup.loops.notes == [("refresh", SCOPE)] * 4


async def test_server_is_looked_at_again_when_a_change_of_it_failed(
    setup: ChangeSetup, service: ServerChangeService
) -> None:
    """The answer was lost, and it may have happened."""
    server, keys = await service.read_host_keys(GUILD, "Mirny")
    setup.store.broken = {"set_silenced", "set_host_key"}
    with pytest.raises(StorageUnavailableError):
        await service.set_announced(GUILD, "Mirny", DeathKind.FALL, is_announced=False, actor_id=ADMIN)
    with pytest.raises(StorageUnavailableError):
        await service.accept_host_key(server, keys, actor_id=ADMIN)
    assert setup.loops.notes == [("refresh", SCOPE)] * 2


async def test_history_is_imported_again_from_the_start(
    setup: ChangeSetup, service: ServerChangeService
) -> None:
    """The job is stored, and the loop runs it at once."""
    setup.access.logs.append(FILE, render(build_row("A", "B")))
    await service.import_again(GUILD, "Mirny", channel_id=ChannelId(5), message_id=6, actor_id=ADMIN)
    job = setup.ingestion.data.job
    assert job is not None
    assert (job.generation, job.channel_id, job.message_id, list(job.ends)) == (0, 5, 6, [FILE])
    assert setup.loops.notes == [("restart", SCOPE)]
    assert setup.audit.lines == [(ADMIN, "server import", "Mirny")]


async def test_history_is_not_imported_twice_at_once(
    setup: ChangeSetup, service: ServerChangeService
) -> None:
    """The second admin learns that the history is already importing."""
    both = [
        service.import_again(GUILD, "Mirny", channel_id=None, message_id=None, actor_id=ADMIN)
        for _ in range(2)
    ]
    outcomes = await asyncio.gather(*both, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [GameServer, InvalidInputError]
    with pytest.raises(InvalidInputError, match="already importing"):
        await service.verify_import(GUILD, "Mirny")
    assert len(setup.audit.lines) == 1


async def test_paused_server_is_not_imported(setup: ChangeSetup, service: ServerChangeService) -> None:
    """A paused server is not read at all."""
    setup.store.servers[SCOPE] = replace(SERVER, is_paused=True)
    with pytest.raises(LimitReachedError, match="/premium status"):
        await service.verify_import(GUILD, "Mirny")


async def test_import_does_not_begin_when_the_host_fails(
    setup: ChangeSetup, service: ServerChangeService
) -> None:
    """The figures stay, and no audit entry is written."""
    setup.access.failures.append(ConnectionLostError(text("gone")))
    with pytest.raises(ConnectionLostError):
        await service.import_again(GUILD, "Mirny", channel_id=None, message_id=None, actor_id=ADMIN)
    assert (setup.ingestion.data.job, setup.loops.notes, setup.audit.lines) == (None, [], [])


async def test_changed_key_is_accepted_and_reading_goes_on(
    setup: ChangeSetup, service: ServerChangeService
) -> None:
    """Exactly the shown key is pinned; the audit has both fingerprints."""
    server, keys = await service.read_host_keys(GUILD, "Mirny")
    assert (server, keys.is_changed) == (SERVER, True)
    await service.accept_host_key(server, keys, actor_id=ADMIN)
    assert setup.store.servers[SCOPE].host_key == NEW_KEY.text
    assert setup.loops.notes == [("restart", SCOPE)]
    assert setup.audit.lines == [(ADMIN, "server hostkey", "Mirny: SHA256:old → SHA256:new")]


@pytest.mark.parametrize("change", [{"host": "198.51.100.7"}, {"host_key": "ssh-ed25519 THIRD"}])
async def test_key_is_not_accepted_for_what_was_changed_meanwhile(
    setup: ChangeSetup, service: ServerChangeService, change: dict[str, str]
) -> None:
    """Another admin may have changed the server between the question and the answer."""
    server, keys = await service.read_host_keys(GUILD, "Mirny")
    setup.store.servers[SCOPE] = replace(SERVER, **change)  # type: ignore[arg-type] # two texts
    with pytest.raises(InvalidInputError, match="in the meantime"):
        await service.accept_host_key(server, keys, actor_id=ADMIN)
    with pytest.raises(InvalidInputError, match="shows no key"):
        await service.accept_host_key(server, HostKeys(OLD_KEY, None, text("away")), actor_id=ADMIN)
    assert setup.audit.lines == []


def test_key_is_changed_only_when_another_is_shown() -> None:
    """The pinned key changes nothing, and neither does a missing one."""
    assert [
        keys.is_changed for keys in (HostKeys(OLD_KEY, OLD_KEY), HostKeys(OLD_KEY, None, text("away")))
    ] == [
        False,
        False,
    ]
