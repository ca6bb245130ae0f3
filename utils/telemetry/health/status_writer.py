"""Writes the status file and the metrics every 15 seconds, from the start of the process to its end.

It runs in the event loop, so a loop that is blocked leaves an old file: that is how ``bot.py status`` notices
a process that hangs.
"""

import asyncio
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from structlog import get_logger

from utils.clock import Clock
from utils.telemetry.health.metrics import write_metrics
from utils.telemetry.health.status import (
    SCHEMA,
    STATUS_FILE,
    WRITE_SECONDS,
    ProcessState,
    write_whole,
)
from utils.telemetry.health.status_source import StatusSource

STATUS_TASK = "health:status"
METRICS_FILE = "killfeed.prom"
FOLDER_MODE = 0o750

logger = get_logger(__name__)


@dataclass(eq=False, repr=False)
class StatusWriter:
    """Writes what the process knows about itself.

    Attributes:
        content: of a running bot; None before.
        startup: the report of the start: name, outcome and detail of each step.
    """

    folder: Path
    metrics_folder: Path
    version: str
    data_version: int
    clock: Clock
    state: ProcessState = ProcessState.STARTING
    content: StatusSource | None = None
    startup: Sequence[tuple[str, str, str]] = field(default=())
    _has_failed: bool = False

    def list_startup(self) -> list[str]:
        """Return the report of the start as lines of a table."""
        return [f"{outcome:<4}  {name:<20} {detail}" for name, outcome, detail in self.startup]

    async def run(self) -> None:
        """Write without end."""
        while True:
            await self.write()
            await self.clock.sleep(WRITE_SECONDS)

    async def write(self) -> None:
        """Write both files; a disk that does not take them is told once."""
        status, metrics = self._build()
        await asyncio.to_thread(self._store, status, metrics)

    def change(self, state: ProcessState) -> None:
        """Note a new state of the process, and write it now: the event loop may be about to end."""
        self.state = state
        self._store(*self._build())

    def _build(self) -> tuple[str, str | None]:
        now = self.clock.now()
        status: dict[str, Any] = {
            "schema": SCHEMA,
            "written_at": now.isoformat(timespec="seconds"),
            "pid": os.getpid(),
            "version": self.version,
            "data_version": self.data_version,
            "state": self.state.value,
            "checks": {},
            "startup": [
                {"name": name, "outcome": outcome, "detail": detail} for name, outcome, detail in self.startup
            ],
        }
        metrics = None
        if self.content is not None:
            status |= self.content.describe()
            figures = self.content.measure(
                version=self.version, data_version=self.data_version, written_at=now
            )
            metrics = write_metrics(figures)
        return json.dumps(status, ensure_ascii=False, indent=1), metrics

    def _store(self, status: str, metrics: str | None) -> None:
        try:
            for folder in (self.folder, self.metrics_folder):
                folder.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
            write_whole(self.folder / STATUS_FILE, status)
            if metrics is not None:
                write_whole(self.metrics_folder / METRICS_FILE, metrics)
        except OSError as failure:
            if not self._has_failed:
                logger.warning("the status cannot be written", problem=str(failure))
            self._has_failed = True
        else:
            self._has_failed = False
