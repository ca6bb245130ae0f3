"""Links: asking, ending, and changes by admins."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes.clock import START, FakeClock
from tests.fakes.deaths import SCOPE, build_player_id
from tests.fakes.links import FakeChannels, FakeLinkStore, FakeNotifier, FakePlayerFinder, FakeProofs
from tests.fakes.storage import FakeAuditStore
from utils.errors import AmbiguousError, InvalidInputError, LimitReachedError, NotFoundError
from utils.events import EventDispatcher, FactionChanged, LinksChanged
from utils.models.factions import EndedMembership, Faction
from utils.models.lasting_buttons import LastingButton
from utils.models.link_buttons import read_request
from utils.models.links import Link, LinkState, ProofOutcome
from utils.models.scope import ChannelId, GuildId, MemberId
from utils.services.guilds.audit import AuditLog
from utils.services.links.linking import MAX_LINKS, LinkService
from utils.services.links.request_alerts import RequestAlerts

GUILD, OTHER = SCOPE.guild_id, GuildId(99)
ANNA, BERT, ADMIN = MemberId(1), MemberId(2), MemberId(3)
NAMES = ("Wolf", "Bear", "Fox", "Elk", "Lynx", "Owl")
OFFICE = ChannelId(5)
Make = Callable[..., LinkService]


def show_in(link: Link, message_id: int) -> Link:
    """Return a link whose message is in the office."""
    return replace(link, channel_id=OFFICE, message_id=message_id)


@pytest.fixture(name="store")
def _store() -> FakeLinkStore:
    return FakeLinkStore()


@pytest.fixture(name="proofs")
def _proofs() -> FakeProofs:
    return FakeProofs()


@pytest.fixture(name="audit")
def _audit(store: FakeLinkStore) -> FakeAuditStore:
    return store.audit


@pytest.fixture(name="notifier")
def _notifier() -> FakeNotifier:
    return FakeNotifier()


@pytest.fixture(name="channels")
def _channels() -> FakeChannels:
    return FakeChannels()


@pytest.fixture(name="changed")
def _changed() -> list[LinksChanged | FactionChanged]:
    return []


@pytest.fixture(name="make")
def _make(
    store: FakeLinkStore,
    proofs: FakeProofs,
    audit: FakeAuditStore,
    notifier: FakeNotifier,
    channels: FakeChannels,
    changed: list[LinksChanged | FactionChanged],
    clock: FakeClock,
) -> Make:
    events = EventDispatcher()
    events.register(LinksChanged, changed.append)
    events.register(FactionChanged, changed.append)

    def make(*, requires_proof: bool = True) -> LinkService:
        return LinkService(
            store,
            players=FakePlayerFinder(*NAMES),
            proofs=proofs,
            audit=AuditLog(audit, clock=clock),
            notifier=notifier,
            alerts=RequestAlerts(store, notifier=notifier, settings=channels),
            events=events,
            clock=clock,
            rng=random.Random(1),
            requires_proof=requires_proof,
        )

    return make


@pytest.fixture(name="links")
def _links(make: Make) -> LinkService:
    """Links that must be proven."""
    return make()


@pytest.fixture(name="trusting")
def _trusting(make: Make) -> LinkService:
    """Links that count at once."""
    return make(requires_proof=False)


def get_names(links: object) -> list[tuple[str, bool]]:
    """Return the names, and whether each is main."""
    assert isinstance(links, tuple)
    return [(link.player_name, link.is_main) for link in links]


async def test_request_is_pending_and_counts_for_nothing_until_it_is_proven(
    links: LinkService, store: FakeLinkStore, proofs: FakeProofs
) -> None:
    """Two windows are named and watched; queries for proven players do not return the link."""
    asked = await links.ask(GUILD, ANNA, "Wolf")
    assert proofs.stirred == [GUILD]
    assert (asked.link.state, asked.link.is_main, asked.count) == (LinkState.PENDING, False, 1)
    assert len(asked.link.windows) == 2
    assert list(store.links.values()) == [asked.link]
    assert await links.list_links(GUILD, ANNA) == (asked.link,)
    assert await links.list_players(GUILD, ANNA) == ()


async def test_first_link_is_main_and_the_others_are_alts_without_proof(
    trusting: LinkService, clock: FakeClock
) -> None:
    """With ``links.require_proof`` off a link counts at once; each guild has its own links."""
    for name in NAMES[:3]:
        asked = await trusting.ask(GUILD, ANNA, name)
        clock.move(1)
        assert asked.link.is_proven
    assert get_names(await trusting.list_players(GUILD, ANNA)) == [
        ("Wolf", True),
        ("Bear", False),
        ("Fox", False),
    ]
    assert await trusting.list_players(OTHER, ANNA) == ()
    assert (await trusting.ask(OTHER, BERT, "Wolf")).link.is_main


async def test_links_that_count_are_announced_when_they_begin_and_end(
    make: Make, store: FakeLinkStore, changed: list[LinksChanged | FactionChanged]
) -> None:
    """A request that waits changes nothing that others count; the last link ends a membership."""
    links = make()
    await links.ask(GUILD, ANNA, "Wolf")
    await links.unlink(GUILD, ANNA, "Wolf")
    assert changed == []
    await links.confirm(GUILD, ADMIN, member_id=BERT, player="Bear")
    await links.remove(GUILD, ADMIN, member_id=BERT, player="Bear")
    assert changed == [LinksChanged(guild_id=GUILD, member_id=BERT)] * 2
    await links.confirm(GUILD, ADMIN, member_id=ANNA, player="Wolf")
    wolves = Faction(GUILD, "f", "Wolves", "wolves", "WLF", is_open=True, founded_at=START)
    store.membership = EndedMembership(wolves, is_disbanded=True)
    assert (await links.unlink(GUILD, ANNA, "Wolf")).membership == store.membership
    own = LinksChanged(guild_id=GUILD, member_id=ANNA)
    assert changed[2:] == [own, own, FactionChanged(guild_id=GUILD)]


async def test_player_of_another_member_is_refused(trusting: LinkService) -> None:
    """A player belongs to one member of a guild; a link is not made twice."""
    await trusting.ask(GUILD, ANNA, "Wolf")
    with pytest.raises(InvalidInputError, match="already linked to someone else"):
        await trusting.ask(GUILD, BERT, "Wolf")
    with pytest.raises(InvalidInputError, match="linked already"):
        await trusting.ask(GUILD, ANNA, "Wolf")
    with pytest.raises(NotFoundError):
        await trusting.ask(GUILD, ANNA, "Nobody")


async def test_several_members_may_be_pending_for_one_player(links: LinkService) -> None:
    """A request proves nothing, so it does not block others; each request has its own times."""
    anna, bert = [(await links.ask(GUILD, member, "Wolf")).link for member in (ANNA, BERT)]
    assert (anna.is_proven, bert.is_proven) == (False, False)
    assert anna.windows != bert.windows


async def test_member_has_no_more_links_than_the_limit(make: Make) -> None:
    """Pending links count too; the sentence says what to do."""
    await make(requires_proof=False).ask(GUILD, ANNA, NAMES[0])
    links = make()
    counts = [(await links.ask(GUILD, ANNA, name)).count for name in NAMES[1:MAX_LINKS]]
    assert counts == [2, 3, 4, 5]
    with pytest.raises(LimitReachedError, match="/unlink"):
        await links.ask(GUILD, ANNA, NAMES[MAX_LINKS])
    assert (await links.ask(GUILD, ANNA, NAMES[1])).count == MAX_LINKS
    with pytest.raises(LimitReachedError, match=r"They've used all 5 links, .* /admin link remove"):
        await links.confirm(GUILD, ADMIN, member_id=ANNA, player=NAMES[MAX_LINKS])


async def test_times_stay_when_a_running_proof_is_asked_for_again(
    links: LinkService, store: FakeLinkStore, proofs: FakeProofs, clock: FakeClock
) -> None:
    """A suicide in the first window still counts; the older message refers to the newer one."""
    first = (await links.ask(GUILD, ANNA, "Wolf")).link
    await links.attach_message(first, channel_id=OFFICE, message_id=6)
    clock.move((first.windows[0].ends_at - first.linked_at).total_seconds() + 120)
    inside = first.windows[0].starts_at + timedelta(seconds=30)
    store.add_suicide("Wolf", inside, read_at=inside)
    assert (await links.ask(GUILD, ANNA, "Wolf")).link == first
    assert proofs.told == [(show_in(first, 6), ProofOutcome.REPLACED)]
    assert proofs.stirred == [GUILD] * 3


@pytest.mark.parametrize("order", [(6, 7), (7, 6)])
async def test_newest_message_counts_in_whatever_order_they_are_known(
    links: LinkService, proofs: FakeProofs, order: tuple[int, int]
) -> None:
    """A member who asks again at once may do so before the first message is known."""
    first, second = [(await links.ask(GUILD, ANNA, "Wolf")).link for _ in range(2)]
    for message_id in order:
        await links.attach_message(first, channel_id=OFFICE, message_id=message_id)
    assert first == second
    assert await links.list_links(GUILD, ANNA) == (show_in(first, 7),)
    assert proofs.told == [(show_in(first, 6), ProofOutcome.REPLACED)]


async def test_message_of_a_request_that_is_gone_or_replaced_is_told_so(
    links: LinkService, proofs: FakeProofs, clock: FakeClock
) -> None:
    """The answer is visible before its message is known, and the member may be quick."""
    first = (await links.ask(GUILD, ANNA, "Wolf")).link
    clock.move((first.windows[0].ends_at - first.linked_at).total_seconds() + 120)
    second = (await links.ask(GUILD, ANNA, "Wolf")).link
    await links.attach_message(first, channel_id=OFFICE, message_id=6)
    await links.unlink(GUILD, ANNA, "Wolf")
    await links.attach_message(second, channel_id=OFFICE, message_id=7)
    assert proofs.told == [
        (show_in(first, 6), ProofOutcome.REPLACED),
        (show_in(second, 7), ProofOutcome.ENDED),
    ]


async def test_other_times_are_named_when_a_window_was_missed(links: LinkService, clock: FakeClock) -> None:
    """A member need not wait for the end of a proof that cannot succeed."""
    first = (await links.ask(GUILD, ANNA, "Wolf")).link
    clock.move((first.windows[0].ends_at - first.linked_at).total_seconds() + 120)
    second = (await links.ask(GUILD, ANNA, "Wolf")).link
    assert second.windows[0].starts_at > clock.now()
    assert await links.list_links(GUILD, ANNA) == (replace(second, untold=0),)  # the admins know


async def test_oldest_alt_becomes_main_when_the_main_is_ended(
    trusting: LinkService, clock: FakeClock
) -> None:
    """Part of a name or an id selects the link; the order of the others stays."""
    for name in NAMES[:3]:
        await trusting.ask(GUILD, ANNA, name)
        clock.move(1)
    ended = await trusting.unlink(GUILD, ANNA, "wol")
    assert [link.player_name for link in ended.links] == ["Wolf"]
    assert get_names(await trusting.list_players(GUILD, ANNA)) == [("Bear", True), ("Fox", False)]
    await trusting.unlink(GUILD, ANNA, build_player_id("Fox"))
    assert get_names(await trusting.list_players(GUILD, ANNA)) == [("Bear", True)]


async def test_all_links_are_ended_together(links: LinkService, proofs: FakeProofs) -> None:
    """Pending links end too, and their messages say so."""
    asked = [(await links.ask(GUILD, ANNA, name)).link for name in NAMES[:2]]
    for link in asked:
        await links.attach_message(link, channel_id=OFFICE, message_id=6)
    shown = await links.list_links(GUILD, ANNA)
    assert (await links.unlink_all(GUILD, ANNA, shown=shown)).links == tuple(shown)
    assert await links.list_links(GUILD, ANNA) == ()
    assert proofs.told == [(show_in(link, 6), ProofOutcome.ENDED) for link in asked]
    with pytest.raises(NotFoundError):
        await links.unlink_all(GUILD, ANNA, shown=shown)


async def test_all_links_are_ended_only_when_all_were_shown(
    trusting: LinkService, links: LinkService
) -> None:
    """A link that came meanwhile was not in the question; one that ended meanwhile does not matter."""
    for name in NAMES[:2]:
        await trusting.ask(GUILD, ANNA, name)
    shown = await links.list_links(GUILD, ANNA)
    await links.confirm(GUILD, ADMIN, member_id=ANNA, player=NAMES[2])
    before = await links.list_links(GUILD, ANNA)
    with pytest.raises(InvalidInputError, match="have changed, so none was ended"):
        await links.unlink_all(GUILD, ANNA, shown=shown)
    assert await links.list_links(GUILD, ANNA) == before
    for name in (NAMES[0], NAMES[2]):
        await links.remove(GUILD, ADMIN, member_id=ANNA, player=name)
    left = await links.list_links(GUILD, ANNA)
    assert get_names(left) == [(NAMES[1], True)]
    assert (await links.unlink_all(GUILD, ANNA, shown=shown)).links == tuple(left)
    assert await links.list_links(GUILD, ANNA) == ()


async def test_link_to_end_must_be_one_of_the_own(trusting: LinkService) -> None:
    """Another member's player cannot be selected; several matches are an error."""
    for name in ("Fox", "Owl"):
        await trusting.ask(GUILD, ANNA, name)
    await trusting.ask(GUILD, BERT, "Wolf")
    with pytest.raises(NotFoundError, match=r"Did you mean \*\*Fox, Owl"):
        await trusting.unlink(GUILD, ANNA, "Wolf")
    with pytest.raises(AmbiguousError, match="Fox, Owl"):
        await trusting.unlink(GUILD, ANNA, "o")


