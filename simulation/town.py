"""A town: a simulated Discord with its communities, a game host, and the bot.

The demo, the soak, the benchmarks and the tests of the whole bot use it, and extend it in their own modules.
"""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulation.bot_process import NONE, BotFailedError, BotProcess, Settings
from simulation.discord import Channel, Guild, Interaction, Member, Message, SimulatedDiscord, User
from simulation.game_host.host import GameHost
from simulation.posts import is_about, split_posts
from simulation.starts import Starter, start_cold

USERNAME = "renter"
CHECK_SECONDS = 120.0  # for the form of a new game server, because the bot tests its login
IMPORT_SECONDS = 120.0

Embed = dict[str, Any]


@dataclass(eq=False, kw_only=True)
class Community:
    """A Discord server of the town.

    Attributes:
        host: the host of its game servers.
        admin: its owner, who configures the bot.
        office: the channel for commands, in which the bot also shows the progress of an import.
        feed: the channel for kills.
    """

    world: SimulatedDiscord
    host: GameHost
    guild: Guild
    admin: Member
    office: Channel
    feed: Channel

    @classmethod
    def found(
        cls,
        world: SimulatedDiscord,
        host: GameHost,
        name: str,
        *,
        owner: User | None = None,
        office: str = "office",
        shard: tuple[int, int] = (0, 1),
    ) -> "Community":
        """Create a community on one (index, count) of the shards, its office under a name of its own."""
        guild = world.create_guild(name, owner=owner, shard=shard)
        return cls(
            world=world,
            host=host,
            guild=guild,
            admin=world.owner_of(guild),
            office=world.create_channel(guild, office),
            feed=world.create_channel(guild, "killfeed"),
        )

    async def ask(self, command: str, /, *, by: Member | None = None, **options: Any) -> Interaction:
        """Use a command in the office as the admin, or as ``by``; return the answer."""
        return await (by or self.admin).ask(self.office, command, **options)

    async def set_channel(self, kind: str = "killfeed", channel: Channel | None = None) -> Interaction:
        """Let the admin choose a channel, by default that for kills."""
        return await self.ask("/admin channel set", kind=kind, channel=channel or self.feed)

    def describe_server(self, name: str, **options: Any) -> dict[str, Any]:
        """Return the options of ``/admin server add``, without those that are None."""
        given = {"name": name, "host": self.host.address, "port": self.host.port, "username": USERNAME}
        return {key: value for key, value in (given | options).items() if value is not None}

    async def fill_in_server(
        self, name: str, *, password: str | None = None, private_key: str = "", **options: Any
    ) -> Interaction:
        """Let the admin add a game server, with the right password unless given; return the form's answer."""
        form = await self.ask("/admin server add", **self.describe_server(name, **options))
        if form.modal is None:
            return form  # refused before its password was asked for
        typed = self.host.users[USERNAME].password if password is None else password
        return await (await form.submit_modal({"Password": typed, "Private key": private_key})).wait(
            CHECK_SECONDS
        )

    async def add_server(self, name: str, **options: Any) -> Interaction:
        """Add a game server and wait until its history is read; return the answer to the form.

        Raises:
            BotFailedError: the bot could not read the server.
        """
        answer = await self.fill_in_server(name, **options)
        if answer.embed["title"].startswith("❌"):
            raise BotFailedError(f"The bot could not add {name}: {answer.embed}")
        await self.wait_for_import(name)
        return answer

    def find_imports(self, name: str) -> list[Message]:
        """Return the messages in the office that report a finished import of a server."""
        done = f"History of {name} imported"
        messages = self.office.messages
        return [one for one in messages if any(done in embed.get("title", "") for embed in one.embeds)]

    async def wait_for_import(self, name: str, within_seconds: float = IMPORT_SECONDS) -> Message:
        """Wait until the history of a server is read and counted; return the message that reports it."""
        what = f"the import of {name}"
        await self.world.until(lambda: bool(self.find_imports(name)), within_seconds, what)
        return self.find_imports(name)[-1]

    @property
    def posts(self) -> list[Embed]:
        """The posts of the channel for kills, a death each, oldest first."""
        return list_posts(self.feed)

    def list_posts_of(self, name: str) -> list[Embed]:
        """Return the deaths of one game server that were posted, oldest first."""
        return [post for post in self.posts if is_about(post, name)]


@dataclass(eq=False, kw_only=True)
class Town:
    """A Discord, a game host and the bot."""

    world: SimulatedDiscord
    host: GameHost
    bot: BotProcess

    def found(self, name: str, **options: Any) -> Community:
        """Create a community with game servers on the host; see ``Community.found``."""
        return Community.found(self.world, self.host, name, **options)


def list_posts(channel: Channel) -> list[Embed]:
    """Return the posts of a channel, a death each, oldest first."""
    return [post for embed in list_embeds(channel) for post in split_posts(embed)]


def list_embeds(channel: Channel) -> list[Embed]:
    """Return the embeds of a channel, oldest first."""
    return [embed for message in channel.messages for embed in message.embeds]


@asynccontextmanager
async def open_host(root: Path) -> AsyncIterator[GameHost]:
    """Run a game host over a new folder until the end of a block; its password is random."""
    root.mkdir(parents=True)  # noqa: ASYNC240 - before anything is served
    async with GameHost(root, {USERNAME: f"pw-{secrets.token_urlsafe(12)}"}) as host:
        yield host


@asynccontextmanager
async def open_town(
    folder: Path,
    *,
    settings: Settings = NONE,
    mongodb_uri: str = "",
    enforce_rate_limits: bool = True,
    starter: Starter = start_cold,
) -> AsyncIterator[Town]:
    """Open a town until the end of a block.

    Its bot is not started yet, and is stopped at the end of the block.

    Args:
        folder: the folder for all files.
        settings: the bot's settings, see ``BotProcess``.
        mongodb_uri: a MongoDB that runs already; None: the bot starts its own.
        enforce_rate_limits: whether Discord enforces its rate limits.
        starter: the way to start the bot's process.
    """
    async with (
        SimulatedDiscord(enforce_rate_limits=enforce_rate_limits) as world,
        open_host(folder / "host") as host,
    ):
        bot = BotProcess(folder / "bot", world, settings=settings, mongodb_uri=mongodb_uri, starter=starter)
        try:
            yield Town(world=world, host=host, bot=bot)
        finally:
            await bot.clean_up()
