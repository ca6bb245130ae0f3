"""Archives: stored data in files that people and programs can read.

Every archive is a separate zip file. The first holds ``data.json``; ``kills.csv`` continues in the next one
when an archive has grown to ``MAX_ARCHIVE_BYTES``. Player ids of other people are left out.
"""

import csv
import io
import json
import re
import zipfile
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from utils.models.mentions import replace_mentions
from utils.models.personal import Archive
from utils.models.player_ids import replace_player_ids
from utils.models.scope import MemberId, PlayerId
from utils.models.texts import text

MAX_ARCHIVE_BYTES = 8 * 1024 * 1024  # Discord accepts 10 MiB a file; the rest is for one more batch of rows
DATA_NAME = "data.json"
DEATHS_NAME = "kills.csv"
DEATH_COLUMNS = (
    "server",
    "at",
    "written_at",
    "kind",
    "killer_name",
    "killer_id",
    "killer_platform",
    "victim_name",
    "victim_id",
    "victim_platform",
    "weapon",
    "distance",
    "world",
    "file",
    "offset",
    "ordered_at",
    "read_at",
    "fingerprint",
)
ANOTHER_PLAYER = text("(another player)")
ANOTHER_MEMBER = text("(another member)")
_FORMULA = re.compile(r"(^|[;\t\r\n])(?=\s*[=+\-@＝＋－＠])|^(?=[\x00-\x1f\x7f-\x9f])")  # noqa: RUF001 - full-width ones work too

Stored = Mapping[str, object]
"""A document as it is stored."""


def build_json(data: Mapping[str, object]) -> bytes:
    """Return data as indented text; times in ISO 8601, bytes in hexadecimal digits."""
    return json.dumps(data, indent=2, ensure_ascii=False, default=_write_value).encode()


def hide_others(line: str, own: Collection[PlayerId], *, other: str) -> str:
    """Return a line of a log with ``other`` for the player ids of others; own ones are in lower case."""
    return replace_player_ids(line, lambda found: found if found in own else other)


def hide_members(value: object, own: MemberId | None, *, other: str) -> object:
    """Return stored data with ``other`` in place of mentions of other members."""
    if isinstance(value, str):
        return replace_mentions(value, lambda found: found != own, other)
    if isinstance(value, Mapping):
        return {name: hide_members(one, own, other=other) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [hide_members(one, own, other=other) for one in value]
    return value


class ArchiveWriter:
    """Packs one export, file by file; every method is slow, so call it in a thread.

    Args:
        data: the content of ``data.json``.
        own: the players whose ids may be in it.
        limit: the size at which the next archive begins, in bytes.
    """

    def __init__(
        self, data: Mapping[str, object], own: Collection[PlayerId], *, limit: int = MAX_ARCHIVE_BYTES
    ) -> None:
        self._own = frozenset(own)
        self._limit = limit
        self._number = 1
        self._begin()
        self._zip.writestr(DATA_NAME, build_json(data))
        self._begin_deaths()

    def add(self, server: str, deaths: Iterable[Stored]) -> Archive | None:
        """Write death rows; if the archive is full, return it and begin the next one."""
        rows = io.StringIO(newline="")
        csv.writer(rows).writerows(self._build_row(server, death) for death in deaths)
        self._deaths.write(rows.getvalue().encode())
        if self._buffer.tell() < self._limit:
            return None
        full = self.finish()
        self._number += 1
        self._begin()
        self._begin_deaths()
        return full

    def finish(self) -> Archive:
        """Return the archive with everything that was written."""
        self._deaths.close()
        self._zip.close()
        number = "" if self._number == 1 else f"-{self._number}"
        return Archive(f"killfeed-data{number}.zip", self._buffer.getvalue())

    def _begin(self) -> None:
        self._buffer = io.BytesIO()
        self._zip = zipfile.ZipFile(self._buffer, "w", zipfile.ZIP_DEFLATED)

    def _begin_deaths(self) -> None:
        self._deaths = self._zip.open(DEATHS_NAME, "w")
        self._deaths.write((",".join(DEATH_COLUMNS) + "\r\n").encode())

    def _build_row(self, server: str, death: Stored) -> list[object]:
        values = {**death, "server": server, "fingerprint": death["_id"]}
        for name in ("written_at", "ordered_at"):  # of a wall clock, without a zone
            if name in death:
                values[name] = str(death[name]).removesuffix("+00:00")
        for side in ("killer_id", "victim_id"):
            if values[side] not in self._own:
                values[side] = ""
        return [_write_cell(values.get(column)) for column in DEATH_COLUMNS]


def _write_cell(value: object) -> object:
    if isinstance(value, str):
        return make_inert(value)
    return value if value is None or isinstance(value, int) else _write_value(value)


def make_inert(shown: str) -> str:
    """Return a text that a spreadsheet does not take for a formula: with an apostrophe where one could begin.

    That is at the beginning, and after signs that some spreadsheets take for the border of a cell.
    """
    return _FORMULA.sub(r"\1'", shown)


def _write_value(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(f"{type(value).__name__} is nothing that is stored")
