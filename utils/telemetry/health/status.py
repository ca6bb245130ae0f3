"""The status file: what the bot knows about itself, for ``bot.py status``, HEALTHCHECK and cron.

It is written every 15 seconds into a temporary file and renamed, so a reader never sees half of it. It holds
ids of guilds, and neither names nor members nor hosts.
"""

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from utils.models.incidents import CheckState

SCHEMA = 1
STATUS_FILE = "status.json"
WRITE_SECONDS = 15.0
STALE_SECONDS = 60.0
FILE_MODE = 0o640  # the group may read it: a monitoring agent of another user


class ProcessState(StrEnum):
    """The states of the process."""

    STARTING = "starting"
    STANDBY = "standby"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"


def write_whole(path: Path, content: str) -> None:
    """Write a file so that readers see all of it or the one before.

    Raises:
        OSError: the disk does not take it.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
        Path(name).chmod(FILE_MODE)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer of ``bot.py status`` to a status file.

    Attributes:
        is_well: the bot runs, and nothing is critical.
        lines: sentences, the worst first.
    """

    is_well: bool
    lines: Sequence[str]


def judge_status(status: Mapping[str, Any] | None, *, now: datetime, is_alive: bool) -> Verdict:
    """Return whether a bot runs and is well.

    Args:
        status: the content of the file; None if there is none, or if it cannot be read.
        now: the time.
        is_alive: its process exists.
    """
    if status is None:
        return Verdict(False, ["No bot: there is no status file."])
    state, checks = status["state"], status["checks"]
    age = (now - datetime.fromisoformat(status["written_at"])).total_seconds()
    lines = [
        f"{one['state']:<8}  {name:<17} {one['said']} (since {one['since']})"
        for name, one in sorted(checks.items(), key=lambda item: (-_rank(item[1]["state"]), item[0]))
    ]
    head = f"{state}: {status['version']}, process {status['pid']}, written {age:.0f} s ago"
    if state == ProcessState.STOPPED or not is_alive:
        return Verdict(False, [f"No bot: {head}.", *lines])
    if age > STALE_SECONDS:
        return Verdict(False, [f"The bot hangs: {head}.", *lines])
    is_well = all(one["state"] != CheckState.CRITICAL.code for one in checks.values())
    return Verdict(is_well, [f"{head}.", *lines])


def _rank(code: str) -> int:
    return next((state for state in CheckState if state.code == code), CheckState.CRITICAL)


def read_status(folder: Path) -> Mapping[str, Any] | None:
    """Return the content of the status file; None if there is none, or if it is not one of ours."""
    try:
        status = json.loads((folder / STATUS_FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    is_ours = isinstance(status, dict) and status.get("schema") == SCHEMA
    return status if is_ours else None
