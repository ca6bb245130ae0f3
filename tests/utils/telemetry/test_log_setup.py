"""The log pipeline: console and file, redaction at every depth, quiet libraries."""

import io
import json
import logging
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from tests.fakes.clock import FakeClock
from utils.log_context import bind_log_context
from utils.models.scope import GuildId, ServerId
from utils.redaction import Redactor
from utils.telemetry.log_entries import MAX_FRAMES
from utils.telemetry.log_folder import LogLimits
from utils.telemetry.log_setup import QUIETED, LogPipeline, configure_logging

SECRET = "hunter2"


class Terminal(io.StringIO):
    """A console that is a terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


class Chatty:
    """A value whose repr contains a secret."""

    def __repr__(self) -> str:
        return f"Chatty({SECRET})"


def _configure(directory: Path, console: io.StringIO, level: str = "INFO") -> LogPipeline:
    redactor = Redactor()
    redactor.register(SECRET)
    return configure_logging(
        directory,
        level=level,
        limits=LogLimits(keep_days=3, total_megabytes=100),
        version="1.2.3",
        redact=redactor,
        clock=FakeClock(),
        console=console,
    )


class Broken:
    """A value that cannot be shown."""

    def __repr__(self) -> str:
        raise RuntimeError(SECRET)


@pytest.fixture(name="directory")
def _directory(tmp_path: Path) -> Path:
    return tmp_path / "logs"


@pytest.fixture(name="console")
def _console() -> io.StringIO:
    return io.StringIO()


@pytest.fixture(autouse=True)
def _clean_logging() -> Iterator[None]:
    root = logging.getLogger()
    level, levels = root.level, {name: logging.getLogger(name).level for name in QUIETED}
    yield
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)


@pytest.fixture(name="pipeline")
def _pipeline(directory: Path, console: io.StringIO) -> Iterator[LogPipeline]:
    pipeline = _configure(directory, console)
    yield pipeline
    pipeline.close()


def _read_records(directory: Path, name: str = "bot") -> list[dict[str, Any]]:
    return [json.loads(line) for line in (directory / f"{name}.log").read_text("utf-8").splitlines()]


def test_record_reaches_console_and_file_with_its_context(
    directory: Path, console: io.StringIO, pipeline: LogPipeline
) -> None:
    """A record is written to console and file with guild, server and command of its task."""
    with bind_log_context(GuildId(7), server_id=ServerId("abcd1234"), command="stats"):
        structlog.get_logger("utils.example").info("told", weapon="Müller's Axe")
    structlog.get_logger("utils.example").info("outside")
    pipeline.close()
    told, outside = _read_records(directory)
    assert told == {
        "timestamp": "2025-05-01T12:00:00.000000Z",
        "system": "bot",
        "version": "1.2.3",
        "event": "told",
        "weapon": "Müller's Axe",
        "guild": 7,
        "server": "abcd1234",
        "command": "stats",
        "logger": "utils.example",
        "level": "info",
    }
    assert "guild" not in outside
    assert "told" in console.getvalue()
    assert "1.2.3" not in console.getvalue()
    assert "\x1b[" not in console.getvalue()


def test_secrets_are_redacted_at_every_depth(
    directory: Path, console: io.StringIO, pipeline: LogPipeline
) -> None:
    """Texts, nested values, reprs, tracebacks and library records are all redacted."""
    log = structlog.get_logger("utils.example")
    log.info(SECRET, value=SECRET, nested={"list": [SECRET, (SECRET,)]}, thing=Chatty())
    log.error("failed", exc_info=ValueError(SECRET))
    logging.getLogger("asyncssh").warning("login of %s", SECRET)
    pipeline.close()
    assert [len(_read_records(directory, name)) for name in ("bot", "sftp", "errors")] == [2, 1, 1]
    files = "".join((directory / f"{name}.log").read_text("utf-8") for name in ("bot", "sftp"))
    assert SECRET not in console.getvalue() + files + (directory / "errors.log").read_text("utf-8")
    assert (console.getvalue() + files).count("***") == 2 * 7


def test_libraries_are_routed_and_quieted(directory: Path, pipeline: LogPipeline) -> None:
    """Libraries write into the same pipeline, from warnings upwards, each to the file of its system."""
    for name in QUIETED:
        logging.getLogger(name).info("chatter of %s", name)
        logging.getLogger(name).warning("warning of %s", name)
    pipeline.close()
    told = {
        system: [record["event"].removeprefix("warning of ") for record in _read_records(directory, system)]
        for system in ("bot", "sftp", "database")
    }
    assert told == {
        "bot": ["discord", "asyncio", "aiohttp"],
        "sftp": ["asyncssh"],
        "database": ["motor", "pymongo"],
    }


def test_python_warnings_are_logged(directory: Path, pipeline: LogPipeline) -> None:
    """A warning of Python itself is a record too."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn("old way", UserWarning, stacklevel=1)
        logging.captureWarnings(False)
    pipeline.close()
    assert "old way" in _read_records(directory)[0]["event"]