async def test_admin_confirms_a_link_by_hand_and_it_is_written_down(
    links: LinkService, audit: FakeAuditStore, proofs: FakeProofs
) -> None:
    """The member may have asked or not; the judge informs other members who tried."""
    asked = (await links.ask(GUILD, ANNA, "Wolf")).link
    confirmed = await links.confirm(GUILD, ADMIN, member_id=ANNA, player="Wolf")
    assert (confirmed.linked_at, confirmed.is_proven, confirmed.is_main) == (asked.linked_at, True, True)
    await links.confirm(GUILD, ADMIN, member_id=BERT, player="Bear")
    assert audit.lines == [
        (ADMIN, "link confirm", "<@1> linked to Wolf"),
        (ADMIN, "link confirm", "<@2> linked to Bear"),
    ]
    assert proofs.stirred == [GUILD] * 3
    with pytest.raises(InvalidInputError, match="already linked to someone else"):
        await links.confirm(GUILD, ADMIN, member_id=ANNA, player="Bear")
    assert len(audit.lines) == 2


async def test_admins_are_told_of_a_request_once_where_they_have_a_channel(
    links: LinkService, notifier: FakeNotifier, channels: FakeChannels
) -> None:
    """The alert has the two buttons. Without a channel the owner is not bothered with each request."""
    await links.ask(GUILD, ANNA, "Bear")
    assert notifier.told == []
    channels.alerts = ChannelId(5)
    for _ in range(2):
        await links.ask(GUILD, ANNA, "Wolf")
    assert [sentence for _, sentence in notifier.told] == [
        (
            "<@1> asks to be linked to **Wolf** and is proving it in the game. "
            "You can also decide with the buttons below."
        )
    ]
    [buttons] = notifier.buttons
    assert [str(button.label) for button in buttons if isinstance(button, LastingButton)] == [
        "Confirm",
        "Refuse",
    ]
    assert {read_request(button.argument) for button in buttons} == {(ANNA, build_player_id("Wolf"))}


