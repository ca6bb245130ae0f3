"""The end of a process: a second signal, a stop that takes too long, an interpreter that is stuck."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from simulation.starts import PROJECT
from tests.fakes.systemd import FakeSystemd
from utils.telemetry.last_words import FAULTS_NAME, read_fault
from utils.telemetry.process_end import FORCED

pytestmark = pytest.mark.fault

BEGINNING = """
import re, sys, threading, time
from pathlib import Path
from utils.telemetry.process_end import ProcessEnd
end = ProcessEnd(Path(sys.argv[1]), stop_seconds={stop_seconds}, dump_seconds={dump_seconds})
end.begin()
"""
IGNORED = """
end.listen(lambda: print("stopping", flush=True))
print("ready", flush=True)
def live():  # like the bot's other threads: a busy main thread learns of a signal when another one runs
    while True:
        time.sleep(0.01)
threading.Thread(target=live, daemon=True).start()
while True:  # like a callback that never returns
    pass
"""
STUCK = """
def hold_the_interpreter():
    re.match("(a+)+$", "a" * 60 + "b")  # for years, and no other thread runs in the meantime
end.limit_stop()
hold_the_interpreter()
"""
HUNG = """
import asyncio, os
from utils.clock import SystemClock
from utils.tasks import beside
from utils.telemetry.last_words import keep_faults
from utils.telemetry.systemd import ServiceManager
def hang():
    while True:
        time.sleep(60)
async def main():
    service = ServiceManager(os.environ, clock=SystemClock())
    async with beside(service.keep_alive):
        service.note_connected()
        await asyncio.sleep(0.05)
        print("hanging", flush=True)
        hang()
with keep_faults(Path(sys.argv[1])):
    asyncio.run(main())
"""
SLOW = """
end.limit_stop()
while True:
    time.sleep(1)
"""


@contextmanager
def running(
    folder: Path, text: str, *, stop_seconds: float, dump_seconds: float, **environ: str
) -> Iterator["subprocess.Popen[str]"]:
    """Run a process with these limits of its stop until the end of the block."""
    beginning = BEGINNING.format(stop_seconds=stop_seconds, dump_seconds=dump_seconds)
    with subprocess.Popen(  # noqa: S603 - our own interpreter and text
        [sys.executable, "-c", beginning + text, str(folder)],
        cwd=PROJECT,
        env=os.environ | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_second_signal_ends_a_process_whose_loop_is_blocked(tmp_path: Path) -> None:
    """The first signal asks the process to stop, the second one ends it at once."""
    with running(tmp_path, IGNORED, stop_seconds=600, dump_seconds=600) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "stopping\n"
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
        assert (process.returncode, said) == (FORCED, "A second signal ends the bot at once.\n")
    assert (tmp_path / FAULTS_NAME).read_bytes() == b""


@pytest.mark.parametrize(
    ("text", "stop_seconds", "dump_seconds", "shown"),
    [(STUCK, 0.1, 0.5, "hold_the_interpreter"), (SLOW, 0.1, 600, "<string>")],
    ids=["stuck", "slow"],
)
def test_stop_that_takes_too_long_leaves_all_stacks(
    tmp_path: Path, text: str, stop_seconds: float, dump_seconds: float, shown: str
) -> None:
    """The process ends with 1, even if no code of Python can run, and the next start reads what it did."""
    with running(tmp_path, text, stop_seconds=stop_seconds, dump_seconds=dump_seconds) as process:
        process.communicate(timeout=60)
        assert process.returncode == FORCED
    stacks = (tmp_path / FAULTS_NAME).read_text("utf-8")
    assert shown in stacks
    fault = read_fault(stacks)
    assert fault is not None
    assert fault.error_type == "fatal.Timeout"
    assert (tmp_path / FAULTS_NAME).stat().st_mode & 0o777 == 0o600


def test_process_that_hangs_is_noticed_by_its_watchdog_and_leaves_its_stack(tmp_path: Path) -> None:
    """A hanging process gives no sign of life; the signal of systemd's watchdog shows where it hangs."""
    systemd = FakeSystemd(tmp_path / "notify.sock")
    environ = {"NOTIFY_SOCKET": str(systemd.path), "WATCHDOG_USEC": "40000"}
    with running(tmp_path, HUNG, stop_seconds=600, dump_seconds=600, **environ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "hanging\n"
        assert {"READY=1\nSTATUS=connected to Discord", "WATCHDOG=1"} <= set(systemd.read())
        threading.Event().wait(0.1)  # many times the pause between two signs
        assert systemd.read() == []
        process.send_signal(signal.SIGABRT)
        process.communicate(timeout=60)
    systemd.close()
    assert process.returncode == -signal.SIGABRT
    stacks = (tmp_path / FAULTS_NAME).read_text("utf-8")
    fault = read_fault(stacks)
    assert fault is not None
    assert (fault.error_type, "in hang" in stacks) == ("fatal.Aborted", True)
