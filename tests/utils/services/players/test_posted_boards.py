"""Posted boards have one message each, which stays up to date."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.clock import START, FakeClock, settle
from tests.fakes.deaths import SCOPE
from tests.fakes.figures import (
    FakeCombatStore,
    FakeDeathStore,
    FakeHunterStore,
    FakeMemberLinks,
    FakePlaytimeStore,
    FakeStatisticsStore,
)
from tests.fakes.languages import FakeGuildLanguages
from tests.fakes.premium import build_premium
from tests.fakes.seasons import FakeSeasonStore
from tests.fakes.small_bot import FakePresenceStore, FakeServerReadings
from tests.fakes.standing import FakeBoardStore, FakeStandingSender, NoPace
from tests.fakes.storage import FakeServerStore, build_server
from utils.delivery.boards import BoardPages, PostedBoardMessages
from utils.delivery.standing_messages import StandingMessages, compute_digest
from utils.embeds.factory import Post
from utils.errors import (
    ChannelUnusableError,
    DeliveryDelayedError,
    DeliveryUncertainError,
    DiscordAwayError,
    NotFoundError,
    PermissionMissingError,
    TierRequiredError,
    TooMuchAtOnceError,
)
from utils.models.game_log import GameLogState, LogCursor
from utils.models.guilds import ChannelKind
from utils.models.lasting_buttons import LastingButton
from utils.models.message_places import MessagePlace
from utils.models.players import BoardRow, Counters
from utils.models.posted_boards import (
    REFRESH_BOARD,
    BoardKey,
    LiveBoard,
    PostedBoard,
    RefreshedBoard,
)
from utils.models.premium import Feature
from utils.models.presence import PlayerPresence, PlayerState, ServerPresence
from utils.models.scope import ALL_SERVERS, ChannelId, GuildId, MemberId, PlayerId, ServerId, ServerScope
from utils.models.servers import ConnectionState, GameServer, ServerHealth
from utils.models.statistics import Board
from utils.models.texts import Text
from utils.services.guilds.audit import AuditLog
from utils.services.players.combat import CombatService
from utils.services.players.coverage import CoverageService
from utils.services.players.player_names import PlayerNames
from utils.services.players.posted_boards import PostedBoardService
from utils.services.players.statistics import StatisticsService
from utils.services.presence.server_players import ServerPlayersService
from utils.services.seasons.running import RunningSeasons
from utils.tasks import TaskManager

GUILD = SCOPE.guild_id
ACTOR = MemberId(5)
CHANNEL, OTHER = ChannelId(7), ChannelId(8)
ROW = BoardRow(1, PlayerId("a"), "Ann", 5.0, Counters(kills=5))


class Stand:
    """Posted boards of one guild, in channels in memory."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.store = FakeBoardStore()
        self.channel = FakeStandingSender()
        self.figures = FakeStatisticsStore()
        self.figures.rows = [ROW]
        self.hunters = FakeHunterStore()
        self.presence, self.readings = FakePresenceStore(), FakeServerReadings()
        self.servers = FakeServerStore(build_server("Mirny"))
        self.channel_id: ChannelId | None = CHANNEL
        self.own_channels: dict[ServerId, ChannelId] = {}
        self.is_open = True
        self.is_in_guild = True
        self.told: list[str] = []
        self.service = self.build_service()

    def build_service(self) -> PostedBoardService:
        """Return a service without any memory of its own."""
        tasks = TaskManager(self.clock)
        names = PlayerNames(self.figures, self.servers, tasks, clock=self.clock)
        seasons = RunningSeasons(FakeSeasonStore(), build_premium(clock=self.clock))
        coverage = CoverageService(self, names, FakeMemberLinks(), seasons, clock=self.clock)
        combat_store = FakeCombatStore()
        statistics = StatisticsService(
            self.figures, combat_store, self.hunters, FakePlaytimeStore(), coverage
        )
        combat = CombatService(combat_store, FakeDeathStore(), coverage, self)
        messages = StandingMessages(self.channel, tasks, pace=NoPace(self.clock), clock=self.clock)
        pages = BoardPages(
            coverage,
            statistics,
            combat,
            ServerPlayersService(self.presence, self, clock=self.clock),  # type: ignore[arg-type]
            self.readings,  # type: ignore[arg-type] # only what boards use
            FakeGuildLanguages(),
            self.clock,
        )
        return PostedBoardService(
            self.store,
            self.store,
            PostedBoardMessages(messages, self.store, pages),
            coverage=coverage,
            channels=self,
            premium=self,
            notifier=self,
            audit=AuditLog(self.store.audit, clock=self.clock),
            tasks=tasks,
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
        raise NotFoundError(Text("There is no such game server here."))

    async def find_channel(self, scope: ServerScope, kind: ChannelKind) -> ChannelId | None:
        """Return the leaderboard channel."""
        assert (scope.guild_id, kind) == (GUILD, ChannelKind.LEADERBOARD)
        return self.own_channels.get(scope.server_id, self.channel_id)

    async def verify_premium_for_feature(self, guild_id: GuildId, feature: Feature) -> None:
        """Raise unless the tier is open."""
        assert (guild_id, feature) == (GUILD, Feature.POSTED_BOARDS)
        if not self.is_open:
            raise TierRequiredError("/admin board", tier=3, tier_name="Warlord")

    async def notify(
        self,
        guild_id: GuildId,
        sentence: Text,
        key: str,
        *,
        buttons: Sequence[LastingButton] = (),
        **_: object,
    ) -> None:
        """Record an alert once."""
        del buttons
        del guild_id, sentence
        if key not in self.told:
            self.told.append(key)

    async def clear(self, guild_id: GuildId, key: str) -> None:
        """Close an alert."""
        del guild_id
        if key in self.told:
            self.told.remove(key)

    @property
    def board(self) -> PostedBoard:
        """The only board."""
        [board] = self.store.boards.values()
        return board


@pytest.fixture(name="stand")
def _stand() -> Stand:
    return Stand()


async def test_board_is_posted_once_however_often_it_is_asked_for(stand: Stand) -> None:
    """The second request finds the first message; it is equal, so it is not edited."""
    assert await stand.service.post(GUILD, Board.KILLS, None, actor_id=ACTOR) == CHANNEL
    assert await stand.service.post(GUILD, Board.KILLS, None, actor_id=ACTOR) == CHANNEL
    [(message_id, (channel_id, embed, nonce))] = stand.channel.messages.items()
    assert (embed.title, channel_id) == ("🏆 Most kills · Mirny", CHANNEL)
    assert stand.channel.deeds == ["send", "look"]
    digest = compute_digest(Post((embed,), buttons=stand.channel.buttons[message_id]))
    place = MessagePlace(CHANNEL, message_id, nonce, stand.clock.now(), digest)
    assert stand.board == PostedBoard(BoardKey(GUILD, ALL_SERVERS, "kills"), place)


async def test_board_is_edited_only_when_it_changed(stand: Stand) -> None:
    """A round without changes writes nothing, however late it is: the time of a board does not count."""
    await stand.service.post(GUILD, Board.KILLS, "Mirny", actor_id=ACTOR)
    await stand.service.refresh_all()
    stand.figures.rows = [replace(ROW, value=6.0)]
    await stand.service.refresh_all()
    changed_at = stand.clock.now()
    stand.clock.move(1800)
    await stand.service.refresh_all()
    assert stand.channel.deeds == ["send", "look", "edit", "look"]
    [(_, embed, _)] = stand.channel.messages.values()
    assert "6 kills" in (embed.description or "")
    assert embed.timestamp == changed_at
    assert stand.board.key.server_id == SCOPE.server_id


@pytest.mark.parametrize("is_changed", [False, True])
async def test_deleted_board_is_made_anew(stand: Stand, *, is_changed: bool) -> None:
    """The check or the edit finds the message missing; the new one has its own nonce."""
    await stand.service.post(GUILD, Board.KILLS, None, actor_id=ACTOR)
    before = stand.board
    stand.channel.messages.clear()
    if is_changed:
        stand.figures.rows = []
    await stand.service.refresh_all()
    assert list(stand.channel.messages) == [stand.board.place.message_id]
    assert stand.board.place.nonce != before.place.nonce


@pytest.mark.parametrize("minutes", [1, 30])
async def test_lost_answer_makes_no_second_message(stand: Stand, minutes: int) -> None:
    """Discord remembers the nonce for a while; later the bot finds the message by its title."""
    stand.channel.loses = 1
    with pytest.raises(DiscordAwayError):
        await stand.service.post(GUILD, Board.KILLS, None, actor_id=ACTOR)
    assert stand.board.place.message_id is None
    stand.clock.move(timedelta(minutes=minutes).total_seconds())
    stand.channel.remembers_nonces = minutes < 2
    stand.figures.rows = [replace(ROW, value=9.0)]
    await stand.build_service().refresh_all()
    [(message_id, (_, embed, _))] = stand.channel.messages.items()
    assert stand.board.place.message_id == message_id
    assert stand.channel.deeds == (["send", "send"] if minutes < 2 else ["send", "edit"])
    if minutes >= 2:
        assert "9 kills" in (embed.description or "")


async def test_board_is_paused_while_its_tier_is_gone(stand: Stand) -> None:
    """The admins get one alert; the board goes on by itself after the tier is back."""
    await stand.service.post(GUILD, Board.KILLS, None, actor_id=ACTOR)
    stand.is_open = False
    stand.figures.rows = []
    for _ in range(2):
        await stand.service.refresh_all()
    assert (stand.board.is_paused, stand.told, stand.channel.deeds) == (True, ["boards:tier"], ["send"])
    stand.is_open = True
    await stand.service.refresh_all()
    assert (stand.board.is_paused, stand.told, stand.channel.deeds) == (False, [], ["send", "edit"])


@pytest.mark.parametrize("is_set", [False, True], ids=["not set", "gone"])
async def test_board_is_paused_while_its_channel_cannot_be_used(stand: Stand, *, is_set: bool) -> None:
    """The admins get one alert; in another channel there is a new message, and the old one is deleted."""
    await stand.service.post(GUILD, Board.KILLS, None, actor_id=ACTOR)
    if is_set:
        stand.channel.failures += [ChannelUnusableError("gone"), ChannelUnusableError("gone")]
    else:
        stand.channel_id = None
    for _ in range(2):
        await stand.service.refresh_all()
    assert (stand.board.is_paused, stand.told) == (True, ["boards:channel:"])
    stand.channel_id = OTHER
    await stand.service.refresh_all()
    assert (stand.board.is_paused, stand.board.place.channel_id, stand.told) == (False, OTHER, [])
    assert [message[0] for message in stand.channel.messages.values()] == [OTHER]


async def test_board_is_refused_where_it_cannot_be_posted(stand: Stand) -> None:
    """Without a channel, or without the permission to post, no board is stored."""
    stand.channel_id = None
    with pytest.raises(NotFoundError, match="/admin channel set"):
        await stand.service.post(GUILD, Board.KILLS, None, actor_id=ACTOR)
    stand.channel_id = CHANNEL
    stand.channel.failures.append(ChannelUnusableError("forbidden"))
    with pytest.raises(PermissionMissingError, match="View Channel"):
        await stand.service.post(GUILD, Board.KILLS, None, actor_id=ACTOR)
    assert stand.store.boards == {}


async def test_removed_board_goes_with_its_message(stand: Stand) -> None:
    """Removing an unknown board is an error."""
    await stand.service.post(GUILD, Board.WEAPONS, None, actor_id=ACTOR)
    await stand.service.remove(GUILD, Board.WEAPONS, None, actor_id=ACTOR)
    assert (stand.store.boards, stand.channel.messages) == ({}, {})
    assert stand.store.audit.lines == [
        (ACTOR, "board post", "weapons, all servers, in <#7>"),
        (ACTOR, "board remove", "weapons, all servers"),
    ]
    with pytest.raises(NotFoundError, match="/admin board post"):
        await stand.service.remove(GUILD, Board.WEAPONS, None, actor_id=ACTOR)


async def test_board_of_bounties_shows_sum_and_count(stand: Stand) -> None:
    """The board is posted like every other one."""
    stand.hunters.rows = [BoardRow(1, PlayerId("a"), "Ann", 1500.0, Counters(), claims=2)]
    await stand.service.post(GUILD, Board.BOUNTIES, None, actor_id=ACTOR)
    [(_, embed, _)] = stand.channel.messages.values()
    assert (embed.description or "").endswith("\n🥇 **Ann** — 1,500 💎 · 2 bounties")


async def test_board_of_a_removed_server_is_forgotten_and_of_a_left_guild_kept(stand: Stand) -> None:
    """In a left guild nothing is written; a board of a removed server is deleted."""
    await stand.service.post(GUILD, Board.KILLS, "Mirny", actor_id=ACTOR)
    stand.is_in_guild = False
    stand.servers.servers.clear()
    await stand.service.refresh_all()
    assert len(stand.store.boards) == 1
    stand.is_in_guild = True
    await stand.service.refresh_all()
    assert stand.store.boards == {}


async def test_board_whose_channel_hangs_holds_up_no_other_board(stand: Stand) -> None:
    """A round goes on for all others, and a new board is posted meanwhile; only the hanging one waits."""
    stand.own_channels[SCOPE.server_id] = OTHER
    await stand.service.post(GUILD, Board.KILLS, "Mirny", actor_id=ACTOR)
    await stand.service.post(GUILD, Board.KILLS, None, actor_id=ACTOR)
    stand.channel.deeds.clear()
    stand.channel.held[OTHER] = asyncio.Event()
    stand.figures.rows = [replace(ROW, value=6.0)]
    round_of_all = asyncio.create_task(stand.service.refresh_all())
    await settle()
    await stand.service.post(GUILD, Board.DEATHS, None, actor_id=ACTOR)
    shown = {where: embed.description for where, embed, _ in stand.channel.messages.values()}
    assert (stand.channel.deeds, "6" in shown[CHANNEL], "6" in shown[OTHER]) == (
        ["edit", "edit", "send"],
        True,
        False,
    )
    stand.channel.held.pop(OTHER).set()
    await round_of_all
    shown = {where: embed.description for where, embed, _ in stand.channel.messages.values()}
    assert "6" in shown[OTHER]


# buttons


def list_labels(stand: Stand) -> list[str]:
    """Return the labels of the buttons below the only board."""
    [view] = stand.channel.buttons.values()
    return [str(item.label) for item in view.children] if view else []  # type: ignore[attr-defined]


async def test_board_of_an_older_version_gets_its_buttons_in_the_next_round(stand: Stand) -> None:
    """An equal board without buttons is edited once."""
    await stand.service.post(GUILD, Board.KILLS, None, actor_id=ACTOR)
    [(message_id, (_, embed, _))] = stand.channel.messages.items()
    place = replace(stand.board.place, digest=compute_digest(Post((embed,))))
    await stand.store.save_place(stand.board.key, place)
    stand.channel.buttons[message_id] = None
    for _ in range(2):
        await stand.service.refresh_all()
    assert (list_labels(stand), stand.channel.deeds) == (["My place", "Refresh"], ["send", "edit", "look"])


async def test_board_of_weapons_has_no_place_of_a_member(stand: Stand) -> None:
    """Weapons are ranked there, so it can be refreshed only."""
    await stand.service.post(GUILD, Board.WEAPONS, None, actor_id=ACTOR)
    assert list_labels(stand) == ["Refresh"]


@given(board=st.sampled_from(Board), server_id=st.text("0123456789abcdefghijklmnopqrstuvwxyz", max_size=8))
def test_button_names_its_board_in_whatever_guild_it_is_pressed(board: Board, server_id: str) -> None:
    """The argument holds board and server; the guild is that of the press."""
    key = BoardKey(GUILD, ServerId(server_id), board.value)
    assert len(REFRESH_BOARD.make_custom_id(key.argument)) <= 100
    assert BoardKey.read(GuildId(9), key.argument) == key._replace(guild_id=GuildId(9))


@pytest.mark.parametrize("argument", ["", ":", "bases:aaaaaaaa", "KILLS:"])
def test_button_of_an_unknown_board_is_refused(argument: str) -> None:
    """Anyone can send any argument."""
    with pytest.raises(NotFoundError, match="no such board"):
        BoardKey.read(GUILD, argument)


async def test_board_is_refreshed_by_hand_once_a_minute(stand: Stand) -> None:
    """The second request within a minute says when the next one may be made; each board counts alone."""
    await stand.service.post(GUILD, Board.KILLS, None, actor_id=ACTOR)
    await stand.service.post(GUILD, Board.DEATHS, None, actor_id=ACTOR)
    kills, deaths = stand.store.boards
    stand.figures.rows = [replace(ROW, value=6.0)]
    free_at = stand.clock.now() + timedelta(minutes=1)
    assert await stand.service.refresh(kills) == RefreshedBoard(is_changed=True, free_at=free_at)
    stand.clock.move(59)
    with pytest.raises(TooMuchAtOnceError, match="refreshed just now"):
        await stand.service.refresh(kills)
    assert (await stand.service.refresh(deaths)).is_changed
    stand.clock.move(1)
    assert not (await stand.service.refresh(kills)).is_changed
    assert stand.channel.deeds == ["send", "send", "edit", "edit", "look"]


async def test_simultaneous_presses_refresh_a_board_once(stand: Stand) -> None:
    """One press is carried out, and the others learn when to press again."""
    await stand.service.post(GUILD, Board.KILLS, None, actor_id=ACTOR)
    results = await asyncio.gather(
        *(stand.service.refresh(stand.board.key) for _ in range(5)), return_exceptions=True
    )
    assert [type(result) for result in results] == [RefreshedBoard, *[TooMuchAtOnceError] * 4]


async def test_refresh_of_a_board_that_is_gone_is_refused(stand: Stand) -> None:
    """The board was removed, its channel is not set, cannot be used or hangs, or its server was removed."""
    with pytest.raises(NotFoundError, match="isn't posted any more"):
        await stand.service.refresh(BoardKey(GUILD, ALL_SERVERS, "kills"))
    await stand.service.post(GUILD, Board.KILLS, "Mirny", actor_id=ACTOR)
    key = stand.board.key
    stand.channel_id = None
    with pytest.raises(NotFoundError, match="isn't posted any more"):
        await stand.service.refresh(key)
    stand.channel_id = CHANNEL
    for failure, refusal in (
        (ChannelUnusableError("gone"), PermissionMissingError),
        (DeliveryUncertainError("away"), DiscordAwayError),
    ):
        stand.channel.failures.append(failure)
        with pytest.raises(refusal):
            await stand.service.refresh(key)
        stand.clock.move(60)
    stand.servers.servers.clear()
    with pytest.raises(NotFoundError):
        await stand.service.refresh(key)


async def test_refresh_goes_on_with_a_paused_board(stand: Stand) -> None:
    """The tier is back; the press need not wait for the next round."""
    await stand.service.post(GUILD, Board.KILLS, None, actor_id=ACTOR)
    await stand.store.set_paused(stand.board.key, is_paused=True)
    await stand.service.refresh(stand.board.key)
    assert not stand.board.is_paused


async def test_guild_that_left_is_forgotten(stand: Stand) -> None:
    """Nothing is remembered of its boards."""
    await stand.service.post(GUILD, Board.KILLS, None, actor_id=ACTOR)
    await stand.service.refresh(stand.board.key)
    stand.service.forget_guild(GUILD)
    assert not (await stand.service.refresh(stand.board.key)).is_changed


def show_online(stand: Stand, *names: str) -> None:
    """Let the log tell that these players are online now."""
    now = stand.clock.now()
    players = {
        name: PlayerPresence(key=name, name=name, state=PlayerState.ONLINE, since=START, seen_at=now)
        for name in names
    }
    presence = ServerPresence(newest_at=now, max_players=50, players=players)
    stand.presence.states[SCOPE] = GameLogState(cursor=LogCursor("run"), presence=presence, read_at=now)
    stand.readings.health = {SCOPE: ServerHealth(SCOPE, ConnectionState.CONNECTED)}


@pytest.mark.parametrize(
    ("board", "one", "two"),
    [
        (LiveBoard.ONLINE, ["**Mirny** · 1 / 50", "Wolf"], ["**Mirny** · 2 / 50", "Fox", "Wolf"]),
        (LiveBoard.STATUS, ["🟢 Running", "1 / 50", "4"], ["🟢 Running", "2 / 50", "4"]),
    ],
)
async def test_live_board_is_edited_within_a_minute_and_only_when_it_changed(
    stand: Stand, board: LiveBoard, one: list[str], two: list[str]
) -> None:
    """It shows game servers as they are now. A newer time of the last read alone does not change it.

    The round of a minute asks Discord nothing about a board without a change; that of half an hour posts a
    deleted one again.
    """
    stand.presence.peaks[SCOPE] = 4
    show_online(stand, "Wolf")
    await stand.service.post(GUILD, board, None, actor_id=ACTOR)
    assert read_live(stand) == one
    stand.clock.move(60)
    show_online(stand, "Wolf")
    await stand.service.refresh_live()
    assert stand.channel.deeds == ["send"]
    show_online(stand, "Wolf", "Fox")
    await stand.service.refresh_live()
    assert (read_live(stand), stand.channel.deeds) == (two, ["send", "edit"])
    stand.readings.health = {}
    await stand.service.refresh_live()
    assert "Unknown" in read_live(stand)[0]
    stand.channel.messages.clear()
    await stand.service.refresh_live()
    assert stand.channel.messages == {}
    await stand.service.refresh_all()
    assert "Unknown" in read_live(stand)[0]


def read_live(stand: Stand) -> list[str]:
    """Return the lines of the board without moments, or its fields."""
    [(_, embed, _)] = stand.channel.messages.values()
    if embed.description:
        return [line.partition(" joined ")[0] for line in embed.description.splitlines()]
    return [str(one.value) for one in embed.fields if "<t:" not in str(one.value)]


async def test_live_board_is_posted_again_when_discord_limits_its_edits(stand: Stand) -> None:
    """Discord limits edits of messages older than an hour; a ranking waits for its next round instead."""
    limited = DeliveryDelayedError("limited", is_of_old_message=True)
    await stand.service.post(GUILD, Board.KILLS, None, actor_id=ACTOR)
    stand.figures.rows = [replace(ROW, value=6.0)]
    stand.channel.failures = [limited]
    await stand.service.refresh_all()
    assert stand.channel.deeds == ["send", "edit"]
    show_online(stand, "Wolf")
    await stand.service.post(GUILD, LiveBoard.ONLINE, None, actor_id=ACTOR)
    stand.channel.deeds.clear()
    show_online(stand, "Wolf", "Fox")
    stand.channel.failures = [limited]
    await stand.service.refresh_live()
    assert stand.channel.deeds == ["edit", "delete", "send"]
    assert len(stand.channel.messages) == 2


async def test_live_board_has_no_place_of_a_member(stand: Stand) -> None:
    """Its only button refreshes it, and it can be removed like every board."""
    show_online(stand, "Wolf")
    await stand.service.post(GUILD, LiveBoard.ONLINE, "Mirny", actor_id=ACTOR)
    [(_, embed, _)] = stand.channel.messages.values()
    [buttons] = stand.channel.buttons.values()
    assert buttons is not None
    assert [(embed.title, len(buttons.children))] == [("👥 Players online · Mirny", 1)]
    key = BoardKey(GUILD, SCOPE.server_id, LiveBoard.ONLINE.value)
    assert BoardKey.read(GUILD, key.argument) == key
    with pytest.raises(NotFoundError):
        _ = key.ranking
    await stand.service.remove(GUILD, LiveBoard.ONLINE, "Mirny", actor_id=ACTOR)
    assert stand.channel.messages == {}
