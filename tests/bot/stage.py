"""The stage of a test: a community, and helpers for its tests."""

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from pymongo import MongoClient

from simulation.bot_process import BotProcess
from simulation.discord import Interaction, Member, Message, SimulatedDiscord
from simulation.game_host.battle import Battle
from simulation.game_host.host import GameHost
from simulation.game_host.log_files import GameServerFiles
from simulation.posts import is_posted
from simulation.town import USERNAME, Community, Embed, list_embeds
from tests.bot.process import PATIENCE_SECONDS, until
from utils.models.deaths import DeathRow

ACKNOWLEDGED_SECONDS = 1.0  # Discord allows three

Document = dict[str, Any]


@dataclass(eq=False, kw_only=True)
class Stage(Community):
    """One community with one host; a test adds servers by their number at that host."""

    bot: BotProcess
    player: Member
    battle: Iterator[DeathRow]
    secrets: list[str]
    messages: list[Message] = field(default_factory=list)
    _client: MongoClient[Document] | None = field(default=None, init=False)

    @classmethod
    def build(
        cls, world: SimulatedDiscord, host: GameHost, bot: BotProcess, *, seed: int, shard: int = 0
    ) -> "Stage":
        """Create guild, channels and people; the guild is on one of two shards, for a bot with two."""
        battle = filter(is_posted, Battle(seed=seed, players=60).rows())
        community = Community.found(world, host, "Community", shard=(shard, 2))
        player = world.add_member(community.guild, "player_one")
        secrets = [str(host.users[USERNAME].password), world.token]
        stage = cls(**vars(community), bot=bot, player=player, battle=battle, secrets=secrets)
        world.watch_messages(lambda _, message: stage.messages.append(message))
        return stage

    # the game

    def take(self, count: int) -> list[DeathRow]:
        """Return the battle's next deaths."""
        return list(islice(self.battle, count))

    def open_files(self, number: int = 7) -> GameServerFiles:
        """Return the files of the game server with this number."""
        return self.host.open_files(number)

    # actions of people

    async def ask(self, command: str, /, *, by: Member | None = None, **options: Any) -> Interaction:
        """Use a command in the office and return its finished answer, which came in time."""
        return check_in_time(await super().ask(command, by=by, **options))

    async def fill_in_server(
        self, name: str = "North", *, password: str | None = None, private_key: str = "", **options: Any
    ) -> Interaction:
        """Let the admin add a server, by default number 7; check that the form was answered in time."""
        given = {"number": 7} | options
        return check_in_time(
            await super().fill_in_server(name, password=password, private_key=private_key, **given)
        )

    async def add_server(self, name: str = "North", **options: Any) -> Interaction:
        """Add a server and wait until its history is read."""
        answer = await self.fill_in_server(name, **options)
        assert answer.embed["title"] == f"✅ {name} added", answer.embed
        await self.wait_for_import(name)
        return answer

    # visible results

    async def wait_for_posts(self, count: int, *, within_seconds: float = PATIENCE_SECONDS) -> list[Embed]:
        """Wait until at least ``count`` deaths are posted."""
        await until(lambda: len(self.posts) >= count, within_seconds=within_seconds, what=self._describe)
        return self.posts

    def list_alerts(self) -> list[str]:
        """Return the bot's direct messages to the guild's owner."""
        channel = self.world.direct_messages(self.admin.user)
        return [embed["description"] for embed in list_embeds(channel)]

    async def wait_for_alerts(self, count: int) -> list[str]:
        """Wait for at least ``count`` alerts to the owner."""
        await until(lambda: len(self.list_alerts()) >= count, what=self._describe)
        return self.list_alerts()

    def _describe(self) -> str:
        return f"posts: {len(self.posts)}, alerts: {self.list_alerts()}\n{self.bot.output}"

    # stored data

    @contextmanager
    def open_database(self) -> Iterator[Any]:
        """Open the bot's database with the bot's read concern.

        With another one, a reader sees a commit before a majority has it. The client of a MongoDB that is not
        the bot's own is kept, because making one takes longer than a read; the bot's own one may be replaced.
        """
        if self.bot.has_own_mongod:
            with self._make_client() as client:
                yield client[self.bot.database]
            return
        if self._client is None:
            self._client = self._make_client()
            weakref.finalize(self, self._client.close)
        yield self._client[self.bot.database]

    def _make_client(self) -> MongoClient[Document]:
        return MongoClient(self.bot.mongodb_uri, serverSelectionTimeoutMS=30_000, readConcernLevel="majority")

    def read(self, collection: str, **query: Any) -> list[Document]:
        """Return the stored documents."""
        with self.open_database() as database:
            return list(database[collection].find(query))

    def find_server(self, name: str = "North") -> Document:
        """Return a server's document."""
        [server] = self.read("game_servers", name=name)
        return server

    def read_counters(self, name: str = "North") -> dict[str, dict[str, int]]:
        """Return the shown figures of every player of a server, by id."""
        server = self.find_server(name)
        shown = {"server_id": server["server_id"], "generation": server["generation"]}
        players = self.read("players", **shown)  # those of earlier generations are deleted a little later
        return {
            player["player_id"]: player["counters"] | {"current_streak": player["current_streak"]}
            for player in players
        }

    def count_deaths(self, name: str = "North") -> int:
        """Return the number of stored deaths of a server."""
        with self.open_database() as database:
            server_id = database["game_servers"].find_one({"name": name})["server_id"]
            number: int = database["kills"].count_documents({"server_id": server_id})
            return number

    async def wait_for_deaths(self, count: int, name: str = "North") -> None:
        """Wait until at least ``count`` deaths of a server are stored."""
        await until(lambda: self.count_deaths(name) >= count, what=self._describe)


def check_in_time(reply: Interaction) -> Interaction:
    """Return a reply after checking that it was acknowledged in time."""
    assert reply.acknowledged_after_seconds is not None
    assert reply.acknowledged_after_seconds < ACKNOWLEDGED_SECONDS
    return reply


def get_fields(embed: Embed) -> dict[str, str]:
    """Return an embed's fields by name."""
    return {one["name"]: one["value"] for one in embed["fields"]}
