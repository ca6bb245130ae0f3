"""The log pipeline: console and file, redaction at every depth, quiet libraries."""

import io
import json
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from utils.models.scope import GuildId, ServerId
from utils.redaction import Redactor
from utils.telemetry.context import bind_log_context
from utils.telemetry.log_setup import LOG_FILE_NAME, QUIETED, LogPipeline, configure_logging

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
        keep_days=3,
        redact=redactor,
        console=console,
    )


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


def _read_records(directory: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (directory / LOG_FILE_NAME).read_text("utf-8").splitlines()]


@pytest.mark.usefixtures("pipeline")
def test_record_reaches_console_and_file_with_its_context(directory: Path, console: io.StringIO) -> None:
    """A record is written to console and file with guild, server and command of its task."""
    with bind_log_context(GuildId(7), server_id=ServerId("abcd1234"), command="stats"):
        structlog.get_logger("utils.example").info("told", weapon="Müller's Axe")
    structlog.get_logger("utils.example").info("outside")
    told, outside = _read_records(directory)
    assert told.pop("timestamp").endswith("Z")
    assert told == {
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
    assert "\x1b[" not in console.getvalue()


@pytest.mark.usefixtures("pipeline")
def test_secrets_are_redacted_at_every_depth(directory: Path, console: io.StringIO) -> None:
    """Texts, nested values, reprs, tracebacks and library records are all redacted."""
    log = structlog.get_logger("utils.example")
    log.info(SECRET, value=SECRET, nested={"list": [SECRET, (SECRET,)]}, thing=Chatty())
    log.error("failed", exc_info=ValueError(SECRET))
    logging.getLogger("asyncssh").warning("login of %s", SECRET)
    assert len(_read_records(directory)) == 3
    written = console.getvalue() + (directory / LOG_FILE_NAME).read_text("utf-8")
    assert SECRET not in written
    assert written.count("***") == 2 * 7


@pytest.mark.usefixtures("pipeline")
def test_libraries_are_routed_and_quieted(directory: Path) -> None:
    """Libraries write into the same pipeline, from warnings upwards."""
    for name in QUIETED:
        logging.getLogger(name).info("chatter of %s", name)
        logging.getLogger(name).warning("warning of %s", name)
    assert [record["event"] for record in _read_records(directory)] == [f"warning of {n}" for n in QUIETED]


@pytest.mark.usefixtures("pipeline")
def test_python_warnings_are_logged(directory: Path) -> None:
    """A warning of Python itself is a record too."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn("old way", UserWarning, stacklevel=1)
        logging.captureWarnings(False)
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
    log = directory / LOG_FILE_NAME
    log.symlink_to(full)
    pipeline = _configure(directory, console)
    for number in range(3):
        structlog.get_logger("bot").info(f"record {number}")
    pipeline.close()
    said = console.getvalue()
    assert said.count("cannot be written (No space left on device)") == 1
    assert [f"record {number}" in said for number in range(3)] == [True] * 3
    assert "Traceback" not in said


def test_close_removes_the_handlers(directory: Path, console: io.StringIO) -> None:
    """After closing the process logs like before, and the file is closed."""
    before = list(logging.getLogger().handlers)
    _configure(directory, console).close()
    assert (logging.getLogger().handlers, structlog.is_configured()) == (before, False)
