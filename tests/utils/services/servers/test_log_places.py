"""Log places: a game server that is added twice is noticed, and two servers are never taken for one."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.deaths import SCOPE
from tests.fakes.storage import FakeServerStore, build_server
from utils.errors import InvalidInputError, SameLogsError
from utils.models.deaths import LogFile
from utils.models.reading import Cursor, FoundLogs, digest_head
from utils.models.scope import GuildId, ServerScope
from utils.models.servers import GameServer
from utils.services.servers.log_places import LogPlaces

KEY, OTHER_KEY = "ssh-ed25519 AAAA", "ssh-ed25519 BBBB"
FOLDER = "/203.0.113.9_7000/actual1/deathlogs"
OLD, NEW = LogFile("world_0", "2025.05.01-08.00.00.csv"), LogFile("world_0", "2025.05.02-08.00.00.csv")
ROWS = b"2025.05.02-08.01.00;Alice;0002a;Bob;0002b;AKM;12;PC;PC;\n" * 6
OTHER_ROWS = ROWS.replace(b"Alice", b"Carol")
FIRST = replace(build_server("Main"), host="203.0.113.9", port=22, host_key=KEY, log_folder=FOLDER)
SECOND = replace(build_server("Twin", "twin"), host="203.0.113.9", port=22, host_key=KEY, log_folder=FOLDER)


def read(*files: LogFile, rows: bytes = ROWS) -> dict[LogFile, Cursor]:
    """Return the cursors of files that were read."""
    return {file: Cursor(file, len(rows), digest_head(rows[:256])) for file in files}


def find(*files: LogFile, rows: bytes = ROWS, folder: str = FOLDER) -> FoundLogs:
    """Return the result of a server's test."""
    return FoundLogs(folder, frozenset(files), files[-1] if files else None, rows[:256] if files else b"")


@dataclass
class FakeCursors:
    """The cursors of each server."""

    cursors: dict[ServerScope, dict[LogFile, Cursor]] = field(default_factory=dict)

    async def list_cursors(self, scope: ServerScope) -> Mapping[LogFile, Cursor]:
        """Return the cursors."""
        return self.cursors.get(scope, {})


async def is_refused(
    server: GameServer,
    logs: FoundLogs,
    *others: GameServer,
    known: Mapping[LogFile, Cursor] | None = None,
) -> bool:
    """Tell whether a new server is refused because of others, of which the first has these cursors."""
    cursors = FakeCursors({others[0].scope: dict(known or {})} if others else {})
    try:
        await LogPlaces(FakeServerStore(*others), cursors).verify_free(server, logs)
    except InvalidInputError as error:
        return "“Main” already uses these logs: same host key" in str(error)
    return False


async def note_folder(server: GameServer, store: FakeServerStore, cursors: FakeCursors | None = None) -> None:
    """Begin to read a server."""
    await LogPlaces(store, cursors or FakeCursors()).note_folder(server, FOLDER)


@pytest.mark.parametrize("logs", [find(), find(OLD, NEW)])
@pytest.mark.parametrize("known", [{}, read(OLD, NEW)])
@pytest.mark.parametrize("host", ["203.0.113.9", "main.example", "MAIN.example", "2001:db8::9"])
async def test_same_server_is_refused_however_its_address_is_written(
    host: str, known: Mapping[LogFile, Cursor], logs: FoundLogs
) -> None:
    """With another name, address or port the key, the user and the folder are still the same."""
    for port, folder in product((22, 2022), (FOLDER, f"{FOLDER}/world_0")):
        found = replace(logs, folder=folder)
        assert await is_refused(replace(SECOND, host=host, port=port), found, FIRST, known=known)


