"""For each answer of Discord, every poster and editor reacts as the map of failures says."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import discord
import pytest
from discord.ext import commands
from structlog.testing import capture_logs

from simulation.discord import Channel, Fault, Guild, SimulatedDiscord
from simulation.discord.clients import running_bot
from tests.fakes.clock import START, FakeClock, settle
from tests.fakes.deaths import build_player_id
from tests.fakes.errors import FakeErrorSink
from tests.fakes.incidents import FakeIncidentStore, FakeToldStore
from tests.fakes.languages import FakeGuildLanguages
from tests.fakes.standing import FakeBoardStore, NoPace
from tests.fakes.storage import build_server
from tests.utils.delivery.fakes import FakeKillChannels
from utils.delivery.admin_places import AdminPlaces
from utils.delivery.alerts import AdminAlerts
from utils.delivery.boards import BoardPages, PostedBoardMessages
from utils.delivery.progress import ImportMessages
from utils.delivery.proofs import LinkMessages
from utils.delivery.sender import DiscordSender
from utils.delivery.standing_messages import StandingMessages
from utils.embeds.factory import EmbedFactory, Post
from utils.incident_log import IncidentLog
from utils.models.guilds import ChannelKind, GuildSettings
from utils.models.lasting_buttons import LastingButton
from utils.models.links import Link, ProofOutcome
from utils.models.message_places import MessagePlace
from utils.models.posted_boards import BoardKey
from utils.models.premium import Feature
from utils.models.reading import ImportJob, ImportProgress
from utils.models.scope import ALL_SERVERS, ChannelId, GuildId, MemberId, ServerScope
from utils.models.texts import Text, text
from utils.services.players.posted_boards import PostedBoardService
from utils.tasks import TaskManager

POST = "/channels/{channel_id}/messages"
EDIT = "/channels/{channel_id}/messages/{message_id}"
PAGE = "<html><body>Access denied</body></html>"

PASSING: Mapping[str, Mapping[str, Any]] = {
    "a limit that outlasted the library's tries": {"status": 429, "retry_after": 0.01, "times": 5},
    "a limit of the edge, without JSON": {"status": 429, "body": "banned"},
    "a page of the edge in the place of an answer": {"status": 403, "body": PAGE},
    "an error of the server": {"status": 501},
    "a server that is restarted": {"status": 502},
    "a connection cut before the effect": {"cut": "before"},
    "a connection cut behind the effect": {"cut": "after"},
}
LASTING: Mapping[str, Mapping[str, Any]] = {
    "a missing permission": {"status": 403, "body": {"code": 50013, "message": "Missing Permissions"}},
    "a deleted channel": {"status": 404, "body": {"code": 10003, "message": "Unknown Channel"}},
    "a payload that is refused": {"status": 400, "body": {"code": 50035, "message": "Invalid Form Body"}},
}
GONE: Mapping[str, Any] = {"status": 404, "body": {"code": 10008, "message": "Unknown Message"}}


@dataclass
class PosterParts:
    """The parts of every poster, in a community with an office."""

    bot: commands.Bot
    guild: Guild
    channel: Channel
    clock: FakeClock = field(default_factory=FakeClock)
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Build the sender, which waits for an answer only for a moment."""
        self.tasks = TaskManager(self.clock)
        self.sender = DiscordSender(self.bot, clock=self.clock, timeout_seconds=0.5)
        pace = NoPace(self.clock)
        self.messages = StandingMessages(self.sender, self.tasks, pace=pace, clock=self.clock)
        self.factory = EmbedFactory()
        self.guild_id, self.channel_id = GuildId(self.guild.id), ChannelId(self.channel.id)

    async def begin_message(self) -> int:
        """Post the message that is edited later."""
        return (await self.bot.get_partial_messageable(self.channel.id).send("begin")).id

    # interfaces for alerts and boards

    async def get_settings(self, guild_id: GuildId) -> GuildSettings:
        """Return settings with an alerts channel."""
        return GuildSettings(guild_id, channels={ChannelKind.ALERTS: self.channel_id})

    async def find_channel(self, scope: ServerScope, kind: ChannelKind) -> ChannelId:
        """Return the office."""
        del scope, kind
        return self.channel_id

    async def verify_premium_for_feature(self, guild_id: GuildId, feature: Feature) -> None:
        """Allow everything."""

    async def notify(
        self,
        guild_id: GuildId,
        sentence: Text,
        key: str,
        *,
        buttons: Sequence[LastingButton] = (),
        **_: object,
    ) -> None:
        """Record the alert."""
        del buttons
        del guild_id, sentence
        self.told.append(key)

    async def clear(self, guild_id: GuildId, key: str) -> None:
        """Do nothing."""

    async def build(self, key: BoardKey) -> Post:
        """Return the content of a board."""
        del key
        return Post((discord.Embed(title="end"),))


