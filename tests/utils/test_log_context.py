"""The context of the log: inherited by everything inside a block, with an id for each piece of work."""

import asyncio
import re
from typing import Any

from structlog.contextvars import get_contextvars

from tests.fakes.clock import FakeClock, settle
from utils.database.core.threads import call_in_thread
from utils.log_context import bind_log_context, draw_correlation_id, find_correlation_id
from utils.models.scope import GuildId, MemberId, ServerId
from utils.tasks import TaskManager


async def test_block_hands_its_values_on_to_all_that_it_starts() -> None:
    """A coroutine, a task and a thread of a block have its values; after it they are gone."""

    async def look() -> dict[str, Any]:
        return get_contextvars()

    bound = bind_log_context(
        GuildId(7),
        server_id=ServerId("abcd"),
        member_id=MemberId(9),
        command="stats",
        correlation_id="c-5",
    )
    with bound:
        seen = [await look(), await asyncio.create_task(look()), await call_in_thread(get_contextvars)]
    expected = {"guild": 7, "server": "abcd", "member": 9, "command": "stats", "id": "c-5"}
    assert seen == [expected] * 3
    assert get_contextvars() == {}


def test_work_within_other_work_names_it_as_its_parent() -> None:
    """An inner id has the outer one as parent; the same id again changes nothing."""
    with bind_log_context(correlation_id="p-1"):
        with (
            bind_log_context(GuildId(7), correlation_id="nonce"),
            bind_log_context(correlation_id="nonce", system="xp"),
        ):
            inner = get_contextvars()
        outer = get_contextvars()
    assert inner == {"guild": 7, "id": "nonce", "parent": "p-1", "system": "xp"}
    assert outer == {"id": "p-1"}


def test_drawn_id_is_short_and_names_the_kind_of_work() -> None:
    """A drawn id has 8 characters of base32 behind its letter, and is drawn again each time."""
    drawn = {draw_correlation_id("p") for _ in range(100)}
    assert len(drawn) == 100
    assert all(re.fullmatch(r"p-[a-z2-7]{8}", one) for one in drawn)


async def test_each_run_of_a_task_has_an_id_and_names_the_work_that_started_it() -> None:
    """A task keeps nothing else of that work: neither its guild nor its command."""
    clock = FakeClock()
    seen: list[dict[str, Any]] = []
    tasks = TaskManager(clock)

    async def look() -> None:
        seen.append(get_contextvars())

    with bind_log_context(GuildId(7), member_id=MemberId(9), command="setup", correlation_id="c-5"):
        tasks.start("own", look, interval_seconds=10)
        tasks.start("its", look, guild_id=GuildId(8))
    await settle()
    await clock.advance(10)
    await tasks.stop()
    assert seen == [
        {"task": "own", "id": "t-own-1", "parent": "c-5"},
        {"task": "its", "id": "t-its-1", "parent": "c-5", "guild": 8},
        {"task": "own", "id": "t-own-2", "parent": "c-5"},
    ]
    assert find_correlation_id() is None


async def test_turn_of_a_guild_is_logged_as_its_own() -> None:
    """In a round over guilds each turn has its guild, and the round has none."""
    seen: list[dict[str, Any]] = []

    async def look(_: object) -> None:
        seen.append(get_contextvars())

    await TaskManager(FakeClock()).for_each("round", [GuildId(1), (GuildId(2), "board"), "neither"], look)
    assert seen == [{"guild": 1}, {"guild": 2}, {}]
    assert get_contextvars() == {}
