"""Death log lines of both generations, whole and broken."""

from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.game_host.battle import Battle
from simulation.game_host.log_files import render_row
from utils.models.deaths import EARLIEST_WRITTEN_AT, DeathKind, DeathRow, Rejected
from utils.models.scope import PlayerId
from utils.parsers.deathlog import (
    MAX_LINE_BYTES,
    classify,
    decode_line,
    iterate_lines,
    parse_death_line,
)

A = PlayerId("00021809f653d64f9117511289bc3673")
B = PlayerId("000227050fe65d63595ca922874ba32f")
AT = datetime(2025, 4, 10, 0, 1, 18)  # noqa: DTZ001 - logs carry no zone
TIME = "2025.04.10-00.01.18"
LATEST = datetime(2025, 5, 8, 12)  # noqa: DTZ001


def build(kind: DeathKind, **changes: object) -> DeathRow:
    """Return the row of most lines here, with changes."""
    values = {
        "written_at": AT,
        "kind": kind,
        "killer_id": A,
        "killer_name": "Ann",
        "victim_id": B,
        "victim_name": "Bob",
        "weapon": "Mosin",
        "distance": 83,
    }
    return DeathRow(**{**values, **changes})


def build_own(kind: DeathKind, weapon: str) -> DeathRow:
    """Return the row of a player who died by their own hand."""
    return build(kind, victim_id=A, victim_name="Ann", weapon=weapon, distance=0)


READABLE = {
    "old generation": (f"{TIME};Ann;{A};Bob;{B};Mosin;83;", build(DeathKind.KILL)),
    "new generation": (
        f"{TIME};Ann;{A};Bob;{B};Mosin;83;PS5;XSX;",
        build(DeathKind.KILL, killer_platform="PS5", victim_platform="XSX"),
    ),
    "menu suicide": (
        f"{TIME};Ann;{A};Ann;{A};suicide_by_relocation;0;",
        build_own(DeathKind.MENU, "suicide_by_relocation"),
    ),
    "fall": (f"{TIME};Ann;{A};Ann;{A};falling;0;", build_own(DeathKind.FALL, "falling")),
    "own explosive": (f"{TIME};Ann;{A};Ann;{A};F-10;0;", build_own(DeathKind.SELF, "F-10")),
    "own death of an unknown cause": (f"{TIME};Ann;{A};Ann;{A};;0;", build_own(DeathKind.SELF, "")),
    "run over": (
        f"{TIME};Ann;{A};Bob;{B};land_vehicle;1;",
        build(DeathKind.VEHICLE, weapon="land_vehicle", distance=1),
    ),
    "hit by a boat": (
        f"{TIME};Ann;{A};Bob;{B};boat;1;",
        build(DeathKind.VEHICLE, weapon="boat", distance=1),
    ),
    "fall of somebody else is a kill": (
        f"{TIME};Ann;{A};Bob;{B};falling;0;",
        build(DeathKind.KILL, weapon="falling", distance=0),
    ),
    "no killer, old generation": (
        f"{TIME};;;Bob;{B};;1;",
        build(DeathKind.UNKNOWN, killer_id=None, killer_name="", weapon="", distance=1),
    ),
    "no killer, new generation": (
        f"{TIME};;;Bob;{B};;1;;PS5;",
        build(
            DeathKind.UNKNOWN,
            killer_id=None,
            killer_name="",
            weapon="",
            distance=1,
            victim_platform="PS5",
        ),
    ),
    "name without id is no killer": (
        f"{TIME};Bear;;Bob;{B};;1;",
        build(DeathKind.UNKNOWN, killer_id=None, killer_name="", weapon="", distance=1),
    ),
    "carriage return": (f"{TIME};Ann;{A};Bob;{B};Mosin;83;\r", build(DeathKind.KILL)),
    "byte order mark": (f"\ufeff{TIME};Ann;{A};Bob;{B};Mosin;83;", build(DeathKind.KILL)),
    "NULs between a BOM and the first row": (
        "\ufeff" + "\0" * 100 + f"{TIME};Ann;{A};Bob;{B};Mosin;83;",
        build(DeathKind.KILL),
    ),
    "NULs in front, as a crash leaves them": (
        "\0" * 4096 + f"{TIME};Ann;{A};Bob;{B};Mosin;83;",
        build(DeathKind.KILL),
    ),
    "semicolon in the killer's name": (
        f"{TIME};A;n;n;{A};Bob;{B};Mosin;83;",
        build(DeathKind.KILL, killer_name="A;n;n"),
    ),
    "semicolon in the victim's name, new generation": (
        f"{TIME};Ann;{A};B;ob;{B};Mosin;83;PS5;XSX;",
        build(DeathKind.KILL, victim_name="B;ob", killer_platform="PS5", victim_platform="XSX"),
    ),
    "semicolons in both names, as many columns as the new generation": (
        f"{TIME};A;nn;{A};B;ob;{B};Mosin;83;",
        build(DeathKind.KILL, killer_name="A;nn", victim_name="B;ob"),
    ),
    "semicolons in a row, without a killer": (
        f"{TIME};;;B;;ob;{B};;1;",
        build(DeathKind.UNKNOWN, killer_id=None, killer_name="", victim_name="B;;ob", weapon="", distance=1),
    ),
    "names with spaces around": (
        f"{TIME}; Ann ;{A};Bob;{B};Mosin;83;",
        build(DeathKind.KILL, killer_name=" Ann "),
    ),
    "unknown weapon": (
        f"{TIME};Ann;{A};Bob;{B};Laser 2000;83;",
        build(DeathKind.KILL, weapon="Laser 2000"),
    ),
    "empty weapon of a kill": (f"{TIME};Ann;{A};Bob;{B};;83;", build(DeathKind.KILL, weapon="")),
    "any distance": (
        f"{TIME};Ann;{A};Bob;{B};Mosin;999999999;",
        build(DeathKind.KILL, distance=999_999_999),
    ),
    "non-ASCII name": (f"{TIME};Änn;{A};Bob;{B};Mosin;83;", build(DeathKind.KILL, killer_name="Änn")),
    "first moment that is believed": (
        f"2015.01.01-00.00.00;Ann;{A};Bob;{B};Mosin;83;",
        build(DeathKind.KILL, written_at=datetime(2015, 1, 1)),  # noqa: DTZ001
    ),
    "last moment that is believed": (
        f"2025.05.08-12.00.00;Ann;{A};Bob;{B};Mosin;83;",
        build(DeathKind.KILL, written_at=LATEST),
    ),
    "names and weapon of more characters than are kept": (
        f"{TIME};{'Ä' * 65};{A};{'😀' * 64}x;{B};{'M' * 900};83;",
        build(DeathKind.KILL, killer_name="Ä" * 64, victim_name="😀" * 64, weapon="M" * 64),
    ),
    "NUL in a name": (f"{TIME};A\0n;{A};Bob;{B};Mosin;83;", build(DeathKind.KILL, killer_name="A\0n")),
}

