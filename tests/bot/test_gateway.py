"""Closed connections of the gateway: every close code, and its visible effects."""

from collections.abc import Awaitable, Callable

import pytest

from simulation.posts import expect_posts, read_posts
from tests.bot.conftest import StageFactory
from tests.bot.process import until
from tests.bot.stage import Stage
from tests.bot.test_command_line import LOG_LINE

RETURNING_CODES = (1000, 1001, 4000, 4001, 4002, 4003, 4005, 4007, 4008, 4009)

pytestmark = pytest.mark.fault


def list_closings(stage: Stage) -> dict[str, Callable[[], Awaitable[None]]]:
    """Return all closings after which a client may reconnect."""
    gateway = stage.world.gateway

    def close_with(code: int) -> Callable[[], Awaitable[None]]:
        return lambda: gateway.drop(code)

    return {
        "a cut": gateway.drop,
        "a wish to reconnect": gateway.request_reconnect,
        "a session to be resumed": lambda: gateway.invalidate_sessions(resumable=True),
        "a session that is over": lambda: gateway.invalidate_sessions(resumable=False),
        **{f"code {code}": close_with(code) for code in RETURNING_CODES},
    }


async def test_bot_comes_back_from_every_way_of_closing_that_allows_it(stage: Stage) -> None:
    """Deaths go on meanwhile, each posted once and in order. Commands are answered before and after."""
    files, history = stage.open_files(), stage.take(10)
    files.append(*history)
    await stage.set_channel()
    await stage.add_server("North")
    closings = list_closings(stage)
    live = stage.take(2 * len(closings))
    for position, (name, close) in enumerate(closings.items()):
        gone = list(stage.world.gateway.connections)
        files.append(live[2 * position])
        await close()
        files.append(live[2 * position + 1])

        def is_back(gone: list[object] = gone) -> bool:
            return stage.world.gateway.is_connected and not stage.world.gateway.connections & set(gone)

        await until(is_back, what=lambda name=name: f"{name}\n{stage.bot.output}")
    posts = await stage.wait_for_posts(len(live))
    assert read_posts(posts) == expect_posts(live, history)
    assert (await stage.ask("/killfeed status")).embed["title"] == "📡 Killfeed status"


@pytest.mark.parametrize(
    ("code", "sentence"),
    [(4004, "Discord refuses the token"), (4013, "gateway code 4013"), (4014, "gateway code 4014")],
)
async def test_bot_ends_with_one_plain_line_when_the_gateway_closes_for_good(
    open_stage: StageFactory, code: int, sentence: str
) -> None:
    """If the token or the intents became invalid, the bot ends with one line that says so."""
    stage = await open_stage()
    await stage.bot.start()
    await stage.world.gateway.drop(code)
    assert await stage.bot.wait_for_exit() == 1
    plain = [line for line in stage.bot.output.splitlines() if not LOG_LINE.match(line)]
    assert sentence in plain[-1]
    assert {line.split()[0] for line in plain[:-1]} <= {"ok", "warn"}  # the report of the start
