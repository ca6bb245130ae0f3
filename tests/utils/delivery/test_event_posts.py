"""Edits of posts about events: the newest state, behind the first post, and once each."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import discord
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.clock import START, FakeClock, settle
from tests.fakes.languages import FakeGuildLanguages
from tests.fakes.standing import FakeStandingSender, NoPace
from tests.fakes.storage import build_server
from utils.delivery.event_posts import EventPosts
from utils.delivery.standing_messages import StandingMessages
from utils.errors import (
    ChannelUnusableError,
    DeliveryDelayedError,
    DeliveryError,
    StorageError,
    StorageUnavailableError,
)
from utils.events import PostedEventsChanged
from utils.models.event_posts import OutdatedPosts, PostedEvent
from utils.models.event_settings import EventSettings, KindSettings, PostedKind
from utils.models.guilds import GuildSettings
from utils.models.notices.outbox import OutgoingMessage, StandingPost
from utils.models.scope import ChannelId, GuildId, ServerScope
from utils.models.servers import GameServer
from utils.models.world_events import EventEnd, EventKey, WorldEvent, WorldEventKind
from utils.services.world.announcing import compute_post_id
from utils.tasks import TaskManager

SERVER = build_server()
SCOPE = SERVER.scope
CHANNEL = ChannelId(7)
EMBED = discord.Embed(title="A post")
LIMITED = DeliveryDelayedError("too many edits", is_of_old_message=True)


def build_event(number: int) -> WorldEvent:
    """Return an event that was posted."""
    key = EventKey(WorldEventKind.MISSION, "bunker_01_mis1", number)
    post_id = compute_post_id(SCOPE, key)
    return WorldEvent(key=key, state="READY", since=START, seen_at=START, is_started=True, post_id=post_id)


@dataclass
class FakeEventPostStore:
    """Events in memory, with the messages in which they are.

    Attributes:
        waiting: the ids of posts that wait in the outbox.
        failures: raised by the next calls.
    """

    events: dict[bytes, WorldEvent] = field(default_factory=dict)
    outdated: set[bytes] = field(default_factory=set)
    posts: list[StandingPost] = field(default_factory=list)
    waiting: set[bytes] = field(default_factory=set)
    failures: list[StorageError] = field(default_factory=list)
    looks: int = 0

    def change(self, event: WorldEvent) -> None:
        """Store an event in a new form."""
        assert event.post_id is not None
        self.events[event.post_id] = event
        self.outdated.add(event.post_id)

    async def find_outdated(self, scope: ServerScope) -> OutdatedPosts:
        """Return the outdated posts."""
        self._fail()
        self.looks += 1
        posts = [one for one in self.posts if self.outdated.intersection(one.message.event_ids)]
        return OutdatedPosts(
            events={one: PostedEvent(scope, self.events[one]) for one in self.outdated},
            posts=tuple(posts),
            waiting=frozenset(self.waiting & self.outdated),
        )

    async def find_events(
        self, guild_id: GuildId, post_ids: Collection[bytes]
    ) -> Mapping[bytes, PostedEvent]:
        """Return events."""
        assert guild_id == SCOPE.guild_id
        self._fail()
        return {one: PostedEvent(SCOPE, self.events[one]) for one in post_ids if one in self.events}

    async def mark_shown(self, guild_id: GuildId, events: Sequence[PostedEvent]) -> None:
        """Forget what is shown now."""
        assert guild_id == SCOPE.guild_id
        self._fail()
        self.outdated -= {key for key, event in self.events.items() if PostedEvent(SCOPE, event) in events}

    async def leave(self, guild_id: GuildId, post: StandingPost) -> None:
        """Forget a message."""
        assert guild_id == post.message.guild_id
        self.posts.remove(post)

    def _fail(self) -> None:
        if self.failures:
            raise self.failures.pop(0)


@dataclass
class Town:
    """Events and their messages, and the editor of a process that can be replaced by another one."""

    clock: FakeClock = field(default_factory=FakeClock)
    sender: FakeStandingSender = field(default_factory=FakeStandingSender)
    store: FakeEventPostStore = field(default_factory=FakeEventPostStore)
    servers: tuple[GameServer, ...] = (SERVER,)
    settings: EventSettings = field(default_factory=EventSettings)

    def __post_init__(self) -> None:
        """Start a process."""
        self.start()

    def start(self) -> None:
        """Build the editor, as a process does that starts."""
        self.tasks = TaskManager(self.clock)
        messages = StandingMessages(self.sender, self.tasks, pace=NoPace(self.clock), clock=self.clock)
        self.editor = EventPosts(
            self.store,
            messages,
            self,  # type: ignore[arg-type] # only finds servers
            self,
            FakeGuildLanguages(),
            self.tasks,
            self.clock,
        )

    async def get_settings(self, guild_id: GuildId) -> GuildSettings:
        """Return the settings of the guild."""
        return GuildSettings(guild_id, events=self.settings)

    async def find_server(self, scope: ServerScope) -> GameServer | None:
        """Return the server."""
        return next((one for one in self.servers if one.scope == scope), None)

    async def list_servers(self, guild_id: GuildId) -> tuple[GameServer, ...]:
        """Return the servers."""
        assert guild_id == SCOPE.guild_id
        return self.servers

    async def post(self, *events: WorldEvent) -> int:
        """Let a message about events be sent."""
        ids = tuple(event.post_id or b"" for event in events)
        self.store.events |= dict(zip(ids, events, strict=True))
        message_id = await self.sender.send(CHANNEL, embeds=[EMBED], pictures=(), nonce=f"{ids}")
        message = OutgoingMessage(SCOPE.guild_id, CHANNEL, (), f"{message_id}", START, event_ids=ids)
        self.store.posts.append(StandingPost(message, message_id))
        self.store.waiting -= set(ids)
        self.sender.deeds.clear()
        return message_id

    async def change(self, event: WorldEvent) -> None:
        """Let an event change, and let the editor work."""
        self.store.change(event)
        await self.look()

    async def look(self) -> None:
        """Let the editor look at the server."""
        self.editor.on_posted_events_changed(PostedEventsChanged(scope=SCOPE))
        await settle()

    def read(self, message_id: int) -> str | None:
        """Return what a message says."""
        return self.sender.messages[message_id][1].description


@pytest.fixture(name="town")
async def _town() -> AsyncIterator[Town]:
    town = Town()
    yield town
    await town.tasks.stop()


async def pass_minutes(town: Town) -> None:
    """Let time pass in steps, so that each try has its pause."""
    for _ in range(8):
        await town.clock.advance(15)


EVENT = build_event(1)
ACTIVE = replace(EVENT, state="ACTIVE")
OVER = replace(ACTIVE, ended_at=START, end=EventEnd.OVER)
SINCE = f"since <t:{int(START.timestamp())}:t>"
ENDED = f"It ended <t:{int(START.timestamp())}:R>."


async def test_message_shows_the_newest_state_at_most_every_ten_seconds(town: Town) -> None:
    """The first change is shown at once; of those in the next seconds the newest one."""
    message_id = await town.post(EVENT)
    await town.change(ACTIVE)
    assert town.read(message_id) == f"**Active** {SINCE}"
    await town.change(replace(ACTIVE, state="WAITING"))
    await town.clock.advance(9)
    await town.change(OVER)
    assert (town.read(message_id), town.sender.deeds) == (f"**Active** {SINCE}", ["edit"])
    await town.clock.advance(1)
    assert (town.read(message_id), town.sender.deeds) == (ENDED, ["edit", "edit"])
    await town.clock.advance(60)
    assert (town.store.outdated, town.sender.deeds) == (set(), ["edit", "edit"])


async def test_message_of_several_events_is_built_of_all_of_them(town: Town) -> None:
    """The others stay as they are known."""
    other = build_event(2)
    message_id = await town.post(EVENT, other)
    await town.change(replace(other, state="ACTIVE"))
    said = [embed.description for embed in town.sender.edited[message_id]]
    assert (said, town.sender.deeds) == ([f"**Ready** {SINCE}", f"**Active** {SINCE}"], ["edit"])


async def test_edit_never_overtakes_the_post(town: Town) -> None:
    """While the post waits in the outbox, nothing is edited; its message is looked for when it was sent."""
    assert EVENT.post_id is not None
    town.store.waiting = {EVENT.post_id}
    await town.change(OVER)
    await town.clock.advance(60)
    assert (town.store.looks, town.store.outdated, town.sender.deeds) == (1, {EVENT.post_id}, [])
    message_id = await town.post(EVENT)
    await town.change(OVER)
    assert (town.read(message_id), town.store.looks) == (ENDED, 2)


async def test_post_that_was_never_sent_is_forgotten(town: Town) -> None:
    """It was dropped: it was too old, or there was no channel."""
    await town.change(OVER)
    assert (town.store.outdated, town.sender.deeds) == (set(), [])


async def test_message_that_somebody_deleted_is_not_made_again(town: Town) -> None:
    """The next change of its event asks Discord nothing."""
    message_id = await town.post(EVENT)
    del town.sender.messages[message_id]
    await town.change(ACTIVE)
    await town.change(OVER)
    await town.clock.advance(60)
    assert (town.sender.deeds, town.store.posts, town.store.outdated) == (["edit"], [], set())


@pytest.mark.parametrize("failure", [ChannelUnusableError("gone"), ChannelUnusableError("forbidden")])
async def test_message_in_a_channel_that_cannot_be_used_stays_as_it_is(
    town: Town, failure: DeliveryError
) -> None:
    """Only a person could change that."""
    await town.post(EVENT)
    town.sender.failures = [failure]
    await town.change(OVER)
    await town.clock.advance(3_600)
    assert (town.sender.deeds, town.store.posts) == (["edit"], [])


async def test_message_is_tried_once_more_when_discord_limits_its_edits(town: Town) -> None:
    """Discord allows few edits of messages older than an hour, and does not say how many."""
    message_id = await town.post(EVENT)
    town.sender.failures = [LIMITED]
    await town.change(ACTIVE)
    await town.clock.advance(599)
    await town.change(OVER)
    assert town.sender.deeds == ["edit"]
    await town.clock.advance(1)
    assert (town.read(message_id), town.sender.deeds) == (ENDED, ["edit", "edit"])
    town.sender.failures = [LIMITED]
    await town.change(ACTIVE)
    await town.clock.advance(10)
    await town.clock.advance(600)
    assert (town.read(message_id), len(town.sender.deeds)) == (f"**Active** {SINCE}", 4)


async def test_message_stays_as_it_is_when_discord_limits_the_last_try(town: Town) -> None:
    """Its event goes on without it."""
    await town.post(EVENT)
    town.sender.failures = [LIMITED, LIMITED]
    await town.change(ACTIVE)
    await town.clock.advance(600)
    await town.change(OVER)
    await town.clock.advance(3_600)
    assert (town.sender.deeds, town.store.posts) == (["edit", "edit"], [])


async def test_message_is_edited_when_what_may_pass_has_passed(town: Town) -> None:
    """Discord is away, then the database, at each of its calls."""
    message_id = await town.post(EVENT)
    town.sender.failures = [DeliveryDelayedError("away")] * 3
    await town.change(ACTIVE)
    await pass_minutes(town)
    assert town.read(message_id) == f"**Active** {SINCE}"
    away = StorageUnavailableError("away")
    town.store.failures = [away]
    await town.change(OVER)
    await pass_minutes(town)
    assert (town.read(message_id), town.store.outdated) == (ENDED, set())
    town.store.change(ACTIVE)
    town.store.failures = [away, away]
    await town.look()
    await pass_minutes(town)
    assert (town.read(message_id), town.store.outdated) == (f"**Active** {SINCE}", set())


async def test_process_that_is_killed_leaves_the_edit_to_its_successor(town: Town) -> None:
    """It was killed before the edit, or before it noted it: the successor shows the newest state."""
    message_id = await town.post(EVENT)
    for is_edited in (False, True):
        town.store.change(ACTIVE if is_edited else OVER)
        if is_edited:
            await town.sender.edit(CHANNEL, message_id, embeds=[EMBED])
        await town.tasks.stop()
        town.start()
        await town.look()
        assert town.store.outdated == set()
    assert town.read(message_id) == f"**Active** {SINCE}"


DEEDS = st.sampled_from(["active", "over", "post", "kill", "pass", "away", "storage"])


async def play(deeds: Sequence[str]) -> Town:
    """Live through changes, faults and kills; in the end the post is sent, and time passes."""
    town = Town()
    town.store.waiting = {EVENT.post_id or b""}
    event = EVENT
    for number, deed in enumerate([*deeds, "post"]):
        match deed:
            case "active" | "over":
                at = START + timedelta(seconds=number)
                event = replace(
                    event, state=deed.upper(), since=at, end=EventEnd.OVER if deed == "over" else None
                )
                await town.change(event)
            case "post" if not town.store.posts:
                town.sender.failures.clear()
                outdated = set(town.store.outdated)
                await town.post(event)
                town.store.outdated = outdated
                await town.look()
            case "kill":
                await town.tasks.stop()
                town.start()
                await town.look()
            case "away":
                town.sender.failures.append(DeliveryDelayedError("away"))
            case "storage":
                town.store.failures.append(StorageUnavailableError("away"))
            case _:
                await town.clock.advance(7)
    town.store.failures.clear()
    town.sender.failures.clear()
    await pass_minutes(town)
    await town.tasks.stop()
    return town


@given(st.lists(DEEDS, max_size=14))
@settings(deadline=None)
def test_post_shows_the_newest_state_in_the_end_whatever_happened(deeds: list[str]) -> None:
    """Changes, kills, and a Discord or a database that is away: no edit is lost, and none posts again."""
    town = asyncio.run(play(deeds))
    assert (len(town.sender.messages), town.store.outdated) == (1, set())
    said = town.read(1)
    [event] = town.store.events.values()
    if "edit" in town.sender.deeds:
        moment = f"<t:{int(event.since.timestamp())}"
        assert said == (f"It ended {moment}:R>." if event.end else f"**Active** since {moment}:t>")
    else:
        assert event == EVENT or said is None


async def test_message_is_not_edited_when_a_community_does_not_want_it(town: Town) -> None:
    """A game server's own choice goes before that of its guild; a later change is not made up for."""
    await town.post(EVENT)
    off, on = (EventSettings({PostedKind.MISSION: KindSettings(is_edited=one)}) for one in (False, True))
    town.settings = off
    await town.change(ACTIVE)
    assert (town.sender.deeds, town.store.outdated) == ([], set())
    town.servers = (replace(SERVER, events=on),)
    await town.look()
    await town.clock.advance(60)
    assert town.sender.deeds == []
    await town.change(OVER)
    assert town.sender.deeds == ["edit"]


async def test_message_of_a_removed_server_stays_as_it_is(town: Town) -> None:
    """It cannot be built any more, also for the other servers in it."""
    await town.post(EVENT, build_event(2))
    town.servers = ()
    await town.change(OVER)
    assert (town.sender.deeds, town.store.posts) == ([], [])