REJECTED = {
    "empty line": ("", "empty line"),
    "only a carriage return": ("\r", "empty line"),
    "garbage": ("LogInit: Display: nothing", "no semicolon at the end"),
    "cut line": (f"{TIME};Ann;{A};Bo", "no semicolon at the end"),
    "too few columns": (f"{TIME};Ann;{A};Bob;", "4 columns instead of 7 or 9"),
    "too many columns": (f"{TIME};Ann;x;Bob;y;Mosin;83;PS5;XSX;more;", "10 columns instead of 7 or 9"),
    "platform of one player only": (
        f"{TIME};Ann;{A};Bob;{B};Mosin;83;PS5;",
        "8 columns instead of 7 or 9",
    ),
    "commas": (f"{TIME},Ann,{A},Bob,{B},Mosin,83,", "no semicolon at the end"),
    "upper-case id": (f"{TIME};Ann;{A.upper()};Bob;{B};Mosin;83;", "no valid player ids"),
    "foreign id": (f"{TIME};Ann;76561198000000000;Bob;{B};Mosin;83;", "no valid player ids"),
    "no victim id": (f"{TIME};Ann;{A};Bob;;Mosin;83;", "no valid player ids"),
    "no victim name": (f"{TIME};Ann;{A};;{B};Mosin;83;", "no victim name"),
    "three ids": (f"{TIME};Ann;{A};{A};Bob;{B};Mosin;83;x;", "the columns can mean two things"),
    "header": (
        "time;killer;killer_id;victim;victim_id;weapon;distance;",
        "no valid player ids",
    ),
    "other time format": (f"2025-04-10 00:01:18;Ann;{A};Bob;{B};Mosin;83;", "unreadable time"),
    "digits of another script": (
        f"\uff12\uff10\uff12\uff15.04.10-00.01.18;Ann;{A};Bob;{B};Mosin;83;",
        "unreadable time",
    ),
    "day that never was": (f"2025.02.30-00.01.18;Ann;{A};Bob;{B};Mosin;83;", "impossible time"),
    "year zero": (f"0000.01.01-00.00.00;Ann;{A};Bob;{B};Mosin;83;", "impossible time"),
    "leap second": (f"2025.04.10-23.59.60;Ann;{A};Bob;{B};Mosin;83;", "impossible time"),
    "year one, as the game's engine writes a time that was never set": (
        f"0001.01.01-00.00.00;Ann;{A};Bob;{B};Mosin;83;",
        "dated before 2015",
    ),
    "a machine that starts without its clock": (
        f"1970.01.01-00.00.10;Ann;{A};Bob;{B};Mosin;83;",
        "dated before 2015",
    ),
    "before the game": (f"2014.12.31-23.59.59;Ann;{A};Bob;{B};Mosin;83;", "dated before 2015"),
    "just too far ahead": (f"2025.05.08-12.00.01;Ann;{A};Bob;{B};Mosin;83;", "dated too far in the future"),
    "another century": (f"2199.01.01-00.00.00;Ann;{A};Bob;{B};Mosin;83;", "dated too far in the future"),
    "end of the calendar": (f"9999.12.31-23.59.59;Ann;{A};Bob;{B};Mosin;83;", "dated too far in the future"),
    "empty distance": (f"{TIME};Ann;{A};Bob;{B};Mosin;;", "unreadable distance"),
    "fraction of a metre": (f"{TIME};Ann;{A};Bob;{B};Mosin;8.3;", "unreadable distance"),
    "negative distance": (f"{TIME};Ann;{A};Bob;{B};Mosin;-1;", "unreadable distance"),
    "superscript distance": (f"{TIME};Ann;{A};Bob;{B};Mosin;²;", "unreadable distance"),
    "endless distance": (f"{TIME};Ann;{A};Bob;{B};Mosin;1000000000;", "unreadable distance"),
    "long platform": (f"{TIME};Ann;{A};Bob;{B};Mosin;83;PS5;Nintendo64;", "platform too long"),
}


