"""Standing messages: many at once, with limits, and no channel delays another one."""

import asyncio
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field

import discord
import pytest

from tests.fakes.clock import FakeClock, settle
from tests.fakes.standing import FakeStandingSender, NoPace
from utils.delivery.pace import MessagePace
from utils.delivery.standing_messages import PLACES, FixedPlace, StandingMessage, StandingMessages
from utils.embeds.factory import Post
from utils.errors import (
    ChannelUnusableError,
    DeliveryDelayedError,
    DeliveryRefusedError,
    DeliveryUncertainError,
)
from utils.models.message_places import MessagePlace
from utils.models.scope import ChannelId, GuildId
from utils.tasks import TaskManager

GUILD = GuildId(1)
CHANNEL = ChannelId(7)


@dataclass
class FakePlaces:
    """The stored position of one message, in memory."""

    place: MessagePlace = field(default_factory=MessagePlace)
    others: frozenset[int] = frozenset()

    async def find(self) -> MessagePlace:
        """Return the position."""
        return self.place

    async def save(self, place: MessagePlace) -> bool:
        """Store the position."""
        self.place = place
        return True

    async def list_others(self) -> Collection[int]:
        """Return the messages that a test sets."""
        return self.others


@dataclass
class Wall:
    """Standing messages in channels in memory, and the text that they show."""

    clock: FakeClock = field(default_factory=FakeClock)
    sender: FakeStandingSender = field(default_factory=FakeStandingSender)
    text: str = "first"
    rendering: int = 0
    most_at_once: int = 0

    def __post_init__(self) -> None:
        """Build the standing messages."""
        self.tasks = TaskManager(self.clock)
        self.upkeep = StandingMessages(self.sender, self.tasks, pace=NoPace(self.clock), clock=self.clock)

    def build(
        self, number: int = 0, *, guild_id: GuildId = GUILD, channel_id: ChannelId | None = None
    ) -> StandingMessage:
        """Return a message with a stored position, by default in a channel of its own."""
        channel_id = ChannelId(CHANNEL + number) if channel_id is None else channel_id
        places = FakePlaces()
        return StandingMessage(f"{number}", guild_id, channel_id, self.render, places, is_last=True)

    async def render(self) -> Post:
        """Return the content of all messages."""
        self.rendering += 1
        self.most_at_once = max(self.most_at_once, self.rendering)
        await asyncio.sleep(0)
        self.rendering -= 1
        return Post((discord.Embed(title=self.text),))

    def list_channels(self) -> list[int]:
        """Return the channel of each message."""
        return sorted(channel_id for channel_id, _, _ in self.sender.messages.values())


@pytest.fixture(name="wall")
async def _wall() -> AsyncIterator[Wall]:
    wall = Wall()
    yield wall
    await wall.tasks.stop()


@pytest.mark.parametrize("way", ["refresh", "show", "keep"])
async def test_channel_that_hangs_delays_no_other_message(wall: Wall, way: str) -> None:
    """With a hundred messages, of which ten are for a hanging channel, ninety are shown."""
    wall.sender.held[CHANNEL] = asyncio.Event()
    messages = [wall.build(number, channel_id=CHANNEL if number < 10 else None) for number in range(100)]
    begun = [getattr(wall.upkeep, way)(message) for message in messages]
    tasks = [asyncio.ensure_future(one) for one in begun if way != "keep"]
    for _ in range(10):
        await settle()
    assert wall.list_channels() == [CHANNEL + number for number in range(10, 100)]
    wall.sender.held.pop(CHANNEL).set()
    for _ in range(10):
        await settle()
    await asyncio.gather(*tasks)
    assert len(wall.sender.messages) == 100


async def test_channels_of_one_guild_that_hang_delay_no_other_guild(wall: Wall) -> None:
    """Hanging channels of one guild leave half of the slots free."""
    messages = [wall.build(number) for number in range(2 * PLACES)]
    wall.sender.held |= {message.channel_id: asyncio.Event() for message in messages}
    hanging = [asyncio.create_task(wall.upkeep.refresh(message)) for message in messages]
    await settle()
    for number in range(100, 120):
        await wall.upkeep.refresh(wall.build(number, guild_id=GuildId(2)))
    assert wall.list_channels() == [CHANNEL + number for number in range(100, 120)]
    for task in hanging:
        task.cancel()
    await asyncio.gather(*hanging, return_exceptions=True)


async def test_no_more_than_the_places_are_at_work_at_once(wall: Wall) -> None:
    """Many messages at once would take requests and database time from the feeds."""
    guilds = [GuildId(number % 5) for number in range(100)]
    messages = [wall.build(number, guild_id=guild_id) for number, guild_id in enumerate(guilds)]
    await asyncio.gather(*(wall.upkeep.refresh(message) for message in messages))
    assert (wall.most_at_once, len(wall.sender.messages)) == (PLACES, 100)


