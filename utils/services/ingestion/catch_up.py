"""Catch-up after a restore: where an import reads on from the cursors of an older backup, and where it ends.

*Theory of operation.* A restore leaves a job with each game server. The cursors stand where the backup had
them. Rows between them and the place up to which the replaced database had read are history: people know
them already, so they are stored and counted, and neither posted nor paid. Later rows are live.

If the replaced database could be read, the job holds its cursors. A file ends at the cursor that still fits
it. A file without such a cursor is new to everybody and live from its beginning. If the replaced database
was lost, all that the host has at the first look is history.

A file that is not the one of its cursor any more begins again at 0. If no known cursor fits it, it ends at
its size, because nobody can tell which of its rows were posted.

A file that cannot be read now does not hold the others up: the job of the catch-up ends without it, and what
is left of it is stored (``ImportJob.leave_out``). No poll reads that file before a look at it has succeeded;
then it is caught up with like the others, from a look of that moment.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime

from utils.errors import RemoteFailureError, RemoteFileMissingError, RemotePermissionError
from utils.models.deaths import LogFile
from utils.models.reading import CatchUp, CaughtUp, Cursor, ImportJob
from utils.models.scope import ServerScope
from utils.services.ingestion.log_source import HistoryLogs


@dataclass(frozen=True, slots=True)
class FileLook:
    """The first look at a file after a restore.

    Attributes:
        size: its size in bytes.
        cursor: the restored cursor, and ``is_same`` tells whether it fits the file.
        replaced: the cursor of the replaced database, and ``is_replaced_same`` whether that one fits.
        history_end: where an import of the replaced database ended; 0 without one.
    """

    size: int
    cursor: Cursor | None
    replaced: Cursor | None
    is_same: bool = True
    is_replaced_same: bool = True
    history_end: int = 0


@dataclass(frozen=True, slots=True)
class FilePlan:
    """The part of a file that is history.

    Attributes:
        start: where reading begins.
        end: rows up to this byte are history.
        begins_again: the restored cursor is put to 0.
    """

    start: int
    end: int
    begins_again: bool = False


def plan_file(look: FileLook, *, is_readable: bool) -> FilePlan:
    """Return what of a file is history; ``is_readable`` tells whether the replaced database could be read."""
    cursor, replaced = look.cursor, look.replaced
    begins_again = cursor is not None and not look.is_same
    start = 0 if cursor is None or begins_again else cursor.offset
    if not is_readable:
        end = look.size
    elif replaced is None:
        end = 0 if cursor is None else look.size  # a file that came back is known to a part
    elif look.is_replaced_same:
        end = max(replaced.offset, look.history_end)
    else:
        end = look.size
    return FilePlan(start, min(end, look.size), begins_again)


@dataclass(frozen=True, slots=True)
class CatchUpPlan:
    """A job with fixed ends.

    Attributes:
        begun_again: the files whose cursors are put to 0.
        left_out: the files that could not be looked at.
    """

    job: ImportJob
    begun_again: tuple[LogFile, ...]
    left_out: frozenset[LogFile] = frozenset()


async def fix_ends(
    job: ImportJob,
    catch_up: CatchUp,
    cursors: Mapping[LogFile, Cursor],
    logs: HistoryLogs,
    *,
    now: datetime,
    files: AbstractSet[LogFile] | None = None,
) -> CatchUpPlan:
    """Look at the logs for the first time after a restore, and fix what is history.

    Args:
        job: as the restore left it.
        catch_up: of this job.
        cursors: as they were restored.
        logs: of the server.
        now: the moment of this look.
        files: look at these files alone.

    Raises:
        RemoteError: the host failed.
    """
    ends: dict[LogFile, int] = {}
    begun_again: list[LogFile] = []
    left_out: set[LogFile] = set()
    sizes = await logs.list_sizes()
    for file, size in sizes.items():
        if files is not None and file not in files:
            continue
        look = await _look(logs, size, cursors.get(file), catch_up, file)
        if look is None:
            left_out.add(file)
            continue
        plan = plan_file(look, is_readable=catch_up.read is not None)
        if plan.begins_again:
            begun_again.append(file)
        if plan.start < plan.end:
            ends[file] = plan.end
    if files is not None:
        left_out |= files - sizes.keys()
    planned = replace(job, started_at=now, ends=ends, is_waiting=False)
    return CatchUpPlan(planned, tuple(begun_again), frozenset(left_out))


def sum_up(job: ImportJob, scope: ServerScope, *, deaths: int, is_whole: bool = True) -> CaughtUp | None:
    """Return what the admins must know about a catch-up that is done; None if nothing.

    Args:
        job: the catch-up.
        scope: the server.
        deaths: the number of all deaths of the server now.
        is_whole: every log was read; else a death that is missing may be in another one.
    """
    if job.catch_up is None:
        return None
    new = max(0, deaths - job.catch_up.stored)
    silent = new if job.catch_up.read is None else 0
    lost = max(0, job.catch_up.missing - new) if is_whole else 0
    if not silent and not lost:
        return None
    return CaughtUp(scope.server_id, job.catch_up.since, job.started_at, deaths=silent, lost=lost)


async def _look(
    logs: HistoryLogs, size: int, cursor: Cursor | None, catch_up: CatchUp, file: LogFile
) -> FileLook | None:
    """Look at a file; None if it cannot be read now."""
    replaced = (catch_up.read or {}).get(file)
    history_end = catch_up.history.get(file, 0)
    look = FileLook(size, cursor, replaced, history_end=history_end)
    if cursor is not None and cursor.offset == size and replaced in (None, cursor):
        return look  # nothing was written since the backup
    try:
        return replace(
            look,
            is_same=cursor is None or await logs.continues(cursor),
            is_replaced_same=replaced is None or await logs.continues(replaced),
        )
    except (RemoteFileMissingError, RemotePermissionError, RemoteFailureError):
        return None
