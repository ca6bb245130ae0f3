"""Deaths in the proportions of real days."""

import re
from collections import Counter
from datetime import datetime, timedelta
from itertools import islice, pairwise
from pathlib import Path

import pytest

from simulation.game_host.battle import Battle
from simulation.game_host.log_files import render_row
from utils.models.deaths import DeathKind

NAME = re.compile(r"[A-Za-z0-9_-](?:[A-Za-z0-9_ -]{2,14})[A-Za-z0-9_-]")
ID = re.compile(r"0002[0-9a-f]{28}")


def test_same_seed_makes_the_same_battle() -> None:
    """A failure in a simulated world can be repeated."""
    assert list(islice(Battle(7).rows(), 500)) == list(islice(Battle(7).rows(), 500))
    assert list(islice(Battle(7).rows(), 5)) != list(islice(Battle(8).rows(), 5))


def test_proportions_are_those_of_real_days() -> None:
    """About 71 % kills, 28 % self-deaths, few without a killer; some rows share their second."""
    rows = list(islice(Battle().rows(), 6000))
    kinds = Counter(row.kind for row in rows)
    shares = {kind: kinds[kind] / len(rows) for kind in DeathKind}
    assert 0.60 < shares[DeathKind.KILL] < 0.75
    assert 0.20 < shares[DeathKind.MENU] < 0.35
    assert 0.03 < shares[DeathKind.FALL] < 0.09
    assert 0 < shares[DeathKind.UNKNOWN] < 0.01
    assert 0 < shares[DeathKind.VEHICLE] < 0.03
    assert 0 < shares[DeathKind.SELF] < 0.03
    shared = [(a, b) for a, b in pairwise(rows) if a.written_at == b.written_at]
    assert 0.008 < len(shared) / len(rows) < 0.04
    assert [a for a, b in shared if (a.killer_id, a.victim_id) == (b.victim_id, b.killer_id)]
    span = rows[-1].written_at - rows[0].written_at
    assert timedelta(days=9) < span < timedelta(days=14)


def test_rows_obey_the_log_rules() -> None:
    """Names, ids, empty killers, distances and order are as the game writes them."""
    rows = list(islice(Battle(3).rows(), 3000))
    for row in rows:
        assert NAME.fullmatch(row.victim_name)
        assert ID.fullmatch(row.victim_id)
        assert (row.killer_id is None) == (row.kind is DeathKind.UNKNOWN)
        assert row.kind.is_suicide == (row.killer_id == row.victim_id)
        assert bool(row.killer_name) == bool(row.weapon) == bool(row.killer_platform) == bool(row.killer_id)
        assert 0 <= row.distance <= 393
        if row.kind in (DeathKind.VEHICLE, DeathKind.UNKNOWN):
            assert row.distance == 1
    assert [row.written_at for row in rows] == sorted(row.written_at for row in rows)


def test_nobody_dies_twice_in_a_second() -> None:
    """Equal rows would be one death, and the counts of a test would be wrong."""
    rows = list(islice(Battle(5).rows(), 20_000))
    assert len({(row.written_at, row.victim_id) for row in rows}) == len(rows)


@pytest.mark.parametrize(("with_platforms", "parts"), [(True, 10), (False, 8)])
def test_bulk_files_hold_so_many_rows_over_so_many_days(
    tmp_path: Path,
    with_platforms: bool,  # noqa: FBT001 - a row of the table
    parts: int,
) -> None:
    """There is one file for each day, in order, without equal rows, in either generation."""
    battle = Battle(start=datetime(2025, 5, 1))  # noqa: DTZ001 - logs carry no zone
    paths = battle.write_files(tmp_path / "world_0", rows=5003, days=5, with_platforms=with_platforms)
    assert [path.name for path in paths] == [f"2025.05.0{day}-00.00.00.csv" for day in range(1, 6)]
    lines = [line for path in paths for line in path.read_text("ascii").splitlines()]
    columns = [line.split(";") for line in lines]
    assert {len(line) for line in columns} == {parts}
    assert len({(line[0], line[4]) for line in columns}) == len(lines) == 5003
    assert lines == sorted(lines, key=lambda line: line[:19])
    assert {line[0][:10] for line in columns} == {f"2025.05.0{day}" for day in range(1, 6)}


def test_bulk_rows_look_like_single_rows() -> None:
    """The fast and the slow writer agree about every form of a row."""
    shape = re.compile(r"[^;]+;([^;]*);([0-9a-f]*);[^;]+;[0-9a-f]{32};([^;]*);\d+;([A-Z0-9]*);[A-Z0-9]+;")
    for row in islice(Battle(9).rows(), 2000):
        match = shape.fullmatch(render_row(row))
        assert match is not None
        assert match.groups() == (row.killer_name, row.killer_id or "", row.weapon, row.killer_platform)