async def decide(links: LinkService, *, is_confirmed: bool, guild_id: GuildId = GUILD) -> str:
    """Press a button below Anna's request for Wolf."""
    said = await links.decide(
        guild_id, ADMIN, member_id=ANNA, player_id=build_player_id("Wolf"), is_confirmed=is_confirmed
    )
    return str(said)


async def test_request_is_confirmed_by_its_button_like_by_the_command(
    links: LinkService, audit: FakeAuditStore, store: FakeLinkStore
) -> None:
    """A second press tells that it is linked; a press in another guild finds nothing."""
    await links.ask(GUILD, ANNA, "Wolf")
    assert (await decide(links, is_confirmed=True, guild_id=OTHER)).startswith("This request is over")
    assert await decide(links, is_confirmed=True) == "<@3> confirmed that <@1> is **Wolf**."
    assert audit.lines == [(ADMIN, "link confirm", "<@1> linked to Wolf")]
    for is_confirmed in (True, False):
        assert await decide(links, is_confirmed=is_confirmed) == "<@1> is linked to **Wolf** already."
    assert [link.is_proven for link in store.links.values()] == [True]


async def test_request_is_refused_by_its_button_and_its_member_is_told(
    links: LinkService, audit: FakeAuditStore, store: FakeLinkStore, proofs: FakeProofs
) -> None:
    """The refusal is in the audit; a request that ended before is over for every button."""
    asked = (await links.ask(GUILD, ANNA, "Wolf")).link
    await links.attach_message(asked, channel_id=ChannelId(5), message_id=6)
    assert await decide(links, is_confirmed=False) == "<@3> refused the request of <@1> for **Wolf**."
    assert [(one.state, one.outcome) for one in store.links.values()] == [
        (LinkState.OVER, ProofOutcome.REFUSED)
    ]
    assert (proofs.stirred, await links.list_links(GUILD, ANNA)) == ([GUILD] * 3, ())
    assert audit.lines == [(ADMIN, "link remove", "<@1> unlinked from Wolf (was not proven)")]
    for is_confirmed in (True, False):
        assert (await decide(links, is_confirmed=is_confirmed)).startswith("This request is over")
    assert len(audit.lines) == 1


