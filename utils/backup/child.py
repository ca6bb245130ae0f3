"""The child process: heavy work beside the bot, with low priority; it dies with the process that began it.

``python bot.py child`` gets one job as a line of JSON on its standard input, which stays open as long as its
parent lives. It answers with lines of JSON: its progress, and at the end its result or why it was refused. At
the end of its input, and at SIGTERM, it clears away what it made and ends.
"""

import asyncio
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any, TextIO

from structlog import get_logger

from utils.backup.steps import Show, Steps
from utils.clock import SystemClock
from utils.errors import ArchiveRefusedError, BackupError, KillfeedError
from utils.models.backups import BackupProgress, BackupStep
from utils.models.texts import text
from utils.waiting import wait_for_first

NICENESS = 10
END_SECONDS = 15.0  # to clear away a scratch database
CUT_OFF = 143  # the exit code of a process that SIGTERM ended
LINE_BYTES = 1024 * 1024

Job = Callable[[Mapping[str, Any]], Steps[Mapping[str, Any]]]
"""Does a job; its facts and its result are JSON."""

_log = get_logger(__name__)


async def work_in_child(
    command: Sequence[str], name: str, facts: Mapping[str, Any], *, show: Show
) -> Mapping[str, Any]:
    """Do a job in a child process and return its result.

    Args:
        command: starts the child, for example ``python bot.py child``.
        name: the name of the job.
        facts: its input, as JSON.
        show: gets each progress.

    Raises:
        ArchiveRefusedError: the job found a backup that is not as it should be.
        BackupError: the job failed for another reason, or the child was killed.
    """
    child = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C goes to the parent alone, which ends the child
        limit=LINE_BYTES,
    )
    try:
        return await _follow(child, {"job": name, **facts}, show)
    finally:
        await _end(child)


async def _follow(
    child: asyncio.subprocess.Process, order: Mapping[str, Any], show: Show
) -> Mapping[str, Any]:
    if child.stdin is None or child.stdout is None:
        raise ValueError("the child has no pipes")
    with suppress(ConnectionError):  # it is gone; what it said says why
        child.stdin.write(json.dumps(order).encode() + b"\n")
        await child.stdin.drain()
    async for line in child.stdout:
        answer = json.loads(line)
        if "progress" in answer:
            fields = answer["progress"]
            show(BackupProgress(**fields | {"step": BackupStep(fields["step"])}))
        elif "refused" in answer:
            raise ArchiveRefusedError(text("The trial found a fault: {why}", why=answer["refused"]))
        elif "failed" in answer:
            raise BackupError(text("The trial can't be made: {why}", why=answer["failed"]))
        else:
            result: Mapping[str, Any] = answer["result"]
            return result
    code = await child.wait()
    raise BackupError(text("The process that makes the trial ended early (code {code}).", code=str(code)))


async def _end(child: asyncio.subprocess.Process) -> None:
    if child.stdin is not None:
        child.stdin.close()
    if child.returncode is None:
        with suppress(ProcessLookupError):
            child.terminate()  # one that has answered ends by itself
        if await wait_for_first(child.wait(), SystemClock().sleep(END_SECONDS)):
            _log.warning("a child process does not end and is killed", pid=child.pid)
            with suppress(ProcessLookupError):
                child.kill()
            await child.wait()


def serve_job(jobs: Mapping[str, Job], source: TextIO, target: TextIO) -> int:
    """Do the one job that the parent sends, in this process, and return the exit code."""
    os.nice(NICENESS)
    order = json.loads(source.readline())
    signal.signal(signal.SIGTERM, _stop)
    threading.Thread(target=_end_with_parent, args=(source,), daemon=True).start()

    def answer(**fields: object) -> None:
        target.write(json.dumps(fields) + "\n")
        target.flush()

    try:
        outcome: dict[str, object] = {"result": _run(jobs[order["job"]](order), answer)}
    except ArchiveRefusedError as error:
        outcome = {"refused": str(error)}
    except (KillfeedError, OSError) as error:
        outcome = {"failed": str(error)}
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # everything is cleared away, and the end comes by itself
    answer(**outcome)
    return 0


def _run(steps: Steps[Mapping[str, Any]], answer: Callable[..., None]) -> Mapping[str, Any]:
    while True:
        try:
            progress = next(steps)
        except StopIteration as end:
            result: Mapping[str, Any] = end.value
            return result
        answer(progress=asdict(progress))


def _stop(number: int, frame: object) -> None:
    """Leave the job, so that everything it opened is closed and cleared away."""
    del number, frame
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(CUT_OFF)


def _end_with_parent(source: TextIO) -> None:
    """Wait for the end of the input, which comes with the end of the parent; then end this process."""
    source.read()
    os.kill(os.getpid(), signal.SIGTERM)
