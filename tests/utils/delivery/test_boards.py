"""Posted boards: one message each, up to date, whatever happens between two rounds."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import discord
import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.deaths import SCOPE
from tests.fakes.figures import (
    FakeCombatStore,
    FakeDeathStore,
    FakeHunterStore,
    FakeLinkBook,
    FakeStatisticsStore,
)
from tests.fakes.storage import FakeServerStore, build_server
from utils.delivery.boards import BoardKeeper, BoardPages, BoardRooms, compute_digest
from utils.delivery.ports import PostedMessage
from utils.embeds.factory import EmbedFactory
from utils.embeds.pictures import Picture
from utils.errors import (
    ChannelUnusableError,
    DeliveryError,
    DeliveryUncertainError,
    NotAllowedError,
    NotFoundError,
    TierRequiredError,
)
from utils.models.guilds import ChannelKind
from utils.models.players import BoardRow, Counters
from utils.models.posted_boards import ALL_SERVERS, PostedBoard
from utils.models.premium import Feature
from utils.models.scope import ChannelId, GuildId, MemberId, PlayerId, ServerId, ServerScope
from utils.models.servers import GameServer
from utils.services.players.combat import CombatService
from utils.services.players.coverage import CoverageService
from utils.services.players.player_names import PlayerNames
from utils.services.players.statistics import Board, StatisticsService
from utils.tasks import TaskManager

GUILD = SCOPE.guild_id
ACTOR = MemberId(5)
CHANNEL, OTHER = ChannelId(7), ChannelId(8)
ROW = BoardRow(1, PlayerId("a"), "Ann", 5.0, Counters(kills=5))


class FakeBoardStore:
    """Posted boards in memory."""

    def __init__(self) -> None:
        self.boards: dict[tuple[GuildId, ServerId, str], PostedBoard] = {}

    async def list_boards(self, guild_id: GuildId) -> Sequence[PostedBoard]:
        """Return a guild's boards."""
        return [board for key, board in self.boards.items() if key[0] == guild_id]

    async def find_board(self, guild_id: GuildId, server_id: ServerId, board: str) -> PostedBoard | None:
        """Return one board."""
        return self.boards.get((guild_id, server_id, board))

    async def insert_board(self, guild_id: GuildId, board: PostedBoard) -> None:
        """Store a board."""
        self.boards[guild_id, board.server_id, board.board] = board

    async def replace_board(self, guild_id: GuildId, board: PostedBoard) -> bool:
        """Write a changed board."""
        key = (guild_id, board.server_id, board.board)
        if key in self.boards:
            self.boards[key] = board
        return key in self.boards

    async def delete_board(self, guild_id: GuildId, server_id: ServerId, board: str) -> None:
        """Forget a board."""
        self.boards.pop((guild_id, server_id, board), None)

    async def list_guilds_with_boards(self) -> Sequence[GuildId]:
        """Return the guilds."""
        return sorted({key[0] for key in self.boards})


@dataclass
class FakeBoardChannel:
    """Discord: messages by id, and what was done; ``loses`` answers are lost after the deed."""

    messages: dict[int, tuple[ChannelId, discord.Embed, str]] = field(default_factory=dict)
    deeds: list[str] = field(default_factory=list)
    failures: list[DeliveryError] = field(default_factory=list)
    loses: int = 0
    remembers_nonces: bool = True

    def _begin(self, deed: str) -> None:
        self.deeds.append(deed)
        if self.failures:
            raise self.failures.pop(0)

    async def send(
        self,
        channel_id: ChannelId,
        *,
        embeds: Sequence[discord.Embed],
        pictures: Sequence[Picture],
        nonce: str,
    ) -> int:
        """Post a message; a nonce that is remembered posts once."""
        assert not pictures
        self._begin("send")
        known = [key for key, message in self.messages.items() if message[2] == nonce]
        message_id = known[0] if known and self.remembers_nonces else len(self.deeds)
        self.messages[message_id] = (channel_id, embeds[0], nonce)
        if self.loses:
            self.loses -= 1
            raise DeliveryUncertainError("the answer is lost")
        return message_id

    async def edit(self, channel_id: ChannelId, message_id: int, *, embed: discord.Embed) -> bool:
        """Change a message."""
        self._begin("edit")
        if message_id not in self.messages:
            return False
        self.messages[message_id] = (channel_id, embed, self.messages[message_id][2])
        return True

    async def has_message(self, channel_id: ChannelId, message_id: int) -> bool:
        """Tell whether a message is there."""
        del channel_id
        self._begin("look")
        return message_id in self.messages

    async def delete(self, channel_id: ChannelId, message_id: int) -> None:
        """Delete a message."""
        del channel_id
        self._begin("delete")
        self.messages.pop(message_id, None)

    async def recent_messages(self, channel_id: ChannelId, limit: int) -> Sequence[PostedMessage]:
        """Return messages without their nonces, which Discord has forgotten."""
        del limit
        return [
            PostedMessage(key, None, ((embed.title or "", embed.description or ""),))
            for key, (where, embed, _) in self.messages.items()
            if where == channel_id
        ]


