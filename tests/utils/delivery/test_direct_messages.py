"""Direct messages as Discord gets them: asked for, once, and not too often."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

import discord
import pytest
from discord.ext import commands

from simulation.discord import Fault, Guild, Member, SimulatedDiscord
from simulation.discord.clients import running_bot
from tests.fakes.clock import START, FakeClock
from tests.fakes.languages import FakeGuildLanguages
from tests.fakes.notifications import FakeNotificationStore
from tests.fakes.own_bot import wait_until
from tests.fakes.pseudo_language import LANGUAGE
from utils.delivery.direct_messages import REST, DirectMessages
from utils.delivery.pace import MessagePace
from utils.delivery.sender import DiscordSender
from utils.errors import StorageUnavailableError
from utils.models.health import DirectState
from utils.models.notifications import (
    KEPT_FOR,
    MOST_A_DAY,
    PAUSE,
    DirectEvent,
    DirectMessage,
    DirectProblem,
    Notifications,
    Topic,
)
from utils.models.scope import ChannelId, GuildId, MemberId
from utils.tasks import TaskManager

CHANNELS = "/users/@me/channels"
MESSAGES = "/channels/{channel_id}/messages"


class QuickClock(FakeClock):
    """A clock without waits: a sleep moves it."""

    async def sleep(self, seconds: float) -> None:
        """Move the clock."""
        self.move(seconds)


@dataclass
class Post:
    """The process of the bot that sends direct messages, and what is stored."""

    world: SimulatedDiscord
    bot: discord.Bot
    guild: Guild
    store: FakeNotificationStore = field(default_factory=FakeNotificationStore)
    clock: QuickClock = field(default_factory=QuickClock)
    told: int = 0

    def __post_init__(self) -> None:
        """Start the first process."""
        self.restart()

    def restart(self) -> None:
        """Begin another process with what is stored."""
        self.direct = DirectMessages(
            self.bot,
            DiscordSender(self.bot, clock=self.clock),
            self.store,
            self.store,
            languages=FakeGuildLanguages(),
            pace=MessagePace(self.clock, a_second=1),
            tasks=TaskManager(self.clock),
            clock=self.clock,
        )

    def ask(self, member: Member, *topics: Topic) -> None:
        """Let a member ask for topics."""
        member_id = MemberId(member.id)
        self.store.chosen[self.guild_id, member_id] = Notifications(member_id, frozenset(topics), "en-US")

    @property
    def guild_id(self) -> GuildId:
        """The id of the guild."""
        return GuildId(self.guild.id)

    def happen(self, member: Member, event: DirectEvent = DirectEvent.EXPIRED) -> None:
        """Let something happen that a member may have asked for."""
        self.told += 1
        message = DirectMessage(
            member_id=MemberId(member.id),
            key=f"{event}:{self.told}",
            event=event,
            created_at=self.clock.now(),
            player_name=f"*Prey* {self.told}",
            amount=500,
            claimer_name="Hunter",
            server_name="North",
            level=5,
            role_name="*Top*",
            faction_name="_W_",
            ends_at=START + timedelta(hours=1),
        )
        self.store.tell(self.guild_id, message)

    async def pass_time(self, length: timedelta) -> None:
        """Let time pass, and send what is due then."""
        self.clock.move(length.total_seconds())
        await self.direct.send_due()

    def read(self, member: Member) -> list[str | None]:
        """Return the texts that a member got."""
        messages = self.world.direct_messages(member.user).messages
        return [message.embeds[0].get("description") for message in messages]


@pytest.fixture(name="post")
async def _post(world: SimulatedDiscord, guild: Guild, bot: commands.Bot) -> AsyncIterator[Post]:
    async with running_bot(bot, world):
        await wait_until(lambda: bot.get_guild(guild.id) is not None)
        yield Post(world, bot, guild)
    assert world.violations == []


async def test_members_are_told_what_they_asked_for_and_not_too_often(
    post: Post, world: SimulatedDiscord, guild: Guild, alice: Member
) -> None:
    """One message in ten minutes with everything that happened meanwhile, ten a day, none that is old."""
    bob = world.add_member(guild, "bob")
    post.ask(alice, Topic.CLAIMED)
    for event in (DirectEvent.EXPIRED, DirectEvent.PLACED):
        post.happen(alice, event)
        post.happen(bob, event)
    await post.direct.send_due()
    back = "Nobody claimed your bounty on **\\*Prey\\* {}**. You got 500 💎 back."
    assert (post.read(alice), post.read(bob)) == ([back.format(1)], [])
    [message] = world.direct_messages(alice.user).messages
    assert message.embeds[0]["title"] == guild.name
    stop = f"You asked for these messages. To stop them, use /notify in {guild.name}."
    assert message.embeds[0]["footer"]["text"] == stop
    post.happen(alice, DirectEvent.CLAIMED)
    post.happen(alice, DirectEvent.REFUNDED)
    await post.pass_time(PAUSE - timedelta(seconds=1))
    assert len(post.read(alice)) == 1
    await post.pass_time(timedelta(seconds=1))
    claimed = "**Hunter** claimed your bounty of 500 💎 on **\\*Prey\\* 5**."
    taken = "Your bounty on **\\*Prey\\* 6** was taken down. You got 500 💎 back."
    assert post.read(alice)[1:] == [f"{claimed}\n{taken}"]
    for _ in range(MOST_A_DAY):
        post.happen(alice)
        await post.pass_time(PAUSE)
    assert len(post.read(alice)) == MOST_A_DAY
    await post.pass_time(KEPT_FOR + timedelta(seconds=1))
    assert post.store.waiting[post.guild_id] == []
    post.happen(alice)
    await post.pass_time(timedelta(hours=23))  # too old when the day is over
    post.happen(alice)
    await post.direct.send_due()
    assert len(post.read(alice)) == MOST_A_DAY + 1
    post.ask(bob, Topic.BOUNTY)
    post.happen(bob, DirectEvent.AUTO)
    post.ask(bob)
    await post.direct.send_due()
    assert (post.read(bob), post.store.waiting[post.guild_id]) == ([], [])
    assert len(world.journal.requests_to("POST", CHANNELS)) == 1


async def test_role_and_faction_are_named_in_words(post: Post, alice: Member) -> None:
    """A mention of a role shows nothing in a direct message, so its name stands there."""
    post.ask(alice, Topic.ROLE, Topic.FACTION)
    for event in DirectEvent:
        post.happen(alice, event)
    await post.direct.send_due()
    ends = f"<t:{int((START + timedelta(hours=1)).timestamp())}:R>"
    [told] = post.read(alice)
    assert told is not None
    assert told.splitlines() == [
        "You have the role **\\*Top\\*** now.",
        "You don't have the role **\\*Top\\*** any more.",
        f"The faction **\\_W\\_** invites you. Join it with `/faction join`. The invitation ends {ends}.",
        "You aren't in the faction **\\_W\\_** any more.",
        "You lead the faction **\\_W\\_** now.",
        "You don't lead the faction **\\_W\\_** any more.",
    ]


async def test_message_is_sent_once_over_the_end_of_a_process(
    post: Post, world: SimulatedDiscord, alice: Member
) -> None:
    """A process ends before the try or after it, and Discord may have forgotten the nonce meanwhile."""
    post.ask(alice, Topic.CLAIMED)
    for number, (ended_in, seconds) in enumerate(
        [("note_channel", 1), ("delete_messages", 1), ("delete_messages", 600)], 1
    ):
        post.happen(alice)
        post.store.broken.add(ended_in)
        await post.direct.send_due()
        post.store.broken.clear()
        post.happen(alice)  # it joins the next message, not the one that is under way
        post.restart()
        await post.pass_time(timedelta(seconds=seconds))
        assert len(post.read(alice)) == number * 2 - 1
        await post.pass_time(PAUSE)
        assert len(post.read(alice)) == number * 2
        await post.pass_time(PAUSE)
    assert post.store.waiting[post.guild_id] == []
    post.happen(alice)
    world.faults.add(Fault(method="POST", route=MESSAGES, cut="after"))
    await post.direct.send_due()
    await post.direct.send_due()
    assert len(post.read(alice)) == 7
    assert len(set(post.read(alice))) == 7


async def test_message_keeps_its_language_in_every_retry(
    post: Post, world: SimulatedDiscord, alice: Member
) -> None:
    """In another one Discord's channel would not show that it was sent, and the member would get it twice."""
    post.ask(alice, Topic.CLAIMED)
    post.happen(alice)
    post.store.broken.add("delete_messages")
    await post.direct.send_due()
    post.store.broken.clear()
    key = post.guild_id, MemberId(alice.id)
    post.store.chosen[key] = post.store.chosen[key].switch([Topic.LEVEL], is_on=True, locale=LANGUAGE)
    world.board._nonces.clear()
    await post.pass_time(timedelta(minutes=5))
    [english] = post.read(alice)
    post.happen(alice)
    await post.pass_time(PAUSE)
    assert (post.read(alice)[0], len(post.read(alice))) == (english, 2)
    assert str(post.read(alice)[1]).startswith("⟦")


