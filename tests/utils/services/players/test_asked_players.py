"""Requested players: ten a day for each member and guild, forgotten after a day."""

import random
from contextlib import suppress
from datetime import timedelta

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.deaths import SCOPE, build_player_id
from tests.fakes.links import FakeChannels, FakeLinkStore, FakeNotifier, FakePlayerFinder, FakeProofs
from utils.errors import KillfeedError, LimitReachedError
from utils.events import EventDispatcher
from utils.models.scope import GuildId, MemberId
from utils.services.guilds.audit import AuditLog
from utils.services.links.linking import LinkService
from utils.services.links.request_alerts import RequestAlerts
from utils.services.players.asked_players import DAY, PLAYERS_A_DAY, AskedPlayers

GUILD, OTHER = SCOPE.guild_id, GuildId(99)
ANNA, BERT = MemberId(1), MemberId(2)
PLAYERS = [build_player_id(f"Player{number}") for number in range(PLAYERS_A_DAY + 1)]
ANOTHER = PLAYERS[-1]


@pytest.fixture(name="asked")
def _asked(clock: FakeClock) -> AskedPlayers:
    """Anna has asked for the maximum number of players, one each minute."""
    asked = AskedPlayers(clock)
    for player_id in PLAYERS[:PLAYERS_A_DAY]:
        asked.note(GUILD, ANNA, player_id)
        clock.move(60)
    return asked


def test_member_asks_for_ten_players_a_day(asked: AskedPlayers, clock: FakeClock) -> None:
    """The eleventh waits until the first is a day old; other members and guilds have their own limit."""
    with pytest.raises(LimitReachedError, match=r"10 players in one day.* in 24 hours, or ask an admin"):
        asked.note(GUILD, ANNA, ANOTHER)
    asked.note(GUILD, ANNA, PLAYERS[0])  # a repetition does not count
    asked.note(GUILD, BERT, ANOTHER)
    asked.note(OTHER, ANNA, ANOTHER)
    clock.move(DAY / timedelta(seconds=1) - PLAYERS_A_DAY * 60)
    asked.note(GUILD, ANNA, ANOTHER)
    with pytest.raises(LimitReachedError, match="in 1 minute"):
        asked.note(GUILD, ANNA, build_player_id("One more"))


def test_nobody_is_remembered_for_longer_than_a_day(asked: AskedPlayers, clock: FakeClock) -> None:
    """The entries of thousands of members are dropped at the next request."""
    for number in range(5_000):
        asked.note(OTHER, MemberId(number), ANOTHER)
    clock.move(DAY / timedelta(seconds=1))
    asked.note(GUILD, BERT, ANOTHER)
    assert repr(asked) == "<AskedPlayers of 1 members>"


async def test_one_member_locks_and_alarms_only_some_of_a_guild(clock: FakeClock) -> None:
    """A member goes through all players, and ends each request at once to make the next."""
    names = [f"Owned{number}" for number in range(20)] + [f"Free{number}" for number in range(20)]
    store, notifier = FakeLinkStore(), FakeNotifier()
    links = LinkService(
        store,
        players=FakePlayerFinder(*names),
        proofs=FakeProofs(),
        audit=AuditLog(store.audit, clock=clock),
        notifier=notifier,
        alerts=RequestAlerts(store, notifier=notifier, settings=FakeChannels()),
        events=EventDispatcher(),
        clock=clock,
        rng=random.Random(1),
        requires_proof=True,
    )
    for number, name in enumerate(names[:20]):
        await links.confirm(GUILD, MemberId(100), member_id=MemberId(1000 + number), player=name)
    for name in names[15:]:
        for _ in range(2):
            with suppress(KillfeedError):
                await links.ask(GUILD, ANNA, name)
                await links.unlink(GUILD, ANNA, name)
    told = [member_id for member_id, _ in notifier.told if member_id is not None]
    assert (len(store.attempts), told) == (5, [MemberId(1000 + number) for number in range(15, 20)])