async def test_proof_that_comes_first_wins_over_a_refusal(
    links: LinkService, audit: FakeAuditStore, store: FakeLinkStore
) -> None:
    """The player was proven between the look of the admin's press and its write."""
    store.proven_first = (await links.ask(GUILD, ANNA, "Wolf")).link
    assert await decide(links, is_confirmed=False) == "<@1> proved **Wolf** at this moment."
    assert ([link.is_proven for link in store.links.values()], audit.lines) == ([True], [])


@pytest.mark.parametrize("argument", ["", ":", "x:y", "9" * 30 + ":p", "²:p", "7"])
def test_forged_button_names_no_request(argument: str) -> None:
    """Anyone can send any argument."""
    member_id, player_id = read_request(argument)
    assert 0 <= member_id < 2**63
    assert player_id in ("", "y", "p")


async def test_admin_ends_a_link_by_hand_and_it_is_written_down(
    trusting: LinkService, audit: FakeAuditStore
) -> None:
    """The player is free for others again."""
    await trusting.ask(GUILD, ANNA, "Wolf")
    removed: Link = await trusting.remove(GUILD, ADMIN, member_id=ANNA, player="Wolf")
    assert removed.player_name == "Wolf"
    assert audit.lines == [(ADMIN, "link remove", "<@1> unlinked from Wolf (was proven)")]
    assert (await trusting.ask(GUILD, BERT, "Wolf")).link.is_main
    with pytest.raises(NotFoundError):
        await trusting.remove(GUILD, ADMIN, member_id=ANNA, player="Wolf")