@pytest.mark.parametrize("problem", DirectProblem)
async def test_member_out_of_reach_is_switched_off_at_once(
    post: Post, world: SimulatedDiscord, guild: Guild, alice: Member, problem: DirectProblem
) -> None:
    """Closed direct messages, or a user whom Discord does not know: one try, and the others go on."""
    bob = world.add_member(guild, "bob")
    for member in (alice, bob):
        post.ask(member, Topic.CLAIMED)
        post.happen(member)
    if problem is DirectProblem.CLOSED:
        alice.user.accepts_direct_messages = False
    else:
        del world.users[alice.user.id]
    for _ in range(2):
        await post.pass_time(PAUSE)
    assert post.store.chosen[post.guild_id, MemberId(alice.id)].problem is problem
    assert post.store.chosen[post.guild_id, MemberId(alice.id)].topics == frozenset()
    assert (len(post.read(bob)), post.store.waiting[post.guild_id]) == (1, [])
    tries = len(world.journal.requests_to("POST", MESSAGES))
    assert tries == (2 if problem is DirectProblem.CLOSED else 1)


async def test_channel_that_discord_does_not_know_any_more_is_opened_again(post: Post, alice: Member) -> None:
    """The message waits for the next round, and later ones do not look for the lost channel."""
    post.ask(alice, Topic.CLAIMED)
    key = post.guild_id, MemberId(alice.id)
    post.store.chosen[key] = replace(post.store.chosen[key], channel_id=ChannelId(999))
    post.happen(alice)
    for _ in range(2):
        await post.direct.send_due()
    channel_id = post.store.chosen[key].channel_id
    assert len(post.read(alice)) == 1
    assert (channel_id in (None, ChannelId(999)), post.store.waiting[post.guild_id]) == (False, [])


