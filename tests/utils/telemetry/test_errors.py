"""Error telemetry: refusals are none, troubles are counted by hour, everything else has a group."""

import asyncio
import sys
import threading
from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs

from tests.fakes.clock import START, FakeClock
from utils.error_sink import ErrorSource, LoggedErrors, Where
from utils.errors import (
    ConfigurationError,
    InvalidInputError,
    LoginRefusedError,
    StorageConflictError,
    StorageUnavailableError,
)
from utils.models.error_groups import ErrorCategory, GroupDelta, Sample, TroubleCount
from utils.models.incidents import WHOLE_BOT
from utils.models.scope import GuildId, MemberId, ServerId
from utils.models.texts import text
from utils.telemetry.errors import ErrorTelemetry
from utils.telemetry.fingerprints import OVERFLOWN
from utils.telemetry.hooks import report_unhandled
from utils.telemetry.last_words import (
    FAULTS_BEFORE_NAME,
    FAULTS_NAME,
    last_words,
    read_fault,
    take_last_words,
)

GUILD = GuildId(42)
COMMAND = Where(source=ErrorSource.COMMAND, guild_id=GUILD, member_id=MemberId(7), command="stats")
HOUR = START.replace(minute=0)


class BrokenClock(FakeClock):
    """A clock that fails once it is asked for the time of an error."""

    def now(self) -> object:  # type: ignore[override] # it returns nothing
        """Fail."""
        raise OSError("no time")


@pytest.fixture(name="clock")
def _clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(name="errors")
def _errors(clock: FakeClock) -> ErrorTelemetry:
    return ErrorTelemetry(clock)


def take(errors: ErrorTelemetry) -> dict[int, GroupDelta]:
    """Return what was counted, by guild; each has one group."""
    deltas = errors.counts.take(1000)
    assert len({delta.guild_id for delta in deltas}) == len(deltas)
    return {delta.guild_id: delta for delta in deltas}


def test_unexpected_error_counts_for_its_guild_and_for_the_whole_bot(errors: ErrorTelemetry) -> None:
    """Both have one group; the whole bot's knows guilds, and neither servers nor members."""
    with structlog.contextvars.bound_contextvars(id="c-1", server="k3v9x0aa"):
        references = {errors.report(KeyError("Ann"), where=COMMAND) for _ in range(3)}
    found = take(errors)
    [reference] = references
    sample = Sample(at=START, correlation_id="c-1", command="stats", server_id="k3v9x0aa")
    assert found[GUILD] == GroupDelta(
        guild_id=GUILD,
        fingerprint=found[GUILD].fingerprint,
        reference=reference,
        category=ErrorCategory.COMMAND,
        error_type="builtins.KeyError",
        place="nowhere",
        frames=(),
        text="",
        count=3,
        first_seen_at=START,
        last_seen_at=START,
        hours={HOUR: 3},
        commands={"stats": 3},
        tasks={},
        servers={"k3v9x0aa": 3},
        members={7: 3},
        guilds={},
        samples=(sample,) * 3,
    )
    whole = found[WHOLE_BOT]
    assert (whole.count, whole.guilds, whole.servers, whole.members) == (3, {GUILD: 3}, {}, {})
    assert {one.server_id for one in whole.samples} == {None}


def test_refusal_is_no_error(errors: ErrorTelemetry) -> None:
    """An expected refusal is neither counted nor logged."""
    with capture_logs() as logs:
        errors.report(InvalidInputError(text("No.")), where=COMMAND)
    assert (take(errors), logs) == ({}, [])


