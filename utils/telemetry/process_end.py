"""The end of the process: it always comes, and leaves the stacks of all threads if it had to be forced.

``status/faults.log`` gets them, beside those of crashes (``last_words.py``). Two limits hold for a stop.
After ``STOP_SECONDS`` a thread of Python ends the process. If the interpreter itself is stuck, no such thread
runs; then after ``DUMP_SECONDS`` one of ``faulthandler`` does, which needs no interpreter.
"""

import faulthandler
import logging
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import TextIO

from structlog import get_logger

from utils.telemetry.last_words import FAULTS_NAME

STOP_SECONDS = 9.5  # the bot promises to stop within ten
DUMP_SECONDS = 45.0
PRIVATE = 0o600
FORCED = 1  # the exit code
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
HEAD = b"Timeout (0:00:09)!\n"  # as faulthandler begins its own dump
SECOND_SIGNAL = b"A second signal ends the bot at once.\n"

_log = get_logger(__name__)


class ProcessEnd:
    """Watches over the end of this process.

    Args:
        directory: of the file with the stacks; made if it is missing (mode 700).
        stop_seconds: how long a stop may take.
        dump_seconds: when the process ends even if the interpreter is stuck.
    """

    def __init__(
        self, directory: Path, *, stop_seconds: float = STOP_SECONDS, dump_seconds: float = DUMP_SECONDS
    ) -> None:
        self._directory = directory
        self._stop_seconds = stop_seconds
        self._dump_seconds = dump_seconds
        self._deadline: threading.Timer | None = None
        self._faults: TextIO | None = None
        self._has_signal = False

    def begin(self) -> None:
        """Open the file with the stacks now: later its disk may be away.

        Raises:
            OSError: it cannot be written.
        """
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        opened = os.open(self._directory / FAULTS_NAME, os.O_WRONLY | os.O_APPEND | os.O_CREAT, PRIVATE)
        self._faults = os.fdopen(opened, "a", encoding="utf-8")  # open until the process ends

    def listen(self, stop: Callable[[], object]) -> None:
        """Call ``stop`` at the first SIGINT or SIGTERM; a second one ends the process at once.

        A handler of Python runs even while a callback blocks the event loop, unlike one of the loop.
        """

        def take(_number: int, _frame: FrameType | None) -> None:
            if self._has_signal:
                os.write(2, SECOND_SIGNAL)  # the log may be held up
                os._exit(FORCED)
            self._has_signal = True
            self.limit_stop()
            with suppress(RuntimeError):  # the event loop has ended already
                stop()

        for number in STOP_SIGNALS:
            signal.signal(number, take)

    def limit_stop(self) -> None:
        """End the process by force if it does not stop in time; the next start goes on as after a kill.

        A stop can wait for long, for example for a database that does not answer within a transaction, or for
        a foreign host.
        """
        if self._deadline is not None:
            return
        self._deadline = threading.Timer(self._stop_seconds, self._end_by_force)
        self._deadline.daemon = True
        self._deadline.start()
        faulthandler.dump_traceback_later(self._dump_seconds, exit=True, file=self._faults or 2)

    def _end_by_force(self) -> None:
        if self._faults is not None:
            os.write(self._faults.fileno(), HEAD)
            faulthandler.dump_traceback(self._faults)
        _log.error("the bot does not stop in time and is ended by force", stacks=FAULTS_NAME)
        logging.shutdown()  # writes what waits
        os._exit(FORCED)