class Stand:
    """A keeper over one guild."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.store = FakeBoardStore()
        self.channel = FakeBoardChannel()
        self.figures = FakeStatisticsStore()
        self.figures.rows = [ROW]
        self.hunters = FakeHunterStore()
        self.servers = FakeServerStore(build_server("Mirny"))
        self.channel_id: ChannelId | None = CHANNEL
        self.is_open = True
        self.is_in_guild = True
        self.told: list[str] = []
        self.audited: list[tuple[str, str]] = []
        self.keeper = self.build_keeper()

    def build_keeper(self) -> BoardKeeper:
        """Return a keeper that knows no more than what is stored."""
        tasks = TaskManager(self.clock)
        names = PlayerNames(self.figures, self.servers, tasks, clock=self.clock)
        coverage = CoverageService(self, names, FakeLinkBook(), clock=self.clock)
        combat_store = FakeCombatStore()
        statistics = StatisticsService(self.figures, combat_store, self.hunters, coverage)
        combat = CombatService(combat_store, FakeDeathStore(), coverage, self)
        return BoardKeeper(
            BoardRooms(
                self.store, self.store, self.channel, self, self, notifier=self, audit=self, tasks=tasks
            ),
            BoardPages(coverage, statistics, combat, EmbedFactory()),
            clock=self.clock,
            is_member=lambda _: self.is_in_guild,
        )

    async def list_servers(self, guild_id: GuildId) -> Sequence[GameServer]:
        """Return the guild's servers."""
        return await self.servers.list_servers(guild_id)

    async def resolve(self, guild_id: GuildId, text: str | None) -> GameServer:
        """Return a server by id or name."""
        for server in await self.list_servers(guild_id):
            if text in (server.scope.server_id, server.name):
                return server
        raise NotFoundError("game server", text or "")

    async def find_channel(self, scope: ServerScope, kind: ChannelKind) -> ChannelId | None:
        """Return the leaderboard channel."""
        assert (scope.guild_id, kind) == (GUILD, ChannelKind.LEADERBOARD)
        return self.channel_id

    async def verify_premium_for_feature(self, guild_id: GuildId, feature: Feature) -> None:
        """Refuse unless the tier is there."""
        assert (guild_id, feature) == (GUILD, Feature.POSTED_BOARDS)
        if not self.is_open:
            raise TierRequiredError("/admin board", tier=3, tier_name="Warlord")

    async def notify(self, guild_id: GuildId, sentence: str, key: str) -> None:
        """Tell the admins once."""
        del guild_id, sentence
        if key not in self.told:
            self.told.append(key)

    async def clear(self, guild_id: GuildId, key: str) -> None:
        """Settle a matter."""
        del guild_id
        if key in self.told:
            self.told.remove(key)

    async def write(self, guild_id: GuildId, actor_id: MemberId | None, action: str, detail: str) -> None:
        """Take a change by hand down."""
        assert (guild_id, actor_id) == (GUILD, ACTOR)
        self.audited.append((action, detail))

    @property
    def board(self) -> PostedBoard:
        """The one board."""
        [board] = self.store.boards.values()
        return board


@pytest.fixture(name="stand")
def _stand() -> Stand:
    return Stand()


async def test_board_is_posted_once_however_often_it_is_asked_for(stand: Stand) -> None:
    """The second time finds the first one's message; nothing changed, so nothing is edited."""
    assert await stand.keeper.post(GUILD, Board.KILLS, None, actor_id=ACTOR) == CHANNEL
    assert await stand.keeper.post(GUILD, Board.KILLS, None, actor_id=ACTOR) == CHANNEL
    [(message_id, (channel_id, embed, nonce))] = stand.channel.messages.items()
    assert (embed.title, channel_id) == ("🏆 Most kills · Mirny", CHANNEL)
    assert stand.channel.deeds == ["send", "look"]
    assert stand.board == PostedBoard(
        GUILD,
        ALL_SERVERS,
        "kills",
        CHANNEL,
        message_id,
        nonce,
        stand.clock.now(),
        compute_digest(embed),
    )


async def test_board_is_edited_only_when_it_changed(stand: Stand) -> None:
    """A round without news writes nothing."""
    await stand.keeper.post(GUILD, Board.KILLS, "Mirny", actor_id=ACTOR)
    await stand.keeper.refresh_all()
    stand.figures.rows = [replace(ROW, value=6.0)]
    await stand.keeper.refresh_all()
    await stand.keeper.refresh_all()
    assert stand.channel.deeds == ["send", "look", "edit", "look"]
    [(_, embed, _)] = stand.channel.messages.values()
    assert "6 kills" in (embed.description or "")
    assert stand.board.server_id == SCOPE.server_id


@pytest.mark.parametrize("is_changed", [False, True])
async def test_deleted_board_is_made_anew(stand: Stand, *, is_changed: bool) -> None:
    """Whether the look or the edit finds it gone; with a nonce of its own."""
    await stand.keeper.post(GUILD, Board.KILLS, None, actor_id=ACTOR)
    before = stand.board
    stand.channel.messages.clear()
    if is_changed:
        stand.figures.rows = []
    await stand.keeper.refresh_all()
    assert list(stand.channel.messages) == [stand.board.message_id]
    assert stand.board.nonce != before.nonce


