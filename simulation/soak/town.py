"""The town of the soak: communities that share a game host, what they ask, and the bot between them."""

import random
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulation.bot_process import BotFailedError, BotProcess, run_bot
from simulation.discord import Channel, Guild, Member, SimulatedDiscord
from simulation.game_host.host import GameHost
from simulation.soak.games import Game
from simulation.soak.hostile import NUMBER as HOSTILE_NUMBER
from simulation.soak.hostile import HostileHost
from utils.clock import Clock

USERNAME = "renter"
GUILDS: tuple[tuple[int, ...], ...] = ((1, 2), (1, 3), (2,))  # the numbers of each one's game servers
IMPORT_SECONDS = 120.0
ANSWER_SECONDS = 15.0  # a bot that was killed answers no more
TRIES_TO_ADD = 5  # two seconds for each operation are short on a machine that stands still now and then
PURSE = 20_000
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "polling": {"min_interval_seconds": 0.5},
    "sftp": {"operation_timeout_seconds": 2, "connect_timeout_seconds": 2},
}


@dataclass(frozen=True, slots=True)
class Registration:
    """A game server as one community knows it."""

    guild: Guild
    game: Game
    name: str

    def list_posted(self) -> list[dict[str, Any]]:
        """Return the embeds about this server in the killfeed of its community, oldest first."""
        feed = self.guild.channel_named("killfeed")
        embeds = (embed for message in feed.messages for embed in message.embeds)
        return [embed for embed in embeds if f"\n{self.name} · " in embed["description"]]


@dataclass(slots=True)
class Town:
    """All there is.

    Attributes:
        secrets: what may stand nowhere in plain.
        asked, answered: how many commands people used, and how many of those came to an answer.
    """

    world: SimulatedDiscord
    host: GameHost
    hostile: HostileHost
    bot: BotProcess
    games: Mapping[int, Game]
    clock: Clock
    chance: random.Random
    secrets: tuple[str, ...]
    registrations: list[Registration] = field(default_factory=list)
    players: list[Member] = field(default_factory=list)
    asked: int = 0
    answered: int = 0

    async def settle_in(self) -> None:
        """Let every community choose its channel, add its servers, and prove one player with a full purse."""
        for index, numbers in enumerate(GUILDS):
            guild = self.world.create_guild(f"Community {index + 1}")
            office = self.world.create_channel(guild, "office")
            feed = self.world.create_channel(guild, "killfeed")
            await self.world.owner_of(guild).ask(office, "/admin channel set", kind="killfeed", channel=feed)
            for number in numbers:
                name = await self._add_server(guild, office, self.host, number)
                self.registrations.append(Registration(guild, self.games[number], name))
            await self._add_player(guild, office, self.games[numbers[0]])
        await self._let_in_the_hostile()

    async def _let_in_the_hostile(self) -> None:
        """Let a community of its own add the hostile host; nothing of it is judged but its last row."""
        guild = self.world.create_guild("Community of the hostile host")
        office = self.world.create_channel(guild, "office")
        await self._add_server(guild, office, self.hostile.host, HOSTILE_NUMBER)

    async def _add_server(self, guild: Guild, office: Channel, host: GameHost, number: int) -> str:
        name = f"Server {number}"
        options = {"name": name, "host": host.address, "username": USERNAME, "number": number}
        for _ in range(TRIES_TO_ADD):
            form = await self.world.owner_of(guild).ask(
                office, "/admin server add", port=host.port, **options
            )
            answer = await (await form.submit_modal({"Password": self.secrets[0]})).wait(IMPORT_SECONDS)
            if not answer.embed["title"].startswith("❌"):
                break
        else:
            raise BotFailedError(f"The soak cannot begin: {answer.embed}")
        done = f"The history of {name} is read"
        await self.world.until(
            lambda: any(done in embed.get("title", "") for one in office.messages for embed in one.embeds),
            within_seconds=IMPORT_SECONDS,
            what=f"the import of {name}",
        )
        return name

    async def _add_player(self, guild: Guild, office: Channel, game: Game) -> None:
        """Make a member the best known fighter of a game, so that kills pay and bounties can be placed."""
        player = self.world.add_member(guild, f"player of {guild.name}")
        best = game.battle.fighters[0].id
        owner = self.world.owner_of(guild)
        answers = [
            await owner.ask(office, "/admin link confirm", member=player, player=best),
            await owner.ask(office, "/admin wallet", member=player, amount=PURSE, reason="soak"),
        ]
        refused = [answer.embed["title"] for answer in answers if answer.embed["title"].startswith("❌")]
        if refused:
            raise BotFailedError(f"The soak cannot begin: {refused}")
        self.players.append(player)

    async def ask_anything(self) -> None:
        """Let somebody use a command; an answer may fail to come while something is broken."""
        player = self.chance.choice(self.players)
        guild = player.guild
        game = self.chance.choice([one.game for one in self.registrations if one.guild is guild])
        command, options = self._choose_command(game)
        actor = self.world.owner_of(guild) if command.startswith("/admin") else player
        self.asked += 1
        asked = await actor.invoke(guild.channel_named("office"), command, **options)
        await asked.wait(ANSWER_SECONDS)
        self.answered += 1

    def _choose_command(self, game: Game) -> tuple[str, dict[str, Any]]:
        first, second = self.chance.sample(game.battle.fighters[:12], 2)
        server = f"Server {game.number}"
        questions: list[tuple[str, dict[str, Any]]] = [
            ("/stats", {"player": first.id}),
            ("/stats", {}),
            ("/compare", {"first": first.id, "second": second.id}),
            ("/leaderboard", {"board": self.chance.choice(["kills", "kd", "streak", "bounties"])}),
            ("/killfeed recent", {"server": server}),
            ("/killfeed status", {}),
            ("/weapons", {"period": "7d"}),
            ("/rivals", {"player": first.id}),
            ("/wallet", {}),
            ("/links", {}),
            ("/bounty list", {}),
            ("/bounty mine", {}),
            ("/bounty place", {"player": second.id, "amount": 100, "server": server}),
            ("/bounty place", {"player": first.id, "amount": 250, "server": server}),
            ("/admin server list", {}),
            ("/admin audit", {}),
        ]
        return self.chance.choice(questions)


@asynccontextmanager
async def open_town(folder: Path, *, seed: int, clock: Clock) -> AsyncIterator[Town]:
    """Start the world and the bot in it; stop both at the end.

    Raises:
        BotFailedError: the bot does not start, or does not end cleanly.
    """
    root, hostile_root = folder / "games", folder / "hostile"
    root.mkdir()
    hostile_root.mkdir()
    password = f"pw-{secrets.token_urlsafe(12)}"
    async with (
        SimulatedDiscord() as world,
        GameHost(root, {USERNAME: password}) as host,
        GameHost(hostile_root, {USERNAME: password}) as stranger,
    ):
        numbers = sorted({number for numbers in GUILDS for number in numbers})
        games = {number: Game.build(host, number, clock=clock, seed=seed) for number in numbers}
        async with run_bot(world, folder / "bot", SETTINGS) as bot:
            chance = random.Random(seed)
            hostile = HostileHost.build(stranger, clock=clock, seed=seed)
            town = Town(world, host, hostile, bot, games, clock, chance, (password, world.token))
            await town.settle_in()
            yield town
