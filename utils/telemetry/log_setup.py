"""Log set-up: one pipeline for the bot's and the libraries' records, to the console and to a daily file.

Theory of operation: structlog hands every record to the standard library's root logger, which also gets the
records of libraries. Two handlers write them: the console for people (coloured only on a terminal) and
``killfeed.log`` with one JSON object a line. Redaction is the last step before the rendering, after a
traceback has become text, so that nothing can bypass it.
"""

import logging
import logging.config
import sys
from collections.abc import Sequence
from contextlib import suppress
from logging.handlers import TimedRotatingFileHandler
from pathlib import Path
from typing import TextIO

import structlog
from structlog.typing import Processor

LOG_FILE_NAME = "killfeed.log"

QUIETED = {
    "discord": logging.WARNING,  # otherwise a line for each gateway event
    "asyncssh": logging.WARNING,  # otherwise several lines for each login
    "motor": logging.WARNING,
    "pymongo": logging.WARNING,  # otherwise every command and heartbeat, at DEBUG
    "asyncio": logging.WARNING,
    "aiohttp": logging.WARNING,
}
"""The lowest level of the libraries' loggers."""


class LogPipeline:
    """The handlers that ``configure_logging`` has set up; ``close`` removes them."""

    def __init__(self, handlers: Sequence[logging.Handler]) -> None:
        self._handlers = tuple(handlers)

    def close(self) -> None:
        """Write buffered records, close the file and reset the configuration."""
        root = logging.getLogger()
        for handler in self._handlers:
            root.removeHandler(handler)
            handler.close()
        logging.captureWarnings(False)
        structlog.reset_defaults()


def configure_logging(
    directory: Path, *, level: str, keep_days: int, redact: Processor, console: TextIO = sys.stderr
) -> LogPipeline:
    """Set up all logging of the process.

    Args:
        directory: the folder of the log file; made if it is missing (mode 700).
        level: the lowest level of the bot's own records, for example ``INFO``.
        keep_days: the number of daily files that are kept besides today's.
        redact: removes secrets from a record, at any depth.
        console: the stream for people.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    handlers: list[logging.Handler] = [
        _build_console_handler(console, redact),
        _build_file_handler(directory / LOG_FILE_NAME, keep_days, redact, console),
    ]
    root = logging.getLogger()
    root.setLevel(level)
    for handler in handlers:
        root.addHandler(handler)
    for name, least in QUIETED.items():
        logging.getLogger(name).setLevel(max(least, root.level))
    logging.captureWarnings(True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared_processors(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,  # loggers made at import follow this configuration
    )
    return LogPipeline(handlers)


def _shared_processors() -> list[Processor]:
    """Return the processors for the records of the bot and of the libraries."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]


def _build_formatter(redact: Processor, renderer: Processor) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_shared_processors(),
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            redact,
            renderer,
        ],
    )


def _build_console_handler(console: TextIO, redact: Processor) -> logging.Handler:
    handler = logging.StreamHandler(console)
    handler.setFormatter(_build_formatter(redact, structlog.dev.ConsoleRenderer(colors=console.isatty())))
    return handler


class LogFileHandler(TimedRotatingFileHandler):
    """A log file for each day; if its disk is full or gone, the console says so once, in one line."""

    def __init__(self, path: Path, keep_days: int, console: TextIO) -> None:
        super().__init__(path, when="midnight", utc=True, backupCount=keep_days, encoding="utf-8")
        self._console = console
        self._has_failed = False
        self._was_told = False

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        self._has_failed = False
        super().emit(record)
        self._was_told = self._was_told and self._has_failed

    def close(self) -> None:
        """Close the file; records that a full disk does not take are lost."""
        with suppress(OSError):
            super().close()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        """Report a disk that cannot be written; the record itself is on the console already."""
        failure = sys.exc_info()[1]
        if not isinstance(failure, OSError):
            super().handleError(record)
            return
        self._has_failed = True
        if not self._was_told:
            self._was_told = True
            self._console.write(
                f"{self.baseFilename} cannot be written ({failure.strerror}). "
                "Until it can, log records are on the console alone.\n"
            )


def _build_file_handler(path: Path, keep_days: int, redact: Processor, console: TextIO) -> logging.Handler:
    handler = LogFileHandler(path, keep_days, console)
    handler.setFormatter(_build_formatter(redact, structlog.processors.JSONRenderer(ensure_ascii=False)))
    return handler
