"""The files of erasures: a line for each erased person in every place of backups.

They matter on the day on which the database is lost and a backup of before the erasure is restored. A line
has a keyed digest, a guild and a time. A place that is away gets its lines within an hour of its return.
"""

import asyncio
import json
import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from structlog import get_logger

from utils.backup.files import PRIVATE_FILE, replace_file, sync_folder
from utils.backup.places import prepare_home
from utils.backup.steps import run_in_thread
from utils.models.personal import ErasureRecord
from utils.models.scope import GuildId

FILE_NAME = "erasures.jsonl"

_log = get_logger(__name__)


class ErasureFolders:
    """The files of all places.

    Args:
        home: the place on this machine, which is made if it is not there.
        others: the other places.
    """

    def __init__(self, home: Path, others: Sequence[Path] = ()) -> None:
        self._home = home
        self._places = (home, *others)
        self._writing = asyncio.Lock()

    async def append(self, records: Sequence[ErasureRecord]) -> None:
        """Add records to the file of each place that is there; when this returns, they are on the disk."""
        async with self._writing:
            await run_in_thread(partial(self._append, records))

    async def tidy(self, records: Sequence[ErasureRecord], *, before: datetime) -> None:
        """Add what a place has missed, and remove what is older than a moment."""
        async with self._writing:
            await run_in_thread(partial(self._tidy, records, before))

    async def read(self) -> list[ErasureRecord]:
        """Return the records of all places, of one digest the latest."""
        return await run_in_thread(partial(read_records, self._places))

    def _append(self, records: Sequence[ErasureRecord]) -> None:
        for place in self._places:
            try:
                if place == self._home:
                    prepare_home(place)
                _append_to(place / FILE_NAME, records)
            except OSError as error:
                _log.warning("erasures are not noted in a place", place=str(place), problem=str(error))

    def _tidy(self, records: Sequence[ErasureRecord], before: datetime) -> None:
        for place in self._places:
            try:
                held = list(_read_file(place / FILE_NAME))
                wanted = [one for one in _keep_latest([*held, *records]) if one.at >= before]
                if place.is_dir() and sorted(held, key=_get_key) != wanted:
                    replace_file(place / FILE_NAME, b"".join(map(_write_line, wanted)))
            except OSError as error:
                _log.warning("erasures are not noted in a place", place=str(place), problem=str(error))


def read_records(places: Iterable[Path]) -> list[ErasureRecord]:
    """Return the records in these folders, of one digest the latest; a place that is away is passed over."""
    found: list[ErasureRecord] = []
    for place in places:
        try:
            found += _read_file(place / FILE_NAME)
        except OSError as error:
            _log.warning("a file of erasures cannot be read", place=str(place), problem=str(error))
    return _keep_latest(found)


def _keep_latest(records: Iterable[ErasureRecord]) -> list[ErasureRecord]:
    latest: dict[tuple[GuildId, bytes], ErasureRecord] = {}
    for one in sorted(records, key=lambda record: record.at):
        latest[one.guild_id, one.digest] = one
    return sorted(latest.values(), key=_get_key)


def _get_key(record: ErasureRecord) -> tuple[datetime, GuildId, bytes]:
    return record.at, record.guild_id, record.digest


def _append_to(path: Path, records: Sequence[ErasureRecord]) -> None:
    is_new = not path.exists()
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE_FILE), "wb") as file:
        # a line that a crash cut off ends here, so that it spoils no other
        file.write(b"".join([b"" if is_new else b"\n", *map(_write_line, records)]))
        file.flush()
        os.fsync(file.fileno())
    if is_new:
        sync_folder(path.parent)


def _write_line(record: ErasureRecord) -> bytes:
    fields = {
        "at": record.at.astimezone(UTC).isoformat(timespec="milliseconds"),
        "guild": int(record.guild_id),
        "digest": record.digest.hex(),
        "key": record.key,
    }
    return json.dumps(fields).encode() + b"\n"


def _read_file(path: Path) -> Iterable[ErasureRecord]:
    if not path.exists():
        return
    for line in path.read_bytes().splitlines():
        try:
            fields = json.loads(line)
            yield ErasureRecord(
                GuildId(int(fields["guild"])),
                bytes.fromhex(fields["digest"]),
                datetime.fromisoformat(fields["at"]),
                str(fields["key"]),
            )
        except (ValueError, KeyError, TypeError):
            continue
