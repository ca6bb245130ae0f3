"""Limits of each member: the number of running commands, the rate of expensive ones, and memory."""

import pytest

from simulation.discord import CallbackKind, Channel, Interaction, Member
from tests.fakes.clock import FakeClock
from tests.fakes.small_bot import Shelf, SmallBot
from utils.errors import TooMuchAtOnceError
from utils.interactions.limits import COMMANDS_AT_ONCE, SECONDS_A_UNIT, WORK_AT_ONCE, MemberLimits, resting

ALICE, BOB = 1, 2
AT_ONCE = "3 of your commands are still running. Wait for their answers, then ask again."


@pytest.fixture(name="limits")
def _limits(clock: FakeClock) -> MemberLimits:
    return MemberLimits(clock)


def spend(limits: MemberLimits, member_id: int, *costs: int) -> None:
    """Spend several costs at one moment."""
    for cost in costs:
        limits.spend(member_id, cost)


def test_as_many_commands_run_at_once_as_may(limits: MemberLimits) -> None:
    """The fourth command is refused until one has ended; each member has their own limit."""
    with limits.working(ALICE), limits.working(ALICE):
        with limits.working(ALICE):
            with pytest.raises(TooMuchAtOnceError, match=AT_ONCE), limits.working(ALICE):
                pass
            with limits.working(BOB):
                pass
        with limits.working(ALICE):
            pass


def test_command_that_fails_is_under_way_no_longer(limits: MemberLimits) -> None:
    """A failed command no longer counts."""
    for _ in range(COMMANDS_AT_ONCE + 1):
        with pytest.raises(ZeroDivisionError), limits.working(ALICE):
            raise ZeroDivisionError


def test_command_that_waits_for_a_press_takes_no_place(limits: MemberLimits) -> None:
    """Three open confirmations do not block the member; a command counts again when it goes on."""
    with limits.working(ALICE), limits.working(ALICE), limits.working(ALICE):
        with resting(), limits.working(ALICE):
            pass
        with pytest.raises(TooMuchAtOnceError), limits.working(ALICE):
            pass
    with resting():  # outside of a command
        pass


def test_expensive_work_has_a_rate_for_each_member(limits: MemberLimits, clock: FakeClock) -> None:
    """A minute's budget may be spent at once, then unit by unit; the refusal is free and names the wait."""
    spend(limits, ALICE, *[1] * WORK_AT_ONCE)
    for _ in range(2):
        with pytest.raises(TooMuchAtOnceError, match=r"a lot at once\. Try again in 5 seconds\."):
            limits.spend(ALICE, 1)
    with pytest.raises(TooMuchAtOnceError, match=r"Try again in 15 seconds\."):
        limits.spend(ALICE, 3)
    spend(limits, ALICE, 0)
    spend(limits, BOB, 3, 3, 3, 3)
    clock.move(SECONDS_A_UNIT - 0.5)
    with pytest.raises(TooMuchAtOnceError, match=r"Try again in 1 second\."):
        limits.spend(ALICE, 1)
    clock.move(0.5)
    limits.spend(ALICE, 1)
    with pytest.raises(TooMuchAtOnceError):
        limits.spend(ALICE, 1)


def test_nobody_is_remembered_for_longer_than_a_minute(limits: MemberLimits, clock: FakeClock) -> None:
    """The entries of two thousand members are dropped at the next command."""
    for member_id in range(2_000):
        limits.spend(member_id, 1)
        with limits.working(member_id):
            pass
    clock.move(WORK_AT_ONCE * SECONDS_A_UNIT)
    limits.spend(ALICE, 0)
    assert repr(limits) == "<MemberLimits of 0 members>"


def show(reply: Interaction) -> tuple[CallbackKind | None, str, bool]:
    """Return the kind of acknowledgement, the text, and whether it is private."""
    return reply.callback_kind, str(reply.embed.get("description")), reply.is_ephemeral


async def test_expensive_command_is_refused_privately_though_its_answer_is_public(
    bot: SmallBot, shelf: Shelf, alice: Member, manager: Member, channel: Channel
) -> None:
    """The refusal is the first answer, so nothing public remains; other members are served."""
    assert bot.guilds
    for _ in range(WORK_AT_ONCE):
        assert (await alice.ask(channel, "/chart")).content == "a chart"
    refused = show(await alice.ask(channel, "/chart"))
    sentence = "That was a lot at once. Try again in 5 seconds."
    assert refused == (CallbackKind.MESSAGE, sentence, True)
    assert (await alice.ask(channel, "/public")).content.startswith("guild")
    assert (await manager.ask(channel, "/chart")).content == "a chart"
    shelf.clock.move(SECONDS_A_UNIT)
    assert (await alice.ask(channel, "/chart")).content == "a chart"