async def test_player_who_was_asked_for_in_vain_rests_whoever_asks(
    links: LinkService, store: FakeLinkStore, clock: FakeClock
) -> None:
    """The error says how long. The pause belongs to the player and ends with it; other players are free."""
    for member in (ANNA, BERT, ADMIN):
        await links.ask(GUILD, member, "Wolf")
    for member in (ANNA, MemberId(7)):
        if member == ANNA:
            clock.move(21 * 60)
        with pytest.raises(LimitReachedError) as caught:
            await links.ask(GUILD, member, "Wolf")
        assert str(caught.value) == (
            "Someone asked for “Wolf” a short while ago and didn't prove it. Try again in 24 hours, or ask "
            "an admin to use /admin link confirm."
        )
    assert (await links.ask(GUILD, ANNA, "Bear")).link.player_name == "Bear"
    assert (await links.ask(OTHER, ANNA, "Wolf")).link.guild_id == OTHER
    clock.move(24 * 3600)
    assert (await links.ask(GUILD, ANNA, "Wolf")).link.windows[0].starts_at > clock.now()
    assert store.attempts[GUILD, build_player_id("Wolf")].count == 4


async def test_running_proof_that_is_asked_for_again_is_no_new_request(
    links: LinkService, store: FakeLinkStore
) -> None:
    """The times stay, so asking again does not raise the chance."""
    first = await links.ask(GUILD, ANNA, "Wolf")
    for _ in range(5):
        assert (await links.ask(GUILD, ANNA, "Wolf")).link.windows == first.link.windows
    assert store.attempts[GUILD, build_player_id("Wolf")].count == 1


