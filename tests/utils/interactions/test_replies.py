"""Error replies: their text, their visibility, and the details that they hide."""

import asyncio
from typing import Literal

import aiohttp
import discord
import pytest
from structlog.testing import capture_logs

from simulation.discord import Channel, Fault, Interaction, Member, SimulatedDiscord
from tests.fakes.errors import REFERENCE
from tests.fakes.own_bot import wait_until
from tests.fakes.small_bot import Shelf, SmallBot
from utils.embeds.factory import EmbedFactory
from utils.errors import (
    InvalidInputError,
    LoginRefusedError,
    NotFoundError,
    StorageUnavailableError,
)
from utils.interactions.replies import LOST_ANSWER, find_cause
from utils.models.texts import text
from utils.services.players.wording import describe_missing_player

DETAIL = "a detail nobody may read"
WEBHOOK = "/webhooks/{webhook_id}/{webhook_token}"
CALLBACK = "/interactions/{interaction_id}/{interaction_token}/callback"
ORIGINAL = "/webhooks/{webhook_id}/{webhook_token}/messages/@original"


@pytest.fixture(name="fail")
def _fail(bot: SmallBot, alice: Member, channel: Channel) -> "Fail":
    return Fail(bot, alice, channel)


class Fail:
    """Lets a command fail with an error and returns the answer."""

    def __init__(self, bot: SmallBot, member: Member, channel: Channel) -> None:
        self._bot = bot
        self._member = member
        self._channel = channel

    async def __call__(self, error: Exception, command: str = "/deep fail") -> Interaction:
        """Use the command and wait."""
        self._bot.practice.error = error
        return await self._member.ask(self._channel, command)


@pytest.mark.parametrize(
    "error",
    [InvalidInputError(text("Choose another name.")), LoginRefusedError(text("The host refused the login."))],
    ids=lambda error: type(error).__name__,
)
async def test_refusal_is_private_and_no_error(fail: Fail, shelf: Shelf, error: Exception) -> None:
    """The caller reads the sentence of an expected refusal, without a reference."""
    reply = await fail(error)
    assert (reply.is_ephemeral, reply.embed["description"], shelf.reporter.reported) == (True, str(error), [])


async def test_what_was_typed_is_escaped_in_a_refusal(fail: Fail) -> None:
    """A refusal may quote typed text, which neither pings nor formats."""
    reply = await fail(NotFoundError(describe_missing_player("**@everyone**")))
    assert reply.message is not None
    assert not reply.message.pings
    assert r"\*\*" in reply.embed["description"]


@pytest.mark.parametrize("command", ["/fail", "/deep fail"])
async def test_unexpected_error_has_a_code_and_no_detail(fail: Fail, shelf: Shelf, command: str) -> None:
    """The bot's own fault is logged with a code; the person reads the code and the next step."""
    error = ZeroDivisionError(DETAIL)
    reply = await fail(error, command)
    assert (reply.is_ephemeral, reply.embed["title"]) == (True, "❌ Something went wrong")
    assert f"`{REFERENCE}`" in reply.embed["description"]
    assert DETAIL not in str(reply.embeds)
    assert shelf.reporter.reported == [error]


async def test_storage_error_says_that_nothing_is_lost(fail: Fail, shelf: Shelf) -> None:
    """The answer about a missing database has a code, and no address."""
    reply = await fail(StorageUnavailableError("mongodb://user:pw@host"))
    assert reply.embed["title"] == "❌ The database isn't answering"
    assert "pw@host" not in str(reply.embeds)
    assert len(shelf.reporter.reported) == 1


async def test_public_acknowledgement_is_deleted_when_a_command_fails(fail: Fail, channel: Channel) -> None:
    """A deferred public reply cannot become private, so it is deleted, and a private error follows."""
    reply = await fail(InvalidInputError(text("No.")), "/fail")
    assert (reply.original_was_deleted, reply.is_ephemeral, reply.embed["description"]) == (True, True, "No.")
    assert channel.messages == []


