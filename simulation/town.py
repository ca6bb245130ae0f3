"""A town: a simulated Discord with its communities, a game host, and the whole bot between them.

The demo, the soak, the benchmarks and the tests of the whole bot all play in one; what each adds to it stands
with them.
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

USERNAME = "renter"
CHECK_SECONDS = 120.0  # for the form of a new game server, whose login is tried
IMPORT_SECONDS = 120.0

Embed = dict[str, Any]


@dataclass(eq=False, kw_only=True)
class Community:
    """A Discord server of the town.

    Attributes:
        host: where its game servers are.
        admin: its owner, who sets the bot up.
        office: where commands are used, and where the bot tells how an import goes on.
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
        """Use a command in the office, as the admin unless somebody else is named; return the answer."""
        return await (by or self.admin).ask(self.office, command, **options)

    async def set_channel(self, kind: str = "killfeed", channel: Channel | None = None) -> Interaction:
        """Let the admin choose a channel; that for kills unless another is named."""
        return await self.ask("/admin channel set", kind=kind, channel=channel or self.feed)

    def describe_server(self, name: str, **options: Any) -> dict[str, Any]:
        """Return what the admin gives to ``/admin server add``; an option that is None is left out."""
        given = {"name": name, "host": self.host.address, "port": self.host.port, "username": USERNAME}
        return {key: value for key, value in (given | options).items() if value is not None}

    async def fill_in_server(self, name: str, *, password: str | None = None, **options: Any) -> Interaction:
        """Let the admin add a game server, with the right password unless given; return the form's answer."""
        form = await self.ask("/admin server add", **self.describe_server(name, **options))
        typed = self.host.users[USERNAME].password if password is None else password
        return await (await form.submit_modal({"Password": typed})).wait(CHECK_SECONDS)

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
        """Return the messages in the office which say that the history of a server is read and counted."""
        done = f"The history of {name} is read"
        messages = self.office.messages
        return [one for one in messages if any(done in embed.get("title", "") for embed in one.embeds)]

    async def wait_for_import(self, name: str, within_seconds: float = IMPORT_SECONDS) -> Message:
        """Wait until the history of a server is read and counted; return the message that says so."""
        what = f"the import of {name}"
        await self.world.until(lambda: bool(self.find_imports(name)), within_seconds, what)
        return self.find_imports(name)[-1]

    @property
    def posts(self) -> list[Embed]:
        """The embeds of the channel for kills, oldest first."""
        return list_embeds(self.feed)

    def list_posts_of(self, name: str) -> list[Embed]:
        """Return the deaths of one game server that were posted, oldest first."""
        return [embed for embed in self.posts if f"\n{name} · " in embed["description"]]


@dataclass(eq=False, kw_only=True)
class Town:
    """A Discord, a game host and the bot."""

    world: SimulatedDiscord
    host: GameHost
    bot: BotProcess

    def found(self, name: str, **options: Any) -> Community:
        """Create a community whose game servers are at the host; see ``Community.found``."""
        return Community.found(self.world, self.host, name, **options)


def list_embeds(channel: Channel) -> list[Embed]:
    """Return the embeds of a channel, oldest first."""
    return [embed for message in channel.messages for embed in message.embeds]


@asynccontextmanager
async def open_host(root: Path) -> AsyncIterator[GameHost]:
    """Run a game host over a new folder until the end of a block; its password is made at random."""
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
) -> AsyncIterator[Town]:
    """Open a town until the end of a block; its bot is not started yet, and ends with the block.

    Args:
        folder: for everything that is written.
        settings: of the bot, see ``BotProcess``.
        mongodb_uri: a MongoDB that runs already; else the bot brings its own.
        enforce_rate_limits: whether Discord keeps to its own.
    """
    async with (
        SimulatedDiscord(enforce_rate_limits=enforce_rate_limits) as world,
        open_host(folder / "host") as host,
    ):
        bot = BotProcess(folder / "bot", world, settings=settings, mongodb_uri=mongodb_uri)
        try:
            yield Town(world=world, host=host, bot=bot)
        finally:
            await bot.clean_up()
