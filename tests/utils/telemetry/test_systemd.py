"""Word to systemd: readiness, states, and signs of life that come from the event loop alone."""

import asyncio
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.fakes.clock import FakeClock
from tests.fakes.systemd import FakeSystemd
from utils.clock import SystemClock
from utils.tasks import beside
from utils.telemetry.systemd import ServiceManager


@pytest.fixture(name="systemd")
def _systemd(tmp_path: Path) -> Iterator[FakeSystemd]:
    systemd = FakeSystemd(tmp_path / "notify")
    yield systemd
    systemd.close()


def build(systemd: FakeSystemd, clock: FakeClock, **environ: str) -> ServiceManager:
    """Return a manager that knows the socket."""
    return ServiceManager({"NOTIFY_SOCKET": str(systemd.path), **environ}, clock=clock)


async def test_life_of_a_service_is_told_to_systemd(systemd: FakeSystemd) -> None:
    """The limit of the start is extended until the bot is ready; then come signs of life and states."""
    clock = FakeClock()
    manager = build(systemd, clock, WATCHDOG_USEC="60000000")
    async with beside(manager.keep_alive):
        await clock.advance(0)
        assert systemd.read() == ["WATCHDOG=1\nEXTEND_TIMEOUT_USEC=60000000"]
        await clock.advance(15)
        assert systemd.read() == ["WATCHDOG=1\nEXTEND_TIMEOUT_USEC=60000000"]
        manager.note_standby()
        manager.note_connected()
        manager.note_lost()
        assert systemd.read() == [
            "READY=1\nSTATUS=waiting as a standby for another process",
            "STATUS=connected to Discord",
            "STATUS=connection to Discord lost; reading and storing go on",
        ]
        await clock.advance(14)
        assert systemd.read() == []
        await clock.advance(1)
        assert systemd.read() == ["WATCHDOG=1"]
        manager.note_stopping()
        manager.note_stopping()
        assert systemd.read() == ["STOPPING=1\nSTATUS=stopping"]


@pytest.mark.parametrize(
    "environ",
    [{}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "x"}, {"WATCHDOG_USEC": "9000000", "WATCHDOG_PID": "1"}],
)
async def test_without_a_watchdog_there_are_no_signs_of_life(
    systemd: FakeSystemd, environ: dict[str, str]
) -> None:
    """Without a watchdog for this process the start alone is extended."""
    clock = FakeClock()
    manager = build(systemd, clock, **environ)
    async with beside(manager.keep_alive):
        await clock.advance(10)
        manager.note_connected()
        await clock.advance(60)
    assert systemd.read() == ["EXTEND_TIMEOUT_USEC=60000000"] * 2 + ["READY=1\nSTATUS=connected to Discord"]


async def test_blocked_event_loop_gives_no_sign_of_life(systemd: FakeSystemd) -> None:
    """Signs of life come from the event loop, so they end while a callback blocks it, and come back after."""
    environ = {"NOTIFY_SOCKET": str(systemd.path), "WATCHDOG_USEC": "4000", "WATCHDOG_PID": str(os.getpid())}
    manager = ServiceManager(environ, clock=SystemClock())
    manager.note_connected()
    assert systemd.read() == ["READY=1\nSTATUS=connected to Discord"]

    async def wait_for_sign() -> None:
        async with asyncio.timeout(60):
            while not systemd.read():  # noqa: ASYNC110 - datagrams announce no change
                await asyncio.sleep(0.001)

    async with beside(manager.keep_alive):
        await wait_for_sign()
        threading.Event().wait(0.05)  # many times the pause between two signs
        assert systemd.read() == []
        await wait_for_sign()


def test_word_to_the_abstract_namespace_arrives() -> None:
    """An address that begins with @ names a socket without a file."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(f"\0killfeed-{os.getpid()}")
    with listener:
        ServiceManager({"NOTIFY_SOCKET": f"@killfeed-{os.getpid()}"}, clock=FakeClock()).note_connected()
        assert listener.recv(4096) == b"READY=1\nSTATUS=connected to Discord"


async def test_bot_without_systemd_sends_nothing_and_goes_on(systemd: FakeSystemd) -> None:
    """Without a socket nothing is sent; one that is gone is reported once."""
    silent = ServiceManager({}, clock=FakeClock())
    await silent.keep_alive()
    silent.note_connected()
    gone = build(systemd, FakeClock())
    systemd.path.unlink()
    with capture_logs() as logs:
        gone.note_connected()
        gone.note_stopping()
    assert [line["event"] for line in logs] == ["systemd does not take notifications"]
