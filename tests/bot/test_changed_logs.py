"""Hosts that lie, stall and change their files during a read: no row is lost or repeated."""

import os
from datetime import timedelta
from itertools import count

import pytest

from simulation.counting import count_rows
from simulation.game_host.log_files import GameServerFiles
from simulation.posts import expect_posts, read_posts
from tests.bot.process import until
from tests.bot.stage import Stage
from utils.models.deaths import DeathRow

HOUR = timedelta(hours=1)

pytestmark = pytest.mark.fault


async def begin(stage: Stage, *, history: int = 30) -> tuple[GameServerFiles, list[DeathRow]]:
    """Set the killfeed up; return the server's files and their rows."""
    files, rows = stage.open_files(), stage.take(history)
    files.append(*rows)
    await stage.set_channel()
    await stage.add_server("North")
    return files, rows


async def check_end(stage: Stage, live: list[DeathRow], history: list[DeathRow]) -> None:
    """Assert that each live row is posted once and in order, and that all figures are right."""
    assert read_posts(await stage.wait_for_posts(len(live))) == expect_posts(live, history)
    assert stage.count_deaths() == len(history) + len(live)
    assert stage.read_counters() == count_rows([*history, *live]).summarise()


async def test_nothing_is_lost_when_a_host_lies_about_sizes_and_reads_little(stage: Stage) -> None:
    """Wrong sizes and short, slow answers neither lose nor repeat a row."""
    files, history = await begin(stage)
    faults, live = stage.host.faults, stage.take(50)
    files.append(*live[:10])
    faults.size_lie = 400
    files.append(*live[10:20])
    await stage.wait_for_posts(20)
    faults.size_lie = -100
    files.append(*live[20:30])
    await stage.wait_for_posts(29)  # the end of the last row is not visible
    faults.size_lie, faults.short_reads, faults.slow_seconds = 0, 50, 0.01
    files.append(*live[30:40])
    await stage.wait_for_posts(40)
    faults.clear()
    files.append(*live[40:])
    await check_end(stage, live, history)


async def test_nothing_is_lost_when_a_file_ends_and_a_new_one_begins_in_the_middle_of_a_read(
    stage: Stage,
) -> None:
    """While a read waits for its answer, the game writes to the old file and then to a new one."""
    files, history = await begin(stage)
    live, numbers = stage.take(20), count(1)
    for position in range(0, len(live), 10):
        stage.host.faults.stall_reads()
        asked = stage.host.requests["read"]
        files.append(*live[position : position + 3])
        await until(lambda asked=asked: stage.host.requests["read"] > asked)
        files.append(*live[position + 3 : position + 6])
        files.start_file(live[position].written_at + timedelta(seconds=next(numbers)))
        files.append(*live[position + 6 : position + 10])
        stage.host.faults.resume()
        await stage.wait_for_posts(position + 10)
    await check_end(stage, live, history)


async def test_nothing_is_lost_or_repeated_when_a_file_is_emptied_replaced_and_restored(stage: Stage) -> None:
    """The bot knows the old content of a file, even if another file has its name now."""
    files, history = await begin(stage)
    live = stage.take(60)
    files.append(*live[:10])
    await stage.wait_for_posts(10)
    files.truncate(0)
    files.append(*live[10:20])
    await stage.wait_for_posts(20)
    files.replace(*live[:30])
    await stage.wait_for_posts(30)
    files.replace(*live[20:30])  # an old copy, shorter than the part that was read
    files.append(*live[30:40])
    await stage.wait_for_posts(40)
    stage.host.faults.stall_reads()
    asked = stage.host.requests["read"]
    files.append(*live[40:45])
    await until(lambda: stage.host.requests["read"] > asked)
    files.rewrite(*live[35:50])  # while the bot may have it open
    stage.host.faults.resume()
    await stage.wait_for_posts(50)
    os.utime(files.current(), (0, 0))  # a meaningless time of the file
    files.append(*live[50:])
    await check_end(stage, live, history)


async def test_every_death_is_news_when_the_hosts_clock_jumps(stage: Stage) -> None:
    """Rows with times that are hours off are posted as they come, and counted by their times."""
    files, history = await begin(stage)
    live: list[DeathRow] = []
    for shift in (timedelta(), 7 * HOUR, -5 * HOUR, timedelta(), -50 * HOUR, 30 * HOUR):
        rows = [row._replace(written_at=row.written_at + shift) for row in stage.take(6)]
        with files.current().open("ab") as log:
            log.write(b"".join(map(files.encode, rows)))
        live += rows
        await stage.wait_for_posts(len(live))
    posted = [post.names for post in read_posts(stage.posts)]
    assert posted == [post.names for post in expect_posts(live)]
    in_time = sorted([*history, *live], key=lambda row: row.written_at)
    assert stage.read_counters() == count_rows(in_time).summarise()