def test_level_holds_back_lesser_records(directory: Path, console: io.StringIO) -> None:
    """Records below the configured level are not written."""
    pipeline = _configure(directory, console, level="WARNING")
    structlog.get_logger("utils.example").info("lesser")
    structlog.get_logger("utils.example").warning("greater")
    pipeline.close()
    assert [record["event"] for record in _read_records(directory)] == ["greater"]


def test_console_is_coloured_on_a_terminal(directory: Path) -> None:
    """Colours are for terminals."""
    console = Terminal()
    pipeline = _configure(directory, console)
    structlog.get_logger("utils.example").info("told")
    pipeline.close()
    assert "\x1b[" in console.getvalue()


def test_full_disk_is_told_once(directory: Path, console: io.StringIO) -> None:
    """A full log file causes one line on the console, not a traceback for every record."""
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no device that is always full")
    directory.mkdir()
    (directory / "bot.log").symlink_to(full)
    pipeline = _configure(directory, console)
    for number in range(3):
        structlog.get_logger("bot").info(f"record {number}")
    pipeline.close()
    said = console.getvalue()
    assert said.count("a log file cannot be written") == 1
    assert said.count("No space left on device") == 1
    assert [f"record {number}" in said for number in range(3)] == [True] * 3
    assert "Traceback" not in said


def test_no_caller_waits_for_a_disk_that_hangs(directory: Path, console: io.StringIO) -> None:
    """While a file takes nothing, records go on to the console; the file gets them when it takes them again.

    A pipe without a reader holds up the thread that opens it, like a disk that is away.
    """
    directory.mkdir()
    pipe = directory / "database.log"
    os.mkfifo(pipe)
    pipeline = _configure(directory, console)
    logged = [f"record {number}" for number in range(20)]
    for event in logged:
        structlog.get_logger("utils.database").info(event)  # would wait for ever
    reader = os.open(pipe, os.O_RDONLY)
    pipeline.close()
    assert [event in console.getvalue() for event in logged] == [True] * 20
    with os.fdopen(reader, encoding="utf-8") as written:
        assert [json.loads(line)["event"] for line in written] == logged


def test_record_that_cannot_be_described_is_told_without_its_values(
    directory: Path, console: io.StringIO, pipeline: LogPipeline
) -> None:
    """A log call never fails; instead of a broken record there is one that names the error's class."""
    structlog.get_logger("utils.example").info("told", thing=Broken())
    pipeline.close()
    assert [(record["level"], record["event"]) for record in _read_records(directory)] == [
        ("error", "a log record cannot be described (RuntimeError)"),
    ]
    assert SECRET not in console.getvalue()


def test_error_has_the_innermost_frames_alone(directory: Path, pipeline: LogPipeline) -> None:
    """The traceback of a deep failure ends after its 30 innermost frames."""

    def fail(depth: int) -> None:
        if depth == 0:
            raise ValueError("deepest")
        fail(depth - 1)

    try:
        fail(100)
    except ValueError:
        structlog.get_logger("utils.example").exception("failed")
    pipeline.close()
    shown = _read_records(directory, "errors")[0]["exception"]
    assert shown.endswith("ValueError: deepest")
    assert (
        MAX_FRAMES - 4 < shown.count("fail(depth - 1)") + shown.count("more times") * (MAX_FRAMES - 4) <= 60
    )
    assert "test_error_has_the_innermost_frames_alone" not in shown


def test_filter_holds_a_record_back_before_it_costs_anything(
    directory: Path, pipeline: LogPipeline, console: io.StringIO
) -> None:
    """A filter of the pipeline's handler sees the event of each record and may hold it back."""
    pipeline.handler.addFilter(lambda record: record.getMessage() != "once more")
    for event in ("first", "once more"):
        structlog.get_logger("utils.example").info(event, thing=Chatty())
    pipeline.close()
    assert [record["event"] for record in _read_records(directory)] == ["first"]
    assert "once more" not in console.getvalue()


def test_close_removes_the_handlers(directory: Path, console: io.StringIO) -> None:
    """After closing the process logs like before, and the file is closed."""
    before = list(logging.getLogger().handlers)
    _configure(directory, console).close()
    assert (logging.getLogger().handlers, structlog.is_configured()) == (before, False)