async def test_error_still_follows_when_the_public_reply_is_gone(
    bot: SmallBot, world: SimulatedDiscord, alice: Member, channel: Channel
) -> None:
    """Another member deleted the reply meanwhile; the caller still gets the error."""
    bot.practice.error = InvalidInputError(text("No."))
    may_delete = asyncio.Event()
    late = world.faults.add(Fault(method="DELETE", route=ORIGINAL, held=may_delete))
    reply = await alice.invoke(channel, "/fail")
    await world.until(lambda: late.struck == 1)
    assert reply.original is not None
    assert not reply.original.is_deleted
    world.board.delete(reply.original)
    may_delete.set()
    await reply.wait_until(lambda one: bool(one.followups))
    told = reply.followups[0]
    assert (told.is_ephemeral, told.embeds[0]["description"]) == (True, "No.")


@pytest.mark.usefixtures("bot")
async def test_error_before_the_acknowledgement_is_answered_in_private(
    shelf: Shelf, alice: Member, channel: Channel
) -> None:
    """A command with a form has not acknowledged yet, so the refusal is the first answer."""
    shelf.guilds.broken.add("get_settings")
    reply = await alice.ask(channel, "/form")
    assert (reply.is_ephemeral, reply.is_deferred) == (True, False)
    assert reply.embed["title"] == "❌ The database isn't answering"


async def test_expired_interaction_is_silent(
    bot: SmallBot, world: SimulatedDiscord, shelf: Shelf, alice: Member, channel: Channel
) -> None:
    """After 15 minutes no answer is possible; nothing is raised, and nothing is posted elsewhere."""

    class SlowError(InvalidInputError):
        """Takes a quarter of an hour to be raised."""

        def __str__(self) -> str:
            """Let time pass."""
            world.clock.advance(16 * 60)
            return "too late"

    bot.practice.error = SlowError(text("Too slow."))
    reply = await alice.invoke(channel, "/deep fail")
    await world.until(lambda: bool(world.refusals), what="the refusal of an expired token")
    await world.settle()
    assert (reply.is_answered, channel.messages, shelf.reporter.reported) == (False, [], [])


@pytest.mark.parametrize("command", ["/public", "/deep private"])
async def test_answer_that_comes_too_late_is_no_error(
    bot: SmallBot, world: SimulatedDiscord, shelf: Shelf, alice: Member, channel: Channel, command: str
) -> None:
    """A command that ends after a quarter of an hour has no answer; that is not reported as a bug."""
    bot.practice.before_answer = lambda: world.clock.advance(16 * 60)
    with capture_logs() as logs:
        reply = await alice.invoke(channel, command)
        await wait_until(lambda: bool(logs))
    assert [entry["event"] for entry in logs] == ["interaction is over before its answer"]
    assert (reply.is_answered, reply.followups, shelf.reporter.reported) == (False, [], [])


async def test_answer_that_a_stop_cuts_short_is_no_error(
    bot: SmallBot, shelf: Shelf, alice: Member, channel: Channel
) -> None:
    """A stop closes the library's session. The member gets no answer, and nothing is reported."""
    bot.practice.error = RuntimeError("Session is closed")
    with capture_logs() as logs:
        reply = await alice.invoke(channel, "/deep fail")
        await wait_until(lambda: bool(logs))
    assert [entry["event"] for entry in logs] == ["interaction is over before its answer"]
    assert (reply.is_answered, shelf.reporter.reported) == (False, [])


async def test_answer_is_sent_again_when_the_connection_breaks(
    bot: SmallBot, world: SimulatedDiscord, shelf: Shelf, alice: Member, channel: Channel
) -> None:
    """A dead kept-alive connection leads to a second try."""
    bot.practice.error = InvalidInputError(text("No."))
    cut = world.faults.add(Fault(method="POST", route=WEBHOOK, cut="before"))
    reply = await alice.ask(channel, "/deep fail")
    assert (cut.struck, reply.embed["description"], shelf.reporter.reported) == (1, "No.", [])