async def test_request_that_its_member_ends_counts_as_one_in_vain(
    links: LinkService, clock: FakeClock
) -> None:
    """A member who ends a request with unsuitable times gains nothing."""
    for _ in range(3):
        await links.ask(GUILD, ANNA, "Wolf")
        await links.unlink(GUILD, ANNA, "Wolf")
    clock.move(3600)
    with pytest.raises(LimitReachedError, match="Someone asked for “Wolf” a short while ago"):
        await links.ask(GUILD, ANNA, "Wolf")


async def test_pause_holds_up_no_admin_and_ends_with_a_proof(
    links: LinkService, store: FakeLinkStore
) -> None:
    """An admin links the right member by hand; the earlier requests are forgotten then."""
    for member in (ANNA, BERT, ADMIN):
        await links.ask(GUILD, member, "Wolf")
    confirmed = await links.confirm(GUILD, ADMIN, member_id=MemberId(7), player="Wolf")
    assert (confirmed.is_proven, confirmed.is_confirmed) == (True, True)
    assert store.attempts == {}


async def test_admins_hear_of_a_player_who_is_asked_for_again(
    links: LinkService, notifier: FakeNotifier, audit: FakeAuditStore, clock: FakeClock
) -> None:
    """The admins get one alert a day, from the second request on; the audit names each asker."""
    await links.ask(GUILD, ANNA, "Wolf")
    assert (notifier.told, audit.lines) == ([], [])
    await links.ask(GUILD, BERT, "Wolf")
    await links.ask(GUILD, ADMIN, "Wolf")
    clock.move(25 * 3600)
    await links.ask(GUILD, BERT, "Wolf")
    asked = "{} requests to be linked to “Wolf”, none proven. "
    rest = (
        "Someone may be claiming a player that isn't theirs. /admin audit shows who asked (action “link "
        "ask”), and /admin link confirm links the right member."
    )
    assert notifier.told == [(None, asked.format(number) + rest) for number in (2, 4)]
    assert audit.lines == [
        (member, "link ask", f"<@{member}> asked to be linked to Wolf") for member in (BERT, ADMIN, BERT)
    ]


async def test_owner_and_admins_hear_once_a_day_of_a_request_for_a_linked_player(
    links: LinkService, trusting: LinkService, notifier: FakeNotifier, audit: FakeAuditStore, clock: FakeClock
) -> None:
    """The request is refused. Repetitions on the same day, and requests of the owner, cause no message."""
    await trusting.ask(GUILD, ANNA, "Wolf")
    with pytest.raises(InvalidInputError, match="linked already"):
        await links.ask(GUILD, ANNA, "Wolf")
    for seconds in (0, 60, 25 * 3600):
        clock.move(seconds)
        with pytest.raises(InvalidInputError, match="already linked to someone else"):
            await links.ask(GUILD, BERT, "Wolf")
    admins = (
        "Someone asked with /link for “Wolf”, who is linked to someone else. I refused, and nothing changed. "
        "/admin audit shows who asked (action “link ask”)."
    )
    owner = (
        "Someone asked with /link for “Wolf”, who is linked to you. I refused, and nothing changed. "
        "You don't need to do anything."
    )
    assert notifier.told == [(None, admins), (ANNA, owner)] * 2
    assert audit.lines == [(BERT, "link ask", "<@2> asked to be linked to Wolf")] * 2
    assert len(links._claims) == 1  # yesterday's entry is removed