def test_troubles_are_counted_by_class_host_and_hour(errors: ErrorTelemetry, clock: FakeClock) -> None:
    """A guild sees its own; the whole bot sees all; the next hour begins with none."""
    host = "10.0.0.7:22"
    watch = Where(source=ErrorSource.WATCH, guild_id=GUILD, server_id=ServerId("a"), host=host)
    refused = LoginRefusedError(text("No."))
    with capture_logs() as logs:
        for _ in range(2):
            errors.report(refused, where=watch)
        errors.report(StorageUnavailableError("away"), where=COMMAND)
        errors.report(StorageUnavailableError("away"), where=Where(source=ErrorSource.TASK, task="x"))
    own = (
        TroubleCount("LoginRefusedError", host, 2),
        TroubleCount("StorageUnavailableError", "MongoDB", 1),
    )
    whole = (
        TroubleCount("LoginRefusedError", host, 2),
        TroubleCount("StorageUnavailableError", "MongoDB", 2),
    )
    listed = errors.troubles.list_troubles(GUILD), errors.troubles.list_troubles(WHOLE_BOT)
    assert (take(errors), listed) == ({}, (own, whole))
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [
        ("command failed", "warning"),
        ("background task failed", "warning"),
    ]
    clock.move(3600)
    assert errors.troubles.list_troubles(WHOLE_BOT) == ()
    assert errors.troubles.count_day() == {"LoginRefusedError": 2, "StorageUnavailableError": 2}


def test_five_of_a_group_are_logged_in_full(errors: ErrorTelemetry) -> None:
    """The others are a number in one line."""
    with capture_logs() as logs:
        for _ in range(9):
            errors.report(ValueError("x"), where=COMMAND)
        errors.tell_left_out()
        errors.tell_left_out(is_last=True)
        errors.tell_left_out(is_last=True)
    full, [rest] = logs[:5], logs[5:]
    assert {entry["event"] for entry in full} == {"command failed"}
    assert all(isinstance(entry["exc_info"], ValueError) for entry in full)
    assert (rest["event"], rest["errors"], rest["groups"]) == ("errors not logged in full", 4, 1)
    assert take(errors)[GUILD].count == 9


def test_sources_that_tell_of_known_errors_get_no_second_record(errors: ErrorTelemetry) -> None:
    """A turn that fails with an error of ours has its own record; a bug there lacks its traceback."""
    turn = Where(source=ErrorSource.TURN, guild_id=GUILD, task="storage:prune")
    with capture_logs() as logs:
        errors.report(StorageConflictError("taken"), where=turn)
        errors.report(ValueError(), where=turn)
    assert [entry["problem"] for entry in logs] == ["ValueError: "]


def test_names_of_tasks_lose_their_ids(errors: ErrorTelemetry) -> None:
    """A task's name holds ids of its guild, its server or a member; its kind does not."""
    names = ["read:deaths:42/k3v9x0aa", "deliver:42/99", "storage:prune", "proof:42/7/0002abc/9:PROVEN", "??"]
    for name in names:
        errors.report(ValueError(), where=Where(source=ErrorSource.TASK, task=name))
    assert list(take(errors)[WHOLE_BOT].tasks) == ["read:deaths", "deliver", "storage:prune", "proof", "task"]


def test_report_that_fails_still_returns_a_code() -> None:
    """The person gets a code, even if the error cannot be described."""

    class StrangeError(Exception):
        """Cannot be looked at."""

        @property
        def __cause__(self) -> BaseException:  # type: ignore[override] # Python's own is an attribute
            raise RuntimeError

    with capture_logs() as logs:
        found = [
            ErrorTelemetry(BrokenClock()).report(ValueError(), where=COMMAND),
            ErrorTelemetry(FakeClock()).report(StrangeError(), where=COMMAND),
        ]
    assert found == [OVERFLOWN.reference] * 2
    assert logs[-1]["event"] == "an error cannot be described"


def test_process_without_telemetry_logs_its_errors() -> None:
    """``bot.py check`` keeps nothing; an error of ours says all in its text."""
    sink = LoggedErrors()
    with capture_logs() as logs:
        found = [sink.report(error, where=COMMAND) for error in (ValueError("x"), StorageConflictError("y"))]
    assert found == ["", ""]
    assert [(entry["problem"], entry["exc_info"] is None) for entry in logs] == [
        ("ValueError: x", False),
        ("StorageConflictError: y", True),
    ]