class Proof:
    """The outcome of a proof, on the message with the times."""

    route, text = EDIT, "Not proven in time"

    async def prepare(self, parts: PosterParts) -> None:
        """Post the times."""
        self._messages = LinkMessages(
            parts.sender, parts.messages, languages=FakeGuildLanguages(parts.factory), clock=parts.clock
        )
        message_id, wolf = await parts.begin_message(), build_player_id("Wolf")
        self._link = Link(
            parts.guild_id,
            MemberId(1),
            wolf,
            "Wolf",
            START,
            channel_id=parts.channel_id,
            message_id=message_id,
        )
        self._showing: asyncio.Task[bool] | None = None
        self.is_open = True

    async def go_on(self, parts: PosterParts) -> None:
        """Show the outcome once; then it goes on by itself."""
        if self._showing is None:
            self._showing = asyncio.create_task(self._messages.show(self._link, ProofOutcome.EXPIRED))
        await parts.clock.advance(61)
        self.is_open = not (self._showing.done() and self._showing.result())


class Picture:
    """The last picture of an import."""

    route, text = EDIT, "4,321"

    async def prepare(self, parts: PosterParts) -> None:
        """Post the beginning."""
        self._messages = ImportMessages(
            parts.sender,
            parts.messages,
            languages=FakeGuildLanguages(parts.factory),
            kill_channels=FakeKillChannels(),
        )
        self._job = ImportJob(1, START, {}, parts.channel_id, await parts.begin_message())
        self._is_told, self.is_open = False, True

    async def go_on(self, parts: PosterParts) -> None:
        """Report the end once; then it goes on by itself."""
        if not self._is_told:
            self._is_told = True
            end = ImportProgress(1, 1, 9, 9, 4_321, 1.0, is_done=True, deaths=4_321, days=1)
            await self._messages.show(build_server(), self._job, end)
        await parts.clock.advance(61)
        self.is_open = parts.tasks.is_running(f"message:import:{build_server().scope}")


class Alert:
    """An alert in its channel."""

    route, text = POST, "The host refused the login."

    async def prepare(self, parts: PosterParts) -> None:
        """Build alerts without any history."""
        self._alerts = AdminAlerts(
            parts.bot,
            parts.sender,
            parts.tasks,
            places=AdminPlaces(parts.bot, parts.sender, settings=parts, errors=FakeErrorSink()),
            languages=FakeGuildLanguages(parts.factory),
            incidents=IncidentLog(FakeIncidentStore(), clock=parts.clock),
            store=FakeToldStore(),
            clock=parts.clock,
        )
        self.is_open = True

    async def go_on(self, parts: PosterParts) -> None:
        """Send the alert; then it goes on by itself."""
        await self._alerts.notify(parts.guild_id, text(self.text), "key")
        await parts.clock.advance(301)
        self.is_open = bool(self._alerts._waiting)


class Board:
    """A posted board with its first message, or with an edit."""

    text = "end"

    def __init__(self, route: str) -> None:
        self.route = route

    async def prepare(self, parts: PosterParts) -> None:
        """Store a board without a message, or one whose message shows something else."""
        self._store = FakeBoardStore()
        key = BoardKey(parts.guild_id, ALL_SERVERS, "kills")
        await self._store.insert_board(key)
        if self.route == EDIT:
            place = MessagePlace(parts.channel_id, await parts.begin_message(), "nonce")
            await self._store.save_place(key, place)
        pages: BoardPages = parts  # type: ignore[assignment] # builds one embed
        self._service = PostedBoardService(
            self._store,
            self._store,
            PostedBoardMessages(parts.messages, self._store, pages),
            coverage=None,  # type: ignore[arg-type] # not used here
            channels=parts,
            premium=parts,
            notifier=parts,
            audit=None,  # type: ignore[arg-type]
            tasks=parts.tasks,
            clock=parts.clock,
            is_member=lambda _: True,
        )
        self.is_open = True

    async def go_on(self, parts: PosterParts) -> None:
        """Do a round, half a minute after the last one."""
        await self._service.refresh_all()
        await parts.clock.advance(30)
        (board,) = await self._store.list_boards(parts.guild_id)
        self.is_open = not (board.place.digest or board.is_paused)


