"""Log set-up: one pipeline for the bot's and the libraries' records, to the console and to the files.

Theory of operation: structlog hands every record to the standard library's root logger, which also gets the
records of libraries. One handler makes a redacted entry of each (``log_entries.py``) and puts it into two
queues, each with a thread of its own (``log_writer.py``): one writes to the console for people, coloured only
on a terminal, the other one JSON objects to the file of each system (``log_folder.py``). So a disk that hangs
stops neither the bot nor its console. A filter of the handler (``LogPipeline.handler``) costs a record that
it holds back nothing else: no traceback, no redaction.
"""

import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import structlog
from structlog.typing import Processor

from utils.clock import Clock
from utils.telemetry.log_entries import ConsoleLines, EntryBuilder, carry_entry
from utils.telemetry.log_folder import LogFolder, LogLimits
from utils.telemetry.log_writer import LogWriter

QUIETED = {
    "discord": logging.WARNING,  # otherwise a line for each gateway event
    "asyncssh": logging.WARNING,  # otherwise several lines for each login
    "motor": logging.WARNING,
    "pymongo": logging.WARNING,  # otherwise every command and heartbeat, at DEBUG
    "asyncio": logging.WARNING,
    "aiohttp": logging.WARNING,
}
"""The lowest level of the libraries' loggers."""


class EntryHandler(logging.Handler):
    """Makes an entry of each record, and hands it to the writers.

    ``close`` writes what waits, so ``logging.shutdown`` loses no record.
    """

    def __init__(self, builder: EntryBuilder, writers: Sequence[LogWriter]) -> None:
        super().__init__()
        self._builder = builder
        self._writers = tuple(writers)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record soon; one that cannot be described is replaced by a record that says so."""
        try:
            entry = self._builder.build(record)
        except Exception as error:  # noqa: BLE001 - a log call never fails
            entry = self._builder.build(
                logging.LogRecord(
                    record.name,
                    logging.ERROR,
                    record.pathname,
                    record.lineno,
                    "a log record cannot be described (%s)",
                    (type(error).__name__,),
                    None,
                )
            )
        for writer in self._writers:
            writer.put(entry)

    def close(self) -> None:
        """Write the entries that wait, for a short time at most, and end the threads."""
        for writer in self._writers:
            writer.close()
        super().close()


class LogPipeline:
    """The handler that ``configure_logging`` has set up; ``close`` removes it.

    Attributes:
        handler: gets every record; its filters may hold records back.
    """

    def __init__(self, handler: logging.Handler) -> None:
        self.handler = handler

    def close(self) -> None:
        """Write waiting records, close the files and reset the configuration."""
        self.handler.close()
        logging.getLogger().removeHandler(self.handler)
        logging.captureWarnings(False)
        structlog.reset_defaults()


def configure_logging(
    directory: Path,
    *,
    level: str,
    limits: LogLimits,
    version: str,
    redact: Processor,
    clock: Clock,
    console: TextIO = sys.stderr,
    console_level: str = "NOTSET",
) -> LogPipeline:
    """Set up all logging of the process.

    Args:
        directory: the folder of the log files; made if it is missing (mode 700).
        level: the lowest level of the bot's own records, for example ``INFO``.
        limits: how much of the log is kept.
        version: the bot's version, for every record.
        redact: removes secrets from a record, at any depth.
        clock: the time of the records.
        console: the stream for people.
        console_level: the lowest level that it shows.

    Raises:
        OSError: the folder cannot be made.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = LogFolder(directory, limits, clock=clock)
    folder.verify_writable()
    handler = EntryHandler(
        EntryBuilder(version=version, redact=redact, clock=clock),
        # closed in this order
        [LogWriter("files", folder), LogWriter("console", ConsoleLines(console, least=console_level))],
    )
    root = logging.getLogger()
    root.setLevel(level)
    root.addHandler(handler)
    for name, least in QUIETED.items():
        logging.getLogger(name).setLevel(max(least, root.level))
    logging.captureWarnings(True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            carry_entry,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,  # loggers made at import follow this configuration
    )
    return LogPipeline(handler)


def log_to_console(*, level: int) -> None:
    """Write the bot's own records to standard error alone, beside a process that has the files."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
