"""The person of a request for data, and the permissions of the asker."""

from datetime import timedelta

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.deaths import SCOPE, build_player_id
from tests.fakes.links import (
    FakeAuditLog,
    FakeChannels,
    FakeLinkStore,
    FakeNotifier,
    FakePlayerFinder,
    FakeProofs,
)
from utils.errors import AdminsOnlyError, AmbiguousError, InvalidInputError, NotAllowedError, NotFoundError
from utils.events import EventDispatcher
from utils.models.links import Link
from utils.models.personal import DataQuestion, Person
from utils.models.players import NamedPlayer
from utils.models.scope import GuildId, MemberId
from utils.services.links.linking import LinkService
from utils.services.links.proof import PROOF_OBJECTION_TIME
from utils.services.links.request_alerts import RequestAlerts
from utils.services.personal.people import PersonFinder

GUILD, ALICE, BOB = SCOPE.guild_id, MemberId(1), MemberId(2)
CLOCK = FakeClock()
LONG_AGO = CLOCK.now() - PROOF_OBJECTION_TIME


@pytest.fixture(name="store")
async def _store() -> FakeLinkStore:
    """Alice has two proven players and one pending; Bob has one."""
    store = FakeLinkStore()
    for member_id, name in ((ALICE, "Wolf"), (ALICE, "Wolf cub"), (BOB, "Bear")):
        link = Link(GUILD, member_id, build_player_id(name), name, CLOCK.now())
        await store.put_proven(GUILD, link, at=LONG_AGO)
    await store.put_pending(GUILD, Link(GUILD, ALICE, build_player_id("Fox"), "Fox", CLOCK.now()))
    return store


@pytest.fixture(name="finder")
def _finder(store: FakeLinkStore) -> PersonFinder:
    players = FakePlayerFinder("Wolf", "Wolf cub", "Bear", "Fox", "Elk")
    links = LinkService(
        store,
        players=players,
        proofs=FakeProofs(),
        audit=FakeAuditLog(),
        notifier=FakeNotifier(),
        alerts=RequestAlerts(store, notifier=FakeNotifier(), settings=FakeChannels()),
        events=EventDispatcher(),
        clock=CLOCK,
        rng=None,  # type: ignore[arg-type] # not used here
        requires_proof=True,
    )
    return PersonFinder(links, players, clock=CLOCK)


def own(*names: str) -> tuple[NamedPlayer, ...]:
    """Return players by name."""
    return tuple(NamedPlayer(build_player_id(name), name) for name in names)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (DataQuestion(GUILD, ALICE), Person(GUILD, ALICE, own("Wolf", "Wolf cub"), is_asker=True)),
        (
            DataQuestion(GUILD, ALICE, member_id=ALICE),
            Person(GUILD, ALICE, own("Wolf", "Wolf cub"), is_asker=True),
        ),
        (DataQuestion(GUILD, ALICE, player="wolf"), Person(GUILD, None, own("Wolf"), is_asker=True)),
        (
            DataQuestion(GUILD, ALICE, player=build_player_id("Wolf cub")),
            Person(GUILD, None, own("Wolf cub"), is_asker=True),
        ),
        (
            DataQuestion(GUILD, ALICE, is_admin=True, member_id=BOB),
            Person(GUILD, BOB, own("Bear"), is_asker=False),
        ),
        (
            DataQuestion(GUILD, ALICE, is_admin=True, player="Elk"),
            Person(GUILD, None, own("Elk"), is_asker=False),
        ),
        (DataQuestion(GUILD, MemberId(9)), Person(GUILD, MemberId(9), (), is_asker=True)),
        (DataQuestion(GuildId(43), ALICE), Person(GuildId(43), ALICE, (), is_asker=True)),
    ],
)
async def test_person_is_who_may_be_asked_for(
    finder: PersonFinder, question: DataQuestion, expected: Person
) -> None:
    """A member may choose their proven players, together or alone; admins may choose all of the guild."""
    assert await finder.find(question) == expected


@pytest.mark.parametrize(
    ("question", "error", "sentence"),
    [
        (DataQuestion(GUILD, ALICE, member_id=ALICE, player="Wolf"), InvalidInputError, "not both"),
        (DataQuestion(GUILD, ALICE, member_id=BOB), AdminsOnlyError, "Only admins can ask"),
        (DataQuestion(GUILD, ALICE, player="Bear"), NotAllowedError, "“Bear” isn't proven to be yours"),
        (DataQuestion(GUILD, ALICE, player="Fox"), NotAllowedError, "“Fox” isn't proven to be yours"),
        (DataQuestion(GUILD, ALICE, player="Wol"), NotAllowedError, "“Wol” isn't proven to be yours"),
        (DataQuestion(GUILD, ALICE, is_admin=True, player="Yeti"), NotFoundError, "No player called “Yeti”"),
    ],
)
async def test_what_is_not_the_askers_is_refused_with_a_sentence(
    finder: PersonFinder, question: DataQuestion, error: type[Exception], sentence: str
) -> None:
    """A pending player belongs to no member; a part of a name is not enough for a final decision."""
    with pytest.raises(error, match=sentence):
        await finder.find(question)


async def test_two_own_players_of_one_name_are_told_apart(finder: PersonFinder, store: FakeLinkStore) -> None:
    """The list offers both; the name alone does not decide."""
    twin = Link(GUILD, ALICE, build_player_id("twin"), "WOLF", CLOCK.now())
    await store.put_proven(GUILD, twin, at=CLOCK.now())
    with pytest.raises(AmbiguousError, match=r"Wolf · #[0-9a-f]{6}, WOLF · #[0-9a-f]{6}"):
        await finder.find(DataQuestion(GUILD, ALICE, player="wOlf"))


@pytest.mark.parametrize("player", [None, "Owl", build_player_id("Owl")])
async def test_player_who_was_proven_a_short_while_ago_is_not_handed_out_or_erased(
    finder: PersonFinder, store: FakeLinkStore, player: str | None
) -> None:
    """For three days the error names the time of the first possible request, and the way by an admin."""
    fresh = Link(GUILD, ALICE, build_player_id("Owl"), "Owl", CLOCK.now())
    await store.put_proven(GUILD, fresh, at=CLOCK.now() - timedelta(hours=30))
    with pytest.raises(NotAllowedError) as caught:
        await finder.find(DataQuestion(GUILD, ALICE, player=player))
    assert str(caught.value) == (
        "You proved “Owl” less than 3 days ago, so someone else may still object. "
        "Try again in 42 hours, or ask an admin."
    )
    assert (await finder.find(DataQuestion(GUILD, ALICE, player="Wolf"))).players == own("Wolf")
    by_admin = DataQuestion(GUILD, BOB, is_admin=True, member_id=ALICE)
    assert (await finder.find(by_admin)).players == own("Wolf", "Wolf cub", "Owl")
    itself = DataQuestion(GUILD, ALICE, is_admin=True, player=player)
    assert build_player_id("Owl") in (await finder.find(itself)).player_ids


async def test_player_whom_an_admin_confirmed_is_ones_own_at_once(
    finder: PersonFinder, store: FakeLinkStore
) -> None:
    """An admin's confirmation does not depend on chance."""
    link = Link(GUILD, ALICE, build_player_id("Owl"), "Owl", CLOCK.now(), is_confirmed=True)
    await store.put_proven(GUILD, link, at=CLOCK.now())
    assert (await finder.find(DataQuestion(GUILD, ALICE, player="Owl"))).players == own("Owl")