POSTERS = {
    "proof": Proof,
    "picture": Picture,
    "alert": Alert,
    "new board": lambda: Board(POST),
    "board": lambda: Board(EDIT),
}


@pytest.fixture(name="parts")
async def _parts(
    bot: commands.Bot, world: SimulatedDiscord, guild: Guild, channel: Channel
) -> AsyncIterator[PosterParts]:
    async with running_bot(bot, world):
        await bot.wait_until_ready()
        parts = PosterParts(bot, guild, channel)
        with capture_logs():
            yield parts
            await parts.tasks.stop()


async def go_on(poster: Any, parts: PosterParts, world: SimulatedDiscord) -> None:
    """Let a poster go on until it has nothing left to do."""
    async with asyncio.timeout(60):
        while poster.is_open:
            await poster.go_on(parts)
            await world.settle()
            await asyncio.sleep(0.01)  # the library sleeps by the real clock


def count(channel: Channel, text: str) -> int:
    """Count the messages that show a text."""
    return sum(text in str(message.embeds) for message in channel.all_messages)


@pytest.mark.fault
@pytest.mark.parametrize("fault", PASSING)
@pytest.mark.parametrize("name", POSTERS)
async def test_what_may_pass_is_tried_again_until_it_is_shown_once(
    parts: PosterParts, world: SimulatedDiscord, channel: Channel, name: str, fault: str
) -> None:
    """After every temporary fault every poster shows its text, and shows it once."""
    poster: Any = POSTERS[name]()
    await poster.prepare(parts)
    method = "POST" if poster.route == POST else "PATCH"
    struck = world.faults.add(Fault(method=method, route=poster.route, **PASSING[fault]))
    await go_on(poster, parts, world)
    assert (struck.is_spent, poster.is_open, count(channel, poster.text)) == (True, False, 1)
    assert parts.told == []


@pytest.mark.fault
@pytest.mark.parametrize("fault", LASTING)
@pytest.mark.parametrize("name", POSTERS)
async def test_what_lasts_is_settled_and_asked_no_more(
    parts: PosterParts, world: SimulatedDiscord, channel: Channel, guild: Guild, name: str, fault: str
) -> None:
    """A lost permission or channel ends the tries, except for alerts, which go to the owner."""
    poster: Any = POSTERS[name]()
    await poster.prepare(parts)
    method = "POST" if poster.route == POST else "PATCH"
    in_office = f"/channels/{channel.id}/"
    struck = world.faults.add(
        Fault(
            method=method,
            route=poster.route,
            times=None,
            only_if=lambda request: in_office in request.path,
            **LASTING[fault],
        )
    )
    await poster.go_on(parts)
    await world.settle()
    await settle()
    before = struck.struck
    # a round checks every board again, in case an admin has fixed the channel
    if not isinstance(poster, Board):
        await go_on(poster, parts, world)
        assert (poster.is_open, struck.struck) == (False, before)
    assert before == 1
    told = [message.embed["description"] for message in world.direct_messages(guild.owner.user).all_messages]
    assert told == ([poster.text] if name == "alert" else [])


@pytest.mark.fault
@pytest.mark.parametrize("name", ["proof", "picture", "board"])
async def test_deleted_message_ends_the_matter_but_for_boards_which_post_anew(
    parts: PosterParts, world: SimulatedDiscord, channel: Channel, name: str
) -> None:
    """A member deleted it on purpose; only a board is posted again."""
    poster: Any = POSTERS[name]()
    await poster.prepare(parts)
    struck = world.faults.add(Fault(method="PATCH", route=EDIT, times=None, **GONE))
    await go_on(poster, parts, world)
    assert (poster.is_open, struck.struck, count(channel, poster.text)) == (False, 1, int(name == "board"))
