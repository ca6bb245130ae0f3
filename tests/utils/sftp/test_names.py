"""Name look-ups: few at once for each guild, shared, and a silent name server delays only its guild."""

import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from utils.models.scope import GuildId
from utils.sftp.names import LOOKUPS_AT_ONCE, LOOKUPS_OF_A_GUILD, Addresses, NameResolver, look_up

GUILD, OTHER_GUILD = GuildId(42), GuildId(43)
ROOT = Path(__file__).resolve().parents[3]

STOP_BESIDE_A_LOOKUP = """
import asyncio, threading
from utils.models.scope import GuildId
from utils.sftp.names import NameResolver

begun = threading.Event()
def stay_silent(host):
    begun.set()
    threading.Event().wait()

async def main():
    asking = asyncio.create_task(NameResolver(stay_silent).resolve(GuildId(1), "silent.example"))
    await asyncio.to_thread(begun.wait)
    asking.cancel()

asyncio.run(main())
print("stopped")
"""


class NameServer:
    """Answers names at once, except ``silent…`` names, which wait for the test."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.speaks = threading.Event()

    def look_up(self, host: str) -> Addresses:
        """Answer in the calling thread."""
        self.asked.append(host)
        if host.startswith("silent"):
            self.speaks.wait()
        if host.startswith("no"):
            raise socket.gaierror(-2, "Name or service not known")
        return ("192.0.2.1",)


@pytest.fixture(name="server")
async def _server() -> AsyncIterator[NameServer]:
    server = NameServer()
    yield server
    server.speaks.set()


@pytest.mark.parametrize("address", ["127.0.0.1", "2001:db8::1", "fe80::1%lo"])
async def test_address_is_asked_of_nobody(server: NameServer, address: str) -> None:
    """An address needs no look-up."""
    assert await NameResolver(server.look_up).resolve(GUILD, address) == (address,)
    assert server.asked == []


async def test_silent_name_server_costs_its_guild_alone(server: NameServer) -> None:
    """A guild with hanging names waits for them; names of others are resolved meanwhile."""
    names = NameResolver(server.look_up)
    many = [f"silent{number}.example" for number in range(20)]
    hanging = [asyncio.create_task(names.resolve(GUILD, name)) for name in many]
    await asyncio.sleep(0)
    assert await names.resolve(OTHER_GUILD, "game.example") == ("192.0.2.1",)
    while len(server.asked) < LOOKUPS_OF_A_GUILD + 1:  # noqa: ASYNC110 - a thread begins when it can
        await asyncio.sleep(0.001)
    assert sorted(server.asked) == ["game.example", *many[:LOOKUPS_OF_A_GUILD]]
    server.speaks.set()
    assert await asyncio.gather(*hanging) == [("192.0.2.1",)] * 20


async def test_free_place_goes_to_the_guild_that_holds_the_fewest() -> None:
    """This holds for any number of guilds with hanging names, however long these have waited."""
    answers, asked = threading.Semaphore(0), []

    def look_up(host: str) -> Addresses:
        asked.append(host)
        if host.startswith("silent"):
            answers.acquire()
        return ("192.0.2.1",)

    names = NameResolver(look_up)
    hanging = [
        asyncio.create_task(names.resolve(GuildId(guild), f"silent{guild}-{number}.example"))
        for guild in range(100, 100 + LOOKUPS_AT_ONCE // LOOKUPS_OF_A_GUILD)
        for number in range(LOOKUPS_OF_A_GUILD * 2)
    ]
    await asyncio.sleep(0)
    asking = asyncio.create_task(names.resolve(GUILD, "game.example"))
    await asyncio.sleep(0)
    answers.release()
    assert await asking == ("192.0.2.1",)
    assert asked.index("game.example") == LOOKUPS_AT_ONCE
    answers.release(len(hanging))
    await asyncio.gather(*hanging)


async def test_logins_of_one_name_share_a_look_up(server: NameServer) -> None:
    """The look-up goes on if the first caller gave up; later it is repeated, because addresses change."""
    names = NameResolver(server.look_up)
    first, *others = [asyncio.create_task(names.resolve(GUILD, "silent.example")) for _ in range(8)]
    await asyncio.sleep(0)
    first.cancel()
    server.speaks.set()
    assert await asyncio.gather(*others) == [("192.0.2.1",)] * 7
    assert await names.resolve(GUILD, "silent.example") == ("192.0.2.1",)
    assert server.asked == ["silent.example"] * 2


@pytest.mark.fault
async def test_name_that_does_not_exist_is_said_to_everybody_who_asked(server: NameServer) -> None:
    """The failed look-up frees its slot."""
    names = NameResolver(server.look_up)
    for _ in range(2):
        asked = [names.resolve(GUILD, f"no{number % 8}.example") for number in range(16)]
        results = await asyncio.gather(*asked, return_exceptions=True)
        assert {type(result) for result in results} == {socket.gaierror}


@pytest.mark.parametrize("name", ["a\0b", "x" * 64 + ".example", ".."])
async def test_what_cannot_be_a_name_is_refused_as_one(name: str) -> None:
    """The system raises several errors; all mean that there is no such host."""
    with pytest.raises((UnicodeError, socket.gaierror)):
        await NameResolver().resolve(GUILD, name)


@pytest.mark.parametrize("spelling", ["127.1", "0x7f000001", "0177.0.0.1", "2130706433", "localhost"])
def test_spelling_of_an_address_is_looked_up_like_a_name(spelling: str) -> None:
    """The address that the system makes of it is checked."""
    assert "127.0.0.1" in look_up(spelling)


@pytest.mark.fault
def test_process_ends_beside_a_look_up_that_never_does() -> None:
    """A stop does not wait for a name server."""
    ended = subprocess.run(  # noqa: S603 - this test's own text
        [sys.executable, "-c", STOP_BESIDE_A_LOOKUP], cwd=ROOT, timeout=60, capture_output=True, check=True
    )
    assert ended.stdout == b"stopped\n"
