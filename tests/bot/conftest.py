"""The whole bot as a process, between a simulated Discord and a simulated game host."""

import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from simulation.bot_process import build_environment
from simulation.discord import Message
from simulation.discord.mentions import Pings
from simulation.starts import Starter, open_warm_starts
from simulation.town import open_town
from simulation.traces import find_secrets, list_stumbles
from tests.bot.process import clear_database, starting_by
from tests.bot.stage import Stage

StageFactory = Callable[..., Awaitable[Stage]]
DATABASE = "stage"
SETTINGS = {"polling": {"min_interval_seconds": 0.2}}


@asynccontextmanager
async def open_stage(folder: Path, *, mongodb_uri: str, seed: int, starter: Starter) -> AsyncIterator[Stage]:
    """Open the stage. At its end check that the bot broke no rule of Discord and revealed no secret."""
    opened = open_town(
        folder, settings=SETTINGS, mongodb_uri=mongodb_uri, enforce_rate_limits=False, starter=starter
    )
    async with opened as town:
        if mongodb_uri:
            clear_database(DATABASE, mongodb_uri)
            town.bot.database = DATABASE
            town.bot.configure()
        stage = Stage.build(town.world, town.host, town.bot, seed=seed)
        yield stage
        check_manners(stage)


def check_manners(stage: Stage) -> None:
    """Assert the rules of every test: no traceback, no breach of Discord's rules, no ping, no secret.

    A reply that tells the end of a proof pings its member alone, and a post about events its role alone.
    """
    assert list_stumbles(stage.bot.output) == []
    assert stage.world.violations == []
    assert stage.world.contract_violations == []
    pinging = [message for message in stage.messages if message.pings]
    unasked = [one for one in pinging if one.reference is None or not pings_one_member(one)]
    assert [one.content for one in unasked if not pings_one_role(one)] == []
    assert find_secrets(stage.secrets, stage.bot, stage.world) == []


def pings_one_member(message: Message) -> bool:
    """Tell whether a message pings only the member whom it names first."""
    named = {user for user in message.pings.users if message.content.startswith(f"<@{user}>")}
    return message.pings == Pings(users=frozenset(named))


def pings_one_role(message: Message) -> bool:
    """Tell whether a message pings only the role that is all that it says beside its embeds."""
    named = {role for role in message.pings.roles if message.content == f"<@&{role}>"}
    return message.pings == Pings(roles=frozenset(named))


@pytest.fixture(name="seed")
def _seed(request: pytest.FixtureRequest) -> int:
    """Return a number that depends only on the test's name."""
    return zlib.crc32(request.node.nodeid.encode())


@pytest.fixture(name="starter", scope="session", autouse=True)
def _starter() -> Iterator[Starter]:
    """Start bots and calls with their modules loaded already."""
    with open_warm_starts(build_environment()) as starter, starting_by(starter):
        yield starter


@pytest.fixture(name="open_stage")
async def _open_stage(
    tmp_path: Path, seed: int, mongod_uri: str, starter: Starter
) -> AsyncIterator[StageFactory]:
    """Open a stage with a stopped bot; ``is_embedded`` gives the bot its own mongod."""
    async with AsyncExitStack() as stack:

        async def build(*, is_embedded: bool = False) -> Stage:
            uri = "" if is_embedded else mongod_uri
            opened = open_stage(tmp_path, mongodb_uri=uri, seed=seed, starter=starter)
            return await stack.enter_async_context(opened)

        yield build


@pytest.fixture(name="stage")
async def _stage(tmp_path: Path, seed: int, mongod_uri: str, starter: Starter) -> AsyncIterator[Stage]:
    """Open a stage with a running bot; it must stop cleanly at the end."""
    async with open_stage(tmp_path, mongodb_uri=mongod_uri, seed=seed, starter=starter) as stage:
        await stage.bot.start()
        yield stage
        if stage.bot.is_running:
            assert await stage.bot.stop() == 0, stage.bot.output
