"""Direct messages on a real mongod: stored with what they tell, for those who asked, and gone when erased."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes.clock import START
from tests.utils.database.repositories.test_money import ANN, BOB, HUNTER, PREY, build_bounty, no_fence
from utils.database.core.database import SafeDatabase
from utils.database.read_models.standings.standings import Standings
from utils.database.repositories.bounties import BountyRepository
from utils.database.repositories.erasures import ErasureRepository
from utils.database.repositories.levels import LevelRepository
from utils.database.repositories.notifications import NotificationRepository
from utils.database.repositories.roles import RoleRepository
from utils.database.units.money_unit import MoneyTransaction
from utils.errors import StorageError
from utils.models.levels import KnownLevel, LevelChange
from utils.models.money import Bounty, BountyEnd, BountyState
from utils.models.notifications import (
    DirectEvent,
    DirectMessage,
    DirectProblem,
    Notifications,
    Topic,
    tell_placer,
    tell_role,
    tell_target,
)
from utils.models.personal import Holdings
from utils.models.roles import GrantState, RoleGrant, RoleId
from utils.models.scope import ERASED_NAME, ERASED_PLAYER_ID, ChannelId, GuildId, MemberId, ServerScope
from utils.services.money.bounties.endings import end_bounty
from utils.services.personal.notifications import NotificationService


@pytest.fixture(name="notifications")
def _notifications(database: SafeDatabase) -> NotificationRepository:
    return NotificationRepository(database, fences=no_fence)


@pytest.fixture(name="bounties")
def _bounties(database: SafeDatabase) -> BountyRepository:
    return BountyRepository(database, fences=no_fence)


async def ask(notifications: NotificationRepository, guild_id: GuildId, *members: MemberId) -> None:
    """Let members ask for everything."""
    for member_id in members:
        await NotificationService(notifications).switch(guild_id, member_id, None, is_on=True, locale="de")


async def tell(bounties: BountyRepository, scope: ServerScope, messages: Sequence[DirectMessage]) -> None:
    """Store messages in a transaction of their own."""

    def store(unit: MoneyTransaction) -> None:
        unit.tell(messages)

    await bounties.in_transaction(scope, store)


def build_claim(bounty: Bounty) -> Sequence[DirectMessage]:
    """Return the message to the placer about a claim."""
    return tell_placer(bounty, DirectEvent.CLAIMED, at=START, claimer_player_id=HUNTER, claimer_name="Hunter")


async def test_choices_come_back_and_go_when_all_is_off(
    notifications: NotificationRepository, scope: ServerScope
) -> None:
    """One topic or all are switched; a choice of one guild says nothing about another; nothing is left."""
    service, guild_id = NotificationService(notifications), scope.guild_id
    await service.switch(guild_id, ANN, Topic.CLAIMED, is_on=True, locale="fr")
    wanted = Notifications(ANN, frozenset({Topic.CLAIMED}), "fr")
    assert await service.describe(guild_id, ANN) == wanted
    other = GuildId(guild_id + 1)
    assert await service.describe(other, ANN) == Notifications(ANN)
    assert await notifications.list_choices(guild_id, {ANN, BOB}) == {ANN: wanted}
    assert await notifications.list_choices(other, {ANN}) == {}
    for channel_id in (ChannelId(4), None, ChannelId(5)):
        await notifications.note_channel(guild_id, ANN, channel_id)
    every = await service.switch(guild_id, ANN, None, is_on=True, locale="en-GB")
    assert every == Notifications(ANN, frozenset(Topic), "en-GB", channel_id=ChannelId(5))
    await service.switch(guild_id, ANN, None, is_on=False, locale="en-GB")
    assert await notifications.find(guild_id, ANN) is None


async def test_message_is_stored_once_with_its_event_for_those_who_asked(
    notifications: NotificationRepository, bounties: BountyRepository, scope: ServerScope
) -> None:
    """An event that does not happen tells nothing; members get only the topics that they asked for."""
    bounty = build_bounty(scope)
    await NotificationService(notifications).switch(
        scope.guild_id, ANN, Topic.CLAIMED, is_on=True, locale="de"
    )
    await tell(bounties, scope, tell_target(bounty, ANN, "North"))
    await tell(bounties, scope, build_claim(replace(bounty, placer_id=BOB)))
    assert await notifications.list_waiting(scope.guild_id) == ()

    def place(unit: MoneyTransaction) -> None:
        unit.insert_bounty(bounty)

    await bounties.in_transaction(scope, place)
    end = BountyEnd(BountyState.EXPIRED, START)
    told = tell_placer(bounty, DirectEvent.EXPIRED, at=START, server_name="North")
    for is_ended in (True, False):
        assert await end_bounty(bounties, bounty, end, refund=0, told=told) is is_ended
    [waiting] = await notifications.list_waiting(scope.guild_id)
    assert replace(waiting, nonce="") == told[0]
    assert len(waiting.nonce) == 24
    assert await notifications.list_waiting(GuildId(scope.guild_id + 1)) == ()
    with pytest.raises(StorageError):
        await tell(bounties, scope, told)  # the key is unique


async def test_message_is_prepared_once_and_counted(
    notifications: NotificationRepository, bounties: BountyRepository, scope: ServerScope
) -> None:
    """Messages that wait get the first nonce together; after the end nothing is left."""
    guild_id = scope.guild_id
    await ask(notifications, guild_id, ANN)
    for number in range(2):
        at = START + timedelta(seconds=number)
        await tell(bounties, scope, build_claim(build_bounty(scope, f"b{number}", placed_at=at)))
    first, second = await notifications.list_waiting(guild_id)
    prepared = await notifications.prepare(guild_id, [first, second], at=START)
    joined = [replace(one, joined=first.nonce, prepared_at=START, locale="de") for one in (first, second)]
    assert list(prepared) == joined
    assert list(await notifications.list_waiting(guild_id)) == joined
    wanted = await notifications.find(guild_id, ANN)
    assert wanted is not None
    assert wanted.sent_at == (START,)
    await notifications.delete_messages(guild_id, prepared)
    assert await notifications.list_waiting(guild_id) == ()
    assert await notifications.prepare(GuildId(guild_id + 1), [first], at=START) == ()


async def test_own_rise_to_a_level_is_stored_with_the_level(
    notifications: NotificationRepository, database: SafeDatabase, scope: ServerScope
) -> None:
    """A level that follows from an import or a new link is stored in silence, as is a race that is lost."""
    await ask(notifications, scope.guild_id, ANN)
    levels = LevelRepository(database, Standings(database), fences=no_fence)
    known = {"level": 3, "is_told": True, "basis": "x"}
    own = {"guild_id": int(scope.guild_id), "member_id": int(ANN)}
    await database.unscoped("levels").insert_one({**own, **known})
    before = KnownLevel(3, is_told=True, basis="x")
    for minute, (level, basis) in enumerate([(4, "x"), (5, "x"), (5, "y"), (9, "y")]):
        change = LevelChange(ANN, before, KnownLevel(level, is_told=False, basis=basis))
        for _ in range(2):
            at = START + timedelta(minutes=minute)
            await levels.put_silently(scope.guild_id, [change], at=at)
        before = change.after
    waiting = await notifications.list_waiting(scope.guild_id)
    assert [(one.member_id, one.event, one.level) for one in waiting] == [
        (ANN, DirectEvent.LEVEL, 4),
        (ANN, DirectEvent.LEVEL, 5),
    ]


async def test_role_is_told_with_its_grant(
    notifications: NotificationRepository, database: SafeDatabase, scope: ServerScope
) -> None:
    """Once, to members who asked for it; a change that is overtaken tells nothing."""
    await NotificationService(notifications).switch(scope.guild_id, ANN, Topic.ROLE, is_on=True, locale="de")
    roles = RoleRepository(database, fences=no_fence)
    for member_id in (ANN, BOB):
        giving = RoleGrant(RoleId(7), member_id, GrantState.GIVING, START)
        given = replace(giving, state=GrantState.GIVEN, changed_at=START + timedelta(seconds=1))
        await roles.change_grants(scope.guild_id, {}, {(giving.role_id, member_id): giving})
        for is_changed in (True, False):
            told = tell_role(given, "Hunters")
            assert await roles.change_grant(scope.guild_id, giving, given, told=told) is is_changed
    [waiting] = await notifications.list_waiting(scope.guild_id)
    assert waiting == DirectMessage(
        member_id=ANN,
        key=f"given:7:{(START + timedelta(seconds=1)).isoformat()}",
        event=DirectEvent.GIVEN,
        created_at=START + timedelta(seconds=1),
        role_name="Hunters",
        nonce=waiting.nonce,
    )


async def test_unreachable_member_is_switched_off_with_what_waits(
    notifications: NotificationRepository, bounties: BountyRepository, scope: ServerScope
) -> None:
    """The problem stays until they ask again, or switch everything off."""
    await ask(notifications, scope.guild_id, ANN, BOB)
    for member_id in (ANN, BOB):
        await tell(bounties, scope, build_claim(build_bounty(scope, placer_id=member_id)))
    await notifications.switch_off(scope.guild_id, ANN, DirectProblem.CLOSED)
    assert [one.member_id for one in await notifications.list_waiting(scope.guild_id)] == [BOB]
    service = NotificationService(notifications)
    closed = Notifications(ANN, locale="de", problem=DirectProblem.CLOSED)
    assert await service.describe(scope.guild_id, ANN) == closed
    await service.switch(scope.guild_id, ANN, Topic.BOUNTY, is_on=False, locale="de")
    assert await service.describe(scope.guild_id, ANN) == closed
    again = await service.switch(scope.guild_id, ANN, Topic.BOUNTY, is_on=True, locale="de")
    assert again == Notifications(ANN, frozenset({Topic.BOUNTY}), "de")


async def test_erasure_takes_choices_messages_and_names(
    notifications: NotificationRepository,
    bounties: BountyRepository,
    database: SafeDatabase,
    scope: ServerScope,
) -> None:
    """An erased member gets no message; messages to others stay, and name no erased player."""
    guild_id = scope.guild_id
    await ask(notifications, guild_id, ANN, BOB)
    for member_id in (ANN, BOB):
        await tell(bounties, scope, build_claim(build_bounty(scope, f"of {member_id}", placer_id=member_id)))
    erasures = ErasureRepository(database, fences=no_fence)
    assert await erasures.find_holdings(guild_id, ANN) == Holdings(has_notifications=True)
    await erasures.erase_member(guild_id, ANN)
    assert await erasures.find_holdings(guild_id, ANN) == Holdings()
    assert await notifications.find(guild_id, ANN) is None
    [left] = await notifications.list_waiting(guild_id)
    assert (left.member_id, left.player_name, left.claimer_name) == (BOB, "Prey", "Hunter")
    await erasures.erase_player(guild_id, PREY, ["Prey"])
    await erasures.erase_player(guild_id, HUNTER, ["Hunter"])
    [nameless] = await notifications.list_waiting(guild_id)
    assert nameless == replace(
        left,
        player_id=ERASED_PLAYER_ID,
        player_name=ERASED_NAME,
        claimer_player_id=ERASED_PLAYER_ID,
        claimer_name=ERASED_NAME,
    )
    await erasures.erase_member(guild_id, BOB)
    assert await notifications.list_waiting(guild_id) == ()
