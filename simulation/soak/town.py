"""The town of the soak: communities that share a game host, their commands, and the bot."""

import random
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulation.bot_process import BotFailedError
from simulation.discord import Member, Permission
from simulation.game_host.engine_lines import KICK_TEXT, PASSWORD
from simulation.small_disk import mounted_disk
from simulation.soak.games import Game
from simulation.soak.hostile import NUMBER as HOSTILE_NUMBER
from simulation.soak.hostile import HostileHost
from simulation.soak.operating import DatabaseClock
from simulation.town import USERNAME, Community, Town, open_host, open_town
from utils.clock import Clock
from utils.database.process.mongod_binary import find_mongod

GUILDS: tuple[tuple[int, ...], ...] = ((1, 2), (1, 3), (2,))  # numbers of each community's game servers
ANSWER_SECONDS = 15.0  # longest wait for an answer, because a killed bot does not answer
TRIES_TO_ADD = 5  # two seconds for each operation are too short on a machine that stands still now and then
PURSE = 20_000
DISK_MEGABYTES = 2_000
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "polling": {"min_interval_seconds": 0.5},
    "sftp": {"operation_timeout_seconds": 2, "connect_timeout_seconds": 2},
}


@dataclass(frozen=True, slots=True)
class Registration:
    """A game server of one community.

    Attributes:
        is_only: whether the community has no other one, so that its posts do not name it.
    """

    community: Community
    game: Game
    name: str
    is_only: bool

    def list_posted(self) -> list[dict[str, Any]]:
        """Return the posts about this server in the killfeed of its community, oldest first."""
        return self.community.posts if self.is_only else self.community.list_posts_of(self.name)


@dataclass(eq=False, kw_only=True)
class TroubledTown(Town):
    """A town in which games write deaths all the time.

    Attributes:
        players: each community with one member who has a proven link and enough money.
        asked, answered: the number of used commands, and of answers to them.
        folder: for files of the soak itself.
        has_small_disk: whether the bot's data has a disk of its own, which can be filled.
    """

    hostile: HostileHost
    games: Mapping[int, Game]
    clock: Clock
    chance: random.Random
    folder: Path
    database_clock: DatabaseClock
    has_small_disk: bool
    registrations: list[Registration] = field(default_factory=list)
    players: list[tuple[Community, Member]] = field(default_factory=list)
    asked: int = 0
    answered: int = 0

    @property
    def secrets(self) -> tuple[str, ...]:
        """Texts that must not appear in plain anywhere."""
        hosts = (self.host, self.hostile.host)
        return (
            self.world.token,
            PASSWORD,
            KICK_TEXT,
            *(str(host.users[USERNAME].password) for host in hosts),
        )

    async def settle_in(self) -> None:
        """Let every community choose its channel and add its servers; give it a linked member with money."""
        for index, numbers in enumerate(GUILDS):
            community = self.found(f"Community {index + 1}")
            await community.set_channel()
            for number in numbers:
                await add_server(community, number)
                registration = Registration(
                    community, self.games[number], name_server(number), is_only=len(numbers) == 1
                )
                self.registrations.append(registration)
            await self._add_player(community, self.games[numbers[0]])
        # only the last row of the hostile host is checked
        stranger = Community.found(self.world, self.hostile.host, "Community of the hostile host")
        await add_server(stranger, HOSTILE_NUMBER)

    async def _add_player(self, community: Community, game: Game) -> None:
        """Link a member to the best fighter of a game, so that kills pay and bounties can be placed."""
        player = self.world.add_member(community.guild, f"player of {community.guild.name}")
        best = game.battle.fighters[0].id
        answers = [
            await community.ask("/admin link confirm", member=player, player=best),
            await community.ask("/admin wallet", member=player, amount=PURSE, reason="soak"),
        ]
        refused = [answer.embed["title"] for answer in answers if answer.embed["title"].startswith("❌")]
        if refused:
            raise BotFailedError(f"The soak cannot begin: {refused}")
        self.players.append((community, player))

    def add_admin(self, community: Community) -> Member:
        """Add a member who may manage a community."""
        role = self.world.create_role(community.guild, "admins", permissions=int(Permission.MANAGE_GUILD))
        return self.world.add_member(community.guild, "admin", roles=[role])

    async def ask_anything(self) -> None:
        """Let a person use a command; it may get no answer while a trouble lasts."""
        community, player = self.chance.choice(self.players)
        game = self.chance.choice([one.game for one in self.registrations if one.community is community])
        command, options = self._choose_command(game)
        actor = community.admin if command.startswith("/admin") else player
        self.asked += 1
        asked = await actor.invoke(community.office, command, **options)
        await asked.wait(ANSWER_SECONDS)
        self.answered += 1

    def _choose_command(self, game: Game) -> tuple[str, dict[str, Any]]:
        first, second = self.chance.sample(game.battle.fighters[:12], 2)
        server = name_server(game.number)
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


def name_server(number: int) -> str:
    """Return the name of a game server in the communities."""
    return f"Server {number}"


async def add_server(community: Community, number: int) -> None:
    """Let a community add a game server, and try again if the test of the server fails.

    Raises:
        BotFailedError: it failed each time.
    """
    name = name_server(number)
    for _ in range(TRIES_TO_ADD):
        answer = await community.fill_in_server(name, number=number)
        if not answer.embed["title"].startswith("❌"):
            await community.wait_for_import(name)
            return
    raise BotFailedError(f"The soak cannot begin: {answer.embed}")


@asynccontextmanager
async def open_troubled_town(
    folder: Path, *, seed: int, clock: Clock, has_second_log: bool = False
) -> AsyncIterator[TroubledTown]:
    """Start the world and the bot in it; stop both at the end. The games may write ``Deadside.log``.

    Raises:
        BotFailedError: the bot does not start, or does not end cleanly.
    """
    async with AsyncExitStack() as stack:
        database_clock = DatabaseClock(folder)
        settings = {**SETTINGS, "mongodb": {"mongod_path": str(database_clock.program or find_mongod())}}
        town = await stack.enter_async_context(open_town(folder, settings=settings))
        stranger = await stack.enter_async_context(open_host(folder / "hostile"))
        has_disk = stack.enter_context(mounted_disk(town.bot.data_dir, megabytes=DISK_MEGABYTES))
        numbers = sorted({number for numbers in GUILDS for number in numbers})
        troubled = TroubledTown(
            **vars(town),
            hostile=HostileHost.build(stranger, clock=clock, seed=seed),
            games={
                number: Game.build(town.host, number, clock=clock, seed=seed, has_second_log=has_second_log)
                for number in numbers
            },
            clock=clock,
            chance=random.Random(seed),
            folder=folder,
            database_clock=database_clock,
            has_small_disk=has_disk,
        )
        async with town.bot.running():
            await troubled.settle_in()
            yield troubled