@pytest.mark.parametrize(
    ("second", "logs", "known"),
    [
        pytest.param(
            replace(SECOND, username="neighbour"), find(NEW), read(NEW), id="another customer's login"
        ),
        pytest.param(SECOND, find(NEW, folder="/x_7001/actual1/deathlogs"), read(NEW), id="another folder"),
        pytest.param(SECOND, find(NEW, folder=f"{FOLDER}2"), read(NEW), id="a folder that begins alike"),
        pytest.param(
            replace(SECOND, host="198.51.100.7", host_key=OTHER_KEY),
            find(NEW),
            read(NEW),
            id="another machine",
        ),
        pytest.param(
            replace(SECOND, port=2022), find(NEW, rows=OTHER_ROWS), read(NEW), id="a copied host key"
        ),
        pytest.param(replace(SECOND, port=2022), find(NEW), read(OLD), id="a copied host key, other files"),
        pytest.param(
            replace(SECOND, host_key=OTHER_KEY),
            find(NEW, rows=OTHER_ROWS),
            read(NEW),
            id="an address given on",
        ),
        pytest.param(
            replace(SECOND, scope=ServerScope(GuildId(9), SCOPE.server_id)),
            find(NEW),
            read(NEW),
            id="another guild",
        ),
    ],
)
async def test_two_servers_are_never_taken_for_one(
    second: GameServer, logs: FoundLogs, known: Mapping[LogFile, Cursor]
) -> None:
    """Login, folder or logs differ."""
    assert not await is_refused(second, logs, FIRST, known=known)


async def test_server_is_not_its_own_twin_and_nothing_is_known_of_one_never_found() -> None:
    """An edit finds the server's own logs; a server that was stored before may have no folder yet."""
    assert not await is_refused(FIRST, find(NEW), FIRST, known=read(NEW))
    assert not await is_refused(SECOND, find(NEW), replace(FIRST, log_folder=None), known=read(NEW))


_PLACES = st.builds(
    replace,
    st.just(FIRST),
    host=st.sampled_from(["203.0.113.9", "main.example"]),
    port=st.sampled_from([22, 2022]),
    username=st.sampled_from(["renter", "neighbour"]),
    host_key=st.sampled_from([KEY, OTHER_KEY]),
    log_folder=st.sampled_from([FOLDER, "/x_7001/actual1/deathlogs"]),
)


@given(one=_PLACES, two=_PLACES, rows=st.sampled_from([ROWS, OTHER_ROWS]))
def test_both_orders_decide_alike(one: GameServer, two: GameServer, rows: bytes) -> None:
    """The order of the two does not matter; different logs at another address are never refused."""

    async def run() -> None:
        second = replace(two, scope=SECOND.scope)
        first_way = await is_refused(
            second, find(NEW, rows=rows, folder=two.log_folder or ""), one, known=read(NEW)
        )
        back = replace(one, scope=SECOND.scope)
        second_way = await is_refused(
            back,
            find(NEW, folder=one.log_folder or ""),
            replace(two, name="Main"),
            known=read(NEW, rows=rows),
        )
        assert first_way == second_way
        same_login = (one.username, one.log_folder) == (two.username, two.log_folder)
        same_key, same_address = one.host_key == two.host_key, (one.host, one.port) == (two.host, two.port)
        is_same = same_login and (
            (same_key and same_address) or (rows == ROWS and (same_key or same_address))
        )
        assert first_way == is_same

    asyncio.run(run())


async def test_folder_is_noted_when_it_is_found_and_written_once() -> None:
    """A server that was stored before gets its folder at the next reading."""
    store = FakeServerStore(replace(FIRST, log_folder=None))
    await note_folder(store.servers[SCOPE], store)
    await note_folder(store.servers[SCOPE], store)
    assert (store.servers[SCOPE], store.calls.count("set_log_folder")) == (FIRST, 1)


async def test_younger_of_two_that_read_one_folder_is_not_read() -> None:
    """The older server goes on; the younger one says whose logs they are."""
    store = FakeServerStore(FIRST, replace(SECOND, log_folder=None))
    await note_folder(FIRST, store)
    with pytest.raises(SameLogsError, match=r"“Main” already uses these logs, so I don't read “Twin”"):
        await note_folder(store.servers[SECOND.scope], store)
    await note_folder(FIRST, store)
    del store.servers[SCOPE]
    await note_folder(SECOND, store)


async def test_reading_is_ended_by_certainty_alone() -> None:
    """At another address an equal key is not enough to stop a server; a file must be the same."""
    store = FakeServerStore(FIRST, second := replace(SECOND, port=2022))
    await note_folder(second, store)
    cursors = FakeCursors({FIRST.scope: read(OLD, NEW), second.scope: read(NEW, rows=OTHER_ROWS)})
    await note_folder(second, store, cursors)
    cursors.cursors[second.scope] = read(NEW)
    with pytest.raises(SameLogsError):
        await note_folder(second, store, cursors)