@pytest.mark.parametrize("case", READABLE)
def test_line_becomes_a_row_when_it_can_be_read(case: str) -> None:
    """Every column is read correctly, in both generations of the log."""
    line, expected = READABLE[case]
    assert parse_death_line(line.encode(), latest=LATEST) == expected


def read_rejected(line: bytes) -> tuple[str, str]:
    """Return the stored part of an unreadable line, and the reason."""
    rejected = parse_death_line(line, latest=LATEST)
    assert isinstance(rejected, Rejected)
    return rejected.line, str(rejected.reason)


@pytest.mark.parametrize("case", REJECTED)
def test_line_is_rejected_with_a_reason_when_it_cannot_be_read(case: str) -> None:
    """An invalid line is not guessed at, but stored with the reason."""
    line, reason = REJECTED[case]
    assert read_rejected(line.encode()) == (line.removesuffix("\r"), reason)


@pytest.mark.parametrize(("rest", "reason"), [("", "empty line"), ("x", "no semicolon at the end")])
def test_block_of_nuls_is_rejected_with_what_stands_behind_it(rest: str, reason: str) -> None:
    """Admins see the visible rest of the line."""
    assert read_rejected(b"\0" * 4096 + rest.encode()) == (rest, reason)


def test_line_is_read_when_its_name_is_in_windows_1252() -> None:
    """One byte that is not UTF-8 does not lose the line."""
    line = f"{TIME};\xc4nn;{A};Bob;{B};Mosin;83;".encode("cp1252")
    assert parse_death_line(line, latest=LATEST) == build(DeathKind.KILL, killer_name="\xc4nn")


def test_byte_is_replaced_when_no_encoding_knows_it() -> None:
    """Neither UTF-8 nor Windows-1252 has the byte 0x81 alone."""
    assert decode_line(b"A\x81n") == "A\ufffdn"