async def test_messages_take_turns_at_their_pace(wall: Wall) -> None:
    """A round over all boards leaves requests for the feeds."""
    pace = MessagePace(wall.clock, a_second=2.0)
    upkeep = StandingMessages(wall.sender, wall.tasks, pace=pace, clock=wall.clock)
    begun = [asyncio.create_task(upkeep.refresh(wall.build(number))) for number in range(3)]
    counts = []
    for _ in range(3):
        await settle()
        counts.append(len(wall.sender.messages))
        await wall.clock.advance(0.5)
    await asyncio.gather(*begun)
    assert counts == [1, 2, 3]


async def test_message_is_edited_when_it_changed_and_looked_at_when_not(wall: Wall) -> None:
    """An unchanged message costs one check, which finds a deleted one; that is posted again."""
    message = wall.build()
    await wall.upkeep.refresh(message)
    await wall.upkeep.refresh(message)
    wall.text = "second"
    await wall.upkeep.refresh(message)
    wall.sender.messages.clear()
    await wall.upkeep.refresh(message)
    assert wall.sender.deeds == ["send", "look", "edit", "look", "send"]
    [(_, embed, _)] = wall.sender.messages.values()
    assert embed.title == "second"


@pytest.mark.parametrize("seconds", [60, 1800])
async def test_lost_answer_makes_no_second_message(wall: Wall, seconds: int) -> None:
    """Discord remembers the nonce for a while; later the title identifies the message."""
    wall.sender.loses = 1
    message = wall.build()
    with pytest.raises(DeliveryUncertainError):
        await wall.upkeep.refresh(message)
    wall.clock.move(seconds)
    wall.sender.remembers_nonces = seconds < 120
    await wall.upkeep.refresh(message)
    assert wall.list_channels() == [CHANNEL]
    [message_id] = wall.sender.messages
    assert (await message.places.find()).message_id == message_id


async def test_message_of_another_board_is_not_taken_for_a_lost_one(wall: Wall) -> None:
    """Two messages may have one title; a message of another board is left alone."""
    other = wall.build()
    await wall.upkeep.refresh(other)
    [others] = wall.sender.messages
    places = FakePlaces(MessagePlace(CHANNEL, None, "nonce", wall.clock.now()), frozenset({others}))
    wall.clock.move(1800)
    await wall.upkeep.refresh(StandingMessage("1", GUILD, CHANNEL, wall.render, places))
    assert (len(wall.sender.messages), places.place.message_id == others) == (2, False)


async def test_message_follows_its_channel(wall: Wall) -> None:
    """It is posted in the new channel with its own nonce, and deleted in the old one."""
    message = wall.build()
    await wall.upkeep.refresh(message)
    before = await message.places.find()
    moved = StandingMessage("0", GUILD, ChannelId(8), wall.render, message.places)
    await wall.upkeep.refresh(moved)
    assert wall.list_channels() == [8]
    assert (await message.places.find()).nonce != before.nonce


async def test_message_with_a_fixed_place_is_not_made_anew(wall: Wall) -> None:
    """A member deleted it on purpose; there is no error."""
    message = StandingMessage("0", GUILD, CHANNEL, wall.render, FixedPlace(CHANNEL, 5), is_last=True)
    await wall.upkeep.refresh(message)
    await wall.upkeep.show(message)
    assert (wall.sender.deeds, wall.sender.messages) == (["edit", "edit"], {})


async def test_what_may_pass_is_tried_again_ever_less_often(wall: Wall) -> None:
    """The tries go on until the message is shown, with pauses of at most a minute."""
    wall.sender.failures += [DeliveryDelayedError("away"), DeliveryUncertainError("cut")] * 4
    shown = asyncio.create_task(wall.upkeep.show(wall.build()))
    for _ in range(300):
        await wall.clock.advance(1)
    await shown
    assert wall.clock.slept == [1, 2, 4, 8, 16, 32, 60, 60]
    assert wall.list_channels() == [CHANNEL]


@pytest.mark.parametrize("failure", [ChannelUnusableError("gone"), DeliveryRefusedError("too long")])
async def test_what_lasts_ends_the_tries(wall: Wall, failure: ChannelUnusableError) -> None:
    """Only a person can fix such a failure; the caller of a single try gets the error."""
    wall.sender.failures += [failure, failure]
    await wall.upkeep.show(wall.build())
    with pytest.raises(type(failure)):
        await wall.upkeep.refresh(wall.build())
    assert wall.sender.deeds == ["send", "send"]


async def test_message_that_is_kept_goes_on_when_its_task_was_ended(wall: Wall) -> None:
    """The guild left and came back before the old task had ended; the newest state is shown."""
    wall.sender.held[CHANNEL] = asyncio.Event()
    wall.upkeep.keep(wall.build())
    await settle()
    ending = asyncio.create_task(wall.tasks.cancel_guild(GUILD))
    await asyncio.sleep(0)
    wall.text = "second"
    wall.upkeep.keep(wall.build())
    wall.sender.held.pop(CHANNEL).set()
    await ending
    await settle()
    [(_, embed, _)] = wall.sender.messages.values()
    assert embed.title == "second"