async def test_unhandled_errors_are_reported(errors: ErrorTelemetry) -> None:
    """Errors of callbacks, of threads and of clean-ups are handled by the hooks, which end with the block."""
    hooks = threading.excepthook, sys.unraisablehook

    class Broken:
        """Cannot be cleaned up."""

        def __del__(self) -> None:
            raise LookupError("clean-up")

    def fail() -> None:
        raise ArithmeticError("in a callback")

    def fail_in_thread() -> None:
        raise BufferError("in a thread")

    with capture_logs() as logs:
        async with asyncio.timeout(60):
            with report_unhandled(errors):
                asyncio.get_running_loop().call_soon(fail)
                thread = threading.Thread(target=fail_in_thread)
                thread.start()
                await asyncio.to_thread(thread.join)
                del (broken := [Broken()])[:]
                await asyncio.sleep(0)
                asyncio.get_running_loop().call_exception_handler({"message": "a task was destroyed"})
    assert broken == []
    assert (threading.excepthook, sys.unraisablehook) == hooks
    assert {delta.error_type for delta in errors.counts.take(9)} == {
        "builtins.ArithmeticError",
        "builtins.BufferError",
        "builtins.LookupError",
    }
    assert sorted(entry["event"] for entry in logs) == [
        "error that cannot be raised",
        "event loop noticed an error",
        "event loop noticed an error",
        "thread failed",
    ]


def end_by(error: Exception, errors: ErrorTelemetry, folder: Path) -> None:
    """Let a process end by an error."""
    keep = last_words(folder, describe=errors.describe_last_words, count=errors.count_last_words)
    with pytest.raises(type(error)), keep:
        raise error


def test_last_words_are_counted_once_by_the_next_start(
    errors: ErrorTelemetry, clock: FakeClock, tmp_path: Path
) -> None:
    """The next process counts what ended this one, with its time, and without its message."""
    end_by(ValueError("the password of Ann is hunter2"), errors, tmp_path)
    assert "hunter2" not in "".join(file.read_text("utf-8") for file in tmp_path.iterdir())
    clock.move(3600)
    end_by(ConfigurationError("No database."), errors, tmp_path)
    found = take(errors)
    assert [(one.error_type, one.count, one.last_seen_at) for one in found.values()] == [
        ("builtins.ValueError", 1, START)
    ]
    assert list(found) == [WHOLE_BOT]
    assert take_last_words(tmp_path) == []


@pytest.mark.parametrize("written", ["", "{", "[]", '{"at": 1}', '{"frames": 5}'])
def test_last_words_that_cannot_be_read_are_none(tmp_path: Path, written: str) -> None:
    """A torn file stops no start."""
    (tmp_path / "last-words.json").write_text(written, "utf-8")
    assert take_last_words(tmp_path) == []


CRASH = """Fatal Python error: Segmentation fault

Current thread 0x00007f (most recent call first):
  File "/usr/lib/python3.11/ctypes/__init__.py", line 519 in string_at
  File "/srv/killfeed/utils/embeds/charts/painter.py", line 77 in draw
  File "/srv/killfeed/bot.py", line 12 in run

Thread 0x00007e (most recent call first):
  File "/srv/killfeed/utils/sftp/names.py", line 9 in look_up
"""


def test_crash_of_the_interpreter_leaves_its_stack(errors: ErrorTelemetry, tmp_path: Path) -> None:
    """The thread that crashed decides the place; the stack is read once."""
    (tmp_path / FAULTS_NAME).write_text(CRASH, "utf-8")
    for words in (*take_last_words(tmp_path), *take_last_words(tmp_path)):
        errors.count_last_words(words)
    delta = take(errors)[WHOLE_BOT]
    assert (delta.error_type, delta.place, delta.count) == (
        "fatal.SegmentationFault",
        "utils.embeds.charts.painter:draw",
        1,
    )
    assert delta.frames == ("bot:run", "utils.embeds.charts.painter:draw")
    assert (tmp_path / FAULTS_NAME).read_text("utf-8") == ""
    assert (tmp_path / FAULTS_BEFORE_NAME).read_text("utf-8") == CRASH
    stopped = read_fault(CRASH.partition("\n\n")[2])
    assert stopped is not None
    assert stopped.error_type == "fatal.EndedByForce"
    timeout = read_fault(CRASH.replace("Fatal Python error: Segmentation fault", "Timeout (0:00:45)!"))
    assert timeout is not None
    assert timeout.error_type == "fatal.Timeout"
    assert read_fault("nothing of note") is None
