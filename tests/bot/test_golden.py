"""Real days and generated battles: the bot's figures equal those of the logs."""

import asyncio
import random
from datetime import datetime

import pytest

from simulation.counting import count_rows
from simulation.game_host.log_files import GameServerFiles, render_row
from simulation.posts import expect_posts, read_posts
from tests.bot.stage import Stage, get_fields
from tests.fakes.beside import SAMPLES
from utils.models.deaths import DeathRow
from utils.parsers.deathlog import parse_death_line

DAYS = ("2025.04.10-00.00.00.csv", "2025.04.30-00.00.00.csv", "2025.05.01-00.00.00.csv")
GOLDEN = {
    "first": (339, 340, 137, 10248),
    "second": (341, 343, 177, 10674),
    "third": (133, 134, 124, 3967),
    "all": (813, 817, 438, 24889),
}
"""Sums over all players: kills, deaths, suicides and metres."""
TOP = {
    "first": ("Pikelule", 23, 4, 2, 13, 199),
    "second": ("Hollow_Amtumn_", 57, 1, 1, 57, 6),
    "third": ("Mlsno", 40, 0, 0, 40, 79),
    "all": ("Mlsno", 63, 4, 0, 57, 98),
}
"""The top killer: kills, deaths, suicides, best streak, longest kill."""
FILES = {"first": DAYS[:1], "second": DAYS[1:2], "third": DAYS[2:], "all": DAYS}
NUMBERS = {name: number for number, name in enumerate(FILES, start=1)}

LATEST = datetime(2025, 6, 1)  # noqa: DTZ001 - wall clock of the logs

needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the real days are not on this machine")


def summarise(stage: Stage, name: str) -> tuple[int, ...]:
    """Return the sums over all players of a server, from MongoDB."""
    players = stage.read_counters(name).values()
    return tuple(sum(one[key] for one in players) for key in ("kills", "deaths", "suicides", "metres"))


async def verify_golden(stage: Stage, name: str) -> None:
    """Compare a server with the golden values: sums, ``/stats`` of the top killer, and the board."""
    assert summarise(stage, name) == GOLDEN[name]
    player, kills, deaths, suicides, streak, longest = TOP[name]
    board = await stage.ask("/leaderboard", by=stage.player, board="kills", server=name)
    escaped = player.replace("_", "\\_")
    assert board.embed["description"].splitlines()[2].endswith(f" **{escaped}** — {kills} kills")
    fields = get_fields((await stage.ask("/stats", by=stage.player, player=player, server=name)).embed)
    expected = {
        "Kills": str(kills),
        "Deaths": str(deaths),
        "K/D": f"{kills / max(deaths, 1):.2f}",
        "Respawns and accidents": str(suicides),
        "Best streak": str(streak),
        "Longest kill": f"{longest}\u00a0m",
    }
    assert {key: fields.get(key, "0") for key in expected} == expected
    assert fields["Rank"].startswith("#1 of ")


def write_day(files: GameServerFiles, day: str, data: bytes) -> None:
    """Append bytes to a day's file."""
    path = files.deathlogs / "world_0" / day
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(data)


@needs_samples
async def test_golden_values_are_shown_when_the_real_days_are_imported(stage: Stage) -> None:
    """The history import of each day, and of all days together, has the known figures."""
    for name, days in FILES.items():
        files = stage.open_files(NUMBERS[name])
        for day in days:
            write_day(files, day, (SAMPLES / day).read_bytes())
        await stage.add_server(name, number=NUMBERS[name])
    for name in FILES:
        await verify_golden(stage, name)


@needs_samples
async def test_golden_values_are_shown_when_the_real_days_are_written_live(stage: Stage, seed: int) -> None:
    """Days that grow in pieces while the bot reads have the same figures; all but respawns are posted."""
    rng = random.Random(seed)
    for name in FILES:
        write_day(stage.open_files(NUMBERS[name]), FILES[name][0], b"")
        await stage.add_server(name, number=NUMBERS[name])
    await stage.ask("/admin channel set", kind="killfeed", channel=stage.feed, server="third")
    for name, days in FILES.items():
        for day in days:
            await write_in_pieces(stage.open_files(NUMBERS[name]), day, rng)
    rows = {name: sum(count_lines(day) for day in days) for name, days in FILES.items()}
    for name, count in rows.items():
        await stage.wait_for_deaths(count, name)
        await verify_golden(stage, name)
    lines = [line for day in FILES["third"] for line in (SAMPLES / day).read_bytes().splitlines()]
    written = [parse_death_line(line, latest=LATEST) for line in lines]
    expected = expect_posts([row for row in written if isinstance(row, DeathRow)])
    assert len(expected) < rows["third"]  # respawns are not posted at first
    assert read_posts(await stage.wait_for_posts(len(expected))) == expected


async def write_in_pieces(files: GameServerFiles, day: str, rng: random.Random) -> None:
    """Write a real day in pieces of random lengths, with pauses."""
    data = (SAMPLES / day).read_bytes()
    while data:
        length = rng.randint(1, 3000)
        write_day(files, day, data[:length])
        data = data[length:]
        await asyncio.sleep(rng.random() * 0.05)


def count_lines(day: str) -> int:
    """Return the number of deaths of a real day."""
    return (SAMPLES / day).read_bytes().count(b"\n")


async def test_battle_counts_as_recounted_when_half_is_history_and_half_is_live(
    stage: Stage, seed: int
) -> None:
    """With midnights, cut lines and both generations of rows, no death is lost or doubled."""
    rng = random.Random(seed)
    rows = stage.take(1500)
    history, live = rows[:1000], rows[1000:]
    files = stage.open_files()
    files.with_platforms = False
    files.append(*history)
    await stage.set_channel()
    await stage.add_server("North")
    for start in range(0, len(live), 25):
        part = live[start : start + 25]
        files.with_platforms = rng.random() < 0.5
        if start % 100 == 0:
            files.append(*part[:-1])
            files.append_cut(part[-1], kept_bytes=rng.randint(1, len(render_row(part[-1])) - 20))
            await asyncio.sleep(rng.random() * 0.3)
            files.finish_cut()
        else:
            files.append(*part)
        await asyncio.sleep(rng.random() * 0.05)
    posts = await stage.wait_for_posts(len(live))

    assert read_posts(posts) == expect_posts(live, history)
    assert stage.read_counters() == count_rows(rows).summarise()
    assert stage.count_deaths() == len(rows)


async def test_weeks_of_history_are_imported_as_recounted(stage: Stage) -> None:
    """Thousands of rows over many days have the figures of an independent count."""
    rows = stage.take(9000)
    stage.open_files().append(*rows)
    await stage.add_server("North")
    assert stage.read_counters() == count_rows(rows).summarise()
    page = await stage.ask("/leaderboard", by=stage.player, board="streak")
    best = max(tally.best_streak for tally in count_rows(rows).players.values())
    assert f"— {best} in a row" in page.embed["description"].splitlines()[2]