@pytest.mark.parametrize("minutes", [1, 30])
async def test_lost_answer_makes_no_second_message(stand: Stand, minutes: int) -> None:
    """The nonce while Discord remembers it, then the message of that title in the channel."""
    stand.channel.loses = 1
    with pytest.raises(NotAllowedError):
        await stand.keeper.post(GUILD, Board.KILLS, None, actor_id=ACTOR)
    assert stand.board.message_id is None
    stand.clock.move(timedelta(minutes=minutes).total_seconds())
    stand.channel.remembers_nonces = minutes < 2
    stand.figures.rows = [replace(ROW, value=9.0)]
    await stand.build_keeper().refresh_all()
    [(message_id, (_, embed, _))] = stand.channel.messages.items()
    assert stand.board.message_id == message_id
    assert stand.channel.deeds == (["send", "send"] if minutes < 2 else ["send", "edit"])
    if minutes >= 2:
        assert "9 kills" in (embed.description or "")


async def test_board_is_paused_while_its_tier_is_gone(stand: Stand) -> None:
    """The admins are told once; it goes on by itself when the tier is back."""
    await stand.keeper.post(GUILD, Board.KILLS, None, actor_id=ACTOR)
    stand.is_open = False
    stand.figures.rows = []
    for _ in range(2):
        await stand.keeper.refresh_all()
    assert (stand.board.is_paused, stand.told, stand.channel.deeds) == (True, ["boards:tier"], ["send"])
    stand.is_open = True
    await stand.keeper.refresh_all()
    assert (stand.board.is_paused, stand.told, stand.channel.deeds) == (False, [], ["send", "edit"])


@pytest.mark.parametrize("is_set", [False, True], ids=["not set", "gone"])
async def test_board_is_paused_while_its_channel_cannot_be_used(stand: Stand, *, is_set: bool) -> None:
    """The admins are told once; another channel gets a message of its own, and the old one goes."""
    await stand.keeper.post(GUILD, Board.KILLS, None, actor_id=ACTOR)
    if is_set:
        stand.channel.failures += [ChannelUnusableError("gone"), ChannelUnusableError("gone")]
    else:
        stand.channel_id = None
    for _ in range(2):
        await stand.keeper.refresh_all()
    assert (stand.board.is_paused, stand.told) == (True, ["boards:channel:"])
    stand.channel_id = OTHER
    await stand.keeper.refresh_all()
    assert (stand.board.is_paused, stand.board.channel_id, stand.told) == (False, OTHER, [])
    assert [message[0] for message in stand.channel.messages.values()] == [OTHER]


async def test_board_is_refused_where_it_cannot_be_posted(stand: Stand) -> None:
    """Without a channel, or without the right to post there, nothing is kept."""
    stand.channel_id = None
    with pytest.raises(NotFoundError, match="/admin channel set"):
        await stand.keeper.post(GUILD, Board.KILLS, None, actor_id=ACTOR)
    stand.channel_id = CHANNEL
    stand.channel.failures.append(ChannelUnusableError("forbidden"))
    with pytest.raises(NotAllowedError, match="View Channel"):
        await stand.keeper.post(GUILD, Board.KILLS, None, actor_id=ACTOR)
    assert stand.store.boards == {}


async def test_removed_board_goes_with_its_message(stand: Stand) -> None:
    """Removing what is not there is told."""
    await stand.keeper.post(GUILD, Board.WEAPONS, None, actor_id=ACTOR)
    await stand.keeper.remove(GUILD, Board.WEAPONS, None, actor_id=ACTOR)
    assert (stand.store.boards, stand.channel.messages) == ({}, {})
    assert stand.audited == [
        ("board post", "weapons of all servers in <#7>"),
        ("board remove", "weapons of all servers"),
    ]
    with pytest.raises(NotFoundError, match="/admin board post"):
        await stand.keeper.remove(GUILD, Board.WEAPONS, None, actor_id=ACTOR)


async def test_board_of_bounties_shows_sum_and_count(stand: Stand) -> None:
    """It is posted like every other board."""
    stand.hunters.rows = [BoardRow(1, PlayerId("a"), "Ann", 1500.0, Counters(), claims=2)]
    await stand.keeper.post(GUILD, Board.BOUNTIES, None, actor_id=ACTOR)
    [(_, embed, _)] = stand.channel.messages.values()
    assert embed.description == "🥇 **Ann** — 1,500 💎 · 2 bounties"


async def test_board_of_a_removed_server_is_forgotten_and_of_a_left_guild_kept(stand: Stand) -> None:
    """A guild the bot is not in is not written to; a server that is gone has nothing to show."""
    await stand.keeper.post(GUILD, Board.KILLS, "Mirny", actor_id=ACTOR)
    stand.is_in_guild = False
    stand.servers.servers.clear()
    await stand.keeper.refresh_all()
    assert len(stand.store.boards) == 1
    stand.is_in_guild = True
    await stand.keeper.refresh_all()
    assert stand.store.boards == {}