@pytest.mark.parametrize("size", [MAX_LINE_BYTES + 1, 1_000_000])
def test_line_is_rejected_and_cut_when_it_is_far_too_long(size: int) -> None:
    """300 characters of a line of a megabyte are stored, even if they take more bytes."""
    assert read_rejected("ж".encode() * size) == ("ж" * 300, "longer than 2,048 bytes")


def test_hostile_line_is_rejected_when_it_is_made_to_be_searched_for_long() -> None:
    """Semicolons and ids everywhere end in a reason, not in an endless search."""
    many = (f";{A};" + ";" * 30) * 30
    assert read_rejected(f"{TIME}{many};".encode()) == (
        f"{TIME}{many};"[:300],
        "the columns can mean two things",
    )
    none = f"{TIME};;{A};" + ";" * 1900
    assert isinstance(parse_death_line(none.encode(), latest=LATEST), Rejected)


@given(st.binary(max_size=400))
def test_any_bytes_give_a_value(data: bytes) -> None:
    """No bytes raise an error."""
    assert isinstance(parse_death_line(data, latest=LATEST), DeathRow | Rejected)


COLUMNS = st.sampled_from(["", "Ann", A, B, TIME, "Mosin", "83", "PS5", "\0", "ö", "x" * 9, "00020"])


@given(st.lists(COLUMNS, max_size=14))
def test_columns_in_any_order_give_a_value(columns: list[str]) -> None:
    """Valid columns in a wrong order raise no error."""
    assert isinstance(
        parse_death_line((";".join(columns) + ";").encode(), latest=LATEST), DeathRow | Rejected
    )


NAMES = st.text(
    st.characters(exclude_characters=";\n\r\ufeff", exclude_categories=["Cs"]), min_size=1, max_size=16
)
IDS = st.integers(0, 16**28 - 1).map(lambda number: PlayerId(f"0002{number:028x}"))


@st.composite
def _rows(draw: st.DrawFn) -> DeathRow:
    """Any row that the game can write."""
    has_killer = draw(st.booleans())
    killer_id = draw(IDS) if has_killer else None
    victim_id = draw(st.sampled_from([killer_id, None])) or draw(IDS)
    weapon = draw(st.sampled_from(["Mosin", "falling", "boat", "suicide_by_relocation", ""]))
    at = draw(st.datetimes(EARLIEST_WRITTEN_AT, LATEST))
    return DeathRow(
        written_at=at.replace(microsecond=0),
        kind=classify(killer_id, victim_id, weapon),
        killer_id=killer_id,
        killer_name=draw(NAMES) if has_killer else "",
        victim_id=victim_id,
        victim_name=draw(NAMES),
        weapon=weapon,
        distance=draw(st.integers(0, 999_999_999)),
        killer_platform=draw(st.sampled_from(["PS5", "XSX", ""])) if has_killer else "",
        victim_platform=draw(st.sampled_from(["PS5", "XSX", ""])),
    )


@given(_rows())
def test_row_survives_writing_and_reading(row: DeathRow) -> None:
    """A row that the game writes in the newer generation is read unchanged."""
    assert parse_death_line(render_row(row).encode(), latest=LATEST) == row


@given(_rows())
def test_row_loses_only_its_platforms_in_the_older_generation(row: DeathRow) -> None:
    """The older generation has the same facts, without platforms."""
    line = render_row(row, with_platforms=False).encode()
    assert parse_death_line(line, latest=LATEST) == row._replace(killer_platform="", victim_platform="")


@pytest.mark.parametrize("with_platforms", [True, False])
def test_battle_written_in_bulk_is_read_without_a_rejected_line(
    tmp_path: Path, *, with_platforms: bool
) -> None:
    """The bot reads the rows of the simulated game."""
    paths = Battle(3).write_files(tmp_path, rows=500, days=2, with_platforms=with_platforms)
    lines = [line for path in paths for line in path.read_bytes().splitlines()]
    rows = [parse_death_line(line, latest=LATEST) for line in lines]
    assert [type(row) for row in rows] == [DeathRow] * 500


def test_lines_come_with_their_offsets() -> None:
    """Offsets are bytes, a carriage return stays, and a last line without a line feed is left out."""
    data = "ä;\r\n\nb;\nrest".encode()
    assert list(iterate_lines(data)) == [(0, "ä;\r".encode()), (5, b""), (6, b"b;")]