async def test_answer_that_never_arrives_is_noted_and_raises_nothing(
    bot: SmallBot, world: SimulatedDiscord, shelf: Shelf, alice: Member, channel: Channel
) -> None:
    """If every connection breaks, the refusal is given up, and the bot goes on."""
    bot.practice.error = InvalidInputError(text("No."))
    cut = world.faults.add(Fault(method="POST", route=WEBHOOK, cut="before", times=None))
    with capture_logs() as logs:
        await alice.invoke(channel, "/deep fail")
        await wait_until(lambda: any("does not reach" in entry["event"] for entry in logs))
    assert (cut.struck >= 2, shelf.reporter.reported) == (True, [])
    world.faults.clear()
    assert (await alice.ask(channel, "/deep private")).content == "for you"


@pytest.mark.parametrize(("cut", "is_deferred"), [("before", False), ("after", True)])
async def test_lost_acknowledgement_is_told_as_a_lost_answer(
    world: SimulatedDiscord,
    bot: SmallBot,
    shelf: Shelf,
    alice: Member,
    channel: Channel,
    cut: Literal["before", "after"],
    *,
    is_deferred: bool,
) -> None:
    """Whether Discord got the acknowledgement or not, the member gets an answer, and no bug is reported."""
    assert bot.is_ready is not None
    world.faults.add(Fault(method="POST", route=CALLBACK, cut=cut))
    reply = await alice.ask(channel, "/deep private")
    assert (reply.embed["description"], reply.is_ephemeral) == (str(LOST_ANSWER), True)
    assert (reply.is_deferred, shelf.reporter.reported) == (is_deferred, [])


@pytest.mark.parametrize(
    ("error", "is_told"),
    [
        (aiohttp.ServerDisconnectedError(), True),
        (ConnectionResetError("reset"), True),
        (OSError("a file of ours"), False),
        (TimeoutError("a lock of ours"), False),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_connection_that_breaks_in_a_command_is_no_bug(
    fail: Fail, shelf: Shelf, error: Exception, *, is_told: bool
) -> None:
    """A lost connection to Discord is reported without a code; other errors of the system are logged."""
    reply = await fail(error)
    told = (str(LOST_ANSWER)[:20] in reply.embed["description"], shelf.reporter.reported)
    assert told == ((True, []) if is_told else (False, [error]))


async def test_missing_permission_of_the_bot_is_told(
    bot: SmallBot, world: SimulatedDiscord, alice: Member, channel: Channel
) -> None:
    """The answer names the missing permission, without a code."""
    route = "/channels/{channel_id}/messages"
    world.faults.add(Fault(method="POST", route=route, status=403))
    with pytest.raises(discord.Forbidden) as caught:
        await bot.get_partial_messageable(channel.id).send("x")
    bot.practice.error = caught.value
    reply = await alice.ask(channel, "/deep fail")
    assert (
        reply.embed["description"] == "I can't do that in this channel. Ask an admin to check my permissions."
    )


def test_cause_is_found_inside_the_librarys_wrapping() -> None:
    """The inner error decides, in any wrapping of the library."""
    refusal = InvalidInputError(text("No."))
    wrapped = discord.ApplicationCommandInvokeError(discord.ApplicationCommandInvokeError(refusal))
    assert find_cause(wrapped) is refusal
    bug = ZeroDivisionError()
    assert find_cause(bug) is bug
    bug.__cause__ = refusal
    assert find_cause(bug) is refusal


def test_failed_check_is_a_refusal(shelf: Shelf) -> None:
    """A check of the library itself is answered like a refusal."""
    embed = shelf.build_services().replies.build(discord.CheckFailure("internal"), EmbedFactory())
    assert (embed.description, shelf.reporter.reported) == (
        "You can't use this command. Ask an admin for access.",
        [],
    )