@pytest.mark.parametrize(
    "fault",
    [
        Fault("POST", CHANNELS, status=400, body={"code": 40003, "message": "Too fast"}),
        Fault("POST", MESSAGES, status=429, body="error code: 1015"),
    ],
)
async def test_all_members_wait_while_discord_limits_the_bot(
    post: Post, world: SimulatedDiscord, guild: Guild, alice: Member, fault: Fault
) -> None:
    """The bot writes to no member for ten minutes; afterwards each gets their message."""
    bob = world.add_member(guild, "bob")
    for member in (alice, bob):
        post.ask(member, Topic.CLAIMED)
        post.happen(member)
    world.faults.add(fault)
    await post.direct.send_due()
    requests = len(world.journal.requests)
    await post.pass_time(REST - timedelta(seconds=1))
    assert len(world.journal.requests) == requests
    await post.pass_time(timedelta(seconds=1))
    assert (len(post.read(alice)), len(post.read(bob))) == (1, 1)


async def test_wait_is_measured_for_those_who_may_get_a_message(
    post: Post, world: SimulatedDiscord, guild: Guild, alice: Member
) -> None:
    """The pause of a member does not count, and neither does an unwanted message; one under way does."""
    bob = world.add_member(guild, "bob")
    for member in (alice, bob):
        post.ask(member, Topic.CLAIMED)
        post.happen(member)
    await post.direct.send_due()
    assert await post.direct.measure() == DirectState()
    post.happen(alice)
    post.clock.move(PAUSE.total_seconds() - 1)
    assert await post.direct.measure() == DirectState(1)
    post.clock.move(30)
    assert await post.direct.measure() == DirectState(1, 30)
    post.ask(alice)
    assert await post.direct.measure() == DirectState(1)
    post.store.waiting[GuildId(7)] = post.store.waiting.pop(post.guild_id)  # the bot left that guild
    assert await post.direct.measure() == DirectState(1)
    post.store.waiting.clear()
    post.happen(bob)
    world.faults.add(Fault("POST", MESSAGES, status=429, body="error code: 1015"))
    await post.direct.send_due()
    post.clock.move(60)
    assert await post.direct.measure() == DirectState(1, 60, is_resting=True)


async def test_message_waits_while_the_database_or_discord_is_away(
    post: Post, world: SimulatedDiscord, alice: Member
) -> None:
    """Nothing is lost for an hour."""
    post.ask(alice, Topic.LEVEL)
    post.happen(alice, DirectEvent.LEVEL)
    post.store.failures = [StorageUnavailableError("away")]
    with pytest.raises(StorageUnavailableError):
        await post.direct.send_due()
    world.faults.add(Fault("POST", MESSAGES, status=520))
    await post.direct.send_due()
    assert post.read(alice) == []
    await post.direct.send_due()
    assert post.read(alice) == ["You reached level 5."]
