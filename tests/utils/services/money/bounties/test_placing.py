"""Bounties by command: placed, listed, cancelled; and every refusal with its sentence."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.fakes.bounties import ANN, BOB, DAY, GUILD, NORTH, SOUTH, place, set_channel
from tests.fakes.clock import START
from tests.fakes.deaths import build_player_id
from tests.fakes.small_bot import Shelf
from utils.errors import (
    AmbiguousError,
    CommitUnknownError,
    InvalidInputError,
    NotAllowedError,
    NotEnoughMoneyError,
    NotFoundError,
    NotLinkedError,
    UserFacingError,
)
from utils.models.money import Bounty, BountyState, LedgerKind, ReadKill
from utils.models.notices.bounties import BountyEvent, BountyNotice
from utils.models.scope import GuildId, MemberId, ServerId
from utils.services.money.bounties.endings import CLAIM_GRACE, BountyEndings
from utils.services.money.bounties.placing import BountyService, CancelledBounty, PlacedBounty


async def test_placed_bounty_holds_the_money_and_is_announced(shelf: Shelf, bounties: BountyService) -> None:
    """Wallet, ledger, bounty and notice change together."""
    await set_channel(shelf)
    placed = await place(bounties)
    bounty = placed.bounty
    assert placed == PlacedBounty(bounty, "North", 9000)
    assert bounty == Bounty(
        NORTH.scope, bounty.bounty_id, build_player_id("Wolf"), "Wolf", 1000, ANN, START, START + DAY
    )
    data = shelf.money.data
    assert (data.balances[ANN], data.bounties) == (9000, {bounty.bounty_id: bounty})
    [row] = data.ledger
    assert (row.change.kind, row.change.amount, row.change.note, row.balance) == (
        LedgerKind.BOUNTY_PLACED,
        -1000,
        "Wolf",
        9000,
    )
    assert data.notices == [
        BountyNotice(
            event_id=bounty.bounty_id.encode(),
            event=BountyEvent.PLACED,
            server_name="North",
            target_name="Wolf",
            amount=1000,
            at=START,
            placer_id=ANN,
            ends_at=START + DAY,
        )
    ]


async def test_interaction_that_arrives_again_places_nothing_more(
    shelf: Shelf, bounties: BountyService
) -> None:
    """Discord may send it to the next process as well, after the first one booked and was killed."""
    for _ in range(2):
        await bounties.place(GUILD, ANN, player="Wolf", amount=1000, server=None, request_id=77)
    assert (len(shelf.money.data.bounties), shelf.money.data.balances[ANN]) == (1, 9000)


async def test_nothing_is_announced_without_a_channel(shelf: Shelf, bounties: BountyService) -> None:
    """Without a channel there is no notice, also not later."""
    await place(bounties)
    assert shelf.money.data.notices == []


async def test_server_is_asked_for_when_the_player_is_known_on_several(
    shelf: Shelf, bounties: BountyService
) -> None:
    """A bounty counts on one server only; with one server there is no question."""
    with pytest.raises(AmbiguousError) as caught:
        await place(bounties, "Fox")
    assert str(caught.value.asked) == "Fox plays on 2 servers. On which one?"
    assert [label for _, label in caught.value.choices] == ["North", "South"]
    placed = await place(bounties, "Fox", server="south")
    assert (placed.bounty.scope, placed.server_name) == (SOUTH.scope, "South")
    assert len(shelf.money.data.bounties) == 1


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        (
            {"player": "AnnPlays"},
            InvalidInputError,
            "AnnPlays is your own player. Choose someone else.",
        ),
        (
            {"by": BOB, "amount": 100},
            NotEnoughMoneyError,
            ("You need 100 💎 and have 99 💎. Kills earn you 10 to 50 each."),
        ),
        (
            {"by": MemberId(33)},
            NotLinkedError,
            "Link your player first (/link, about 20 minutes), then you can place bounties.",
        ),
        (
            {"player": "Wolv"},
            NotFoundError,
            "No player called “Wolv” yet. Did you mean **Wolf**?",
        ),
        (
            {"player": "plays"},
            AmbiguousError,
            "“plays” fits several players. Pick one: AnnPlays, BobPlays.",
        ),
        (
            {"server": "South", "player": str(build_player_id("Wolf"))},
            NotFoundError,
            "Wolf hasn't played on South yet.",
        ),
        (
            {"server": "South", "player": "wolf"},
            NotFoundError,
            "Wolf hasn't played on South yet.",
        ),
        (
            {"server": "West"},
            NotFoundError,
            "No game server is called “West”. Did you mean **North, South**?",
        ),
        ({"amount": 99}, InvalidInputError, "A bounty can be 100 to 50,000 💎."),
        ({"amount": 50_001}, InvalidInputError, "A bounty can be 100 to 50,000 💎."),
    ],
)
async def test_refusal_names_the_reason(
    shelf: Shelf,
    bounties: BountyService,
    options: dict[str, object],
    error: type[UserFacingError],
    sentence: str,
) -> None:
    """Each reason has its own sentence, and no money is taken."""
    with pytest.raises(error) as caught:
        await place(bounties, **options)  # type: ignore[arg-type]
    assert str(caught.value) == sentence
    assert (shelf.money.data.ledger, shelf.money.data.bounties) == ([], {})


async def test_one_open_bounty_of_a_placer_on_a_target(
    shelf: Shelf, bounties: BountyService, endings: BountyEndings
) -> None:
    """A second one is refused until the first has ended; each placer has their own."""
    shelf.money.data.balances[BOB] = 500
    await place(bounties)
    await place(bounties, by=BOB, amount=500)
    with pytest.raises(NotAllowedError) as caught:
        await place(bounties)
    assert str(caught.value) == ("You already have an open bounty on Wolf. /bounty cancel takes it back.")
    shelf.clock.move(DAY.total_seconds())
    with pytest.raises(NotAllowedError, match=r"^Your bounty on Wolf just ended\. Try again"):
        await place(bounties)
    shelf.clock.move(CLAIM_GRACE.total_seconds() + 1)
    await endings.expire_due()
    await place(bounties)
    assert shelf.money.data.balances == {ANN: 9000, BOB: 500}


async def test_list_shows_what_can_be_claimed_highest_first(shelf: Shelf, bounties: BountyService) -> None:
    """Ended bounties are not shown, even before they are paid back; servers can be chosen."""
    await place(bounties, amount=300)
    shelf.clock.move(3600)
    await place(bounties, "Foxtrot", 700)
    await place(bounties, "Fox", 500, server="North")
    both = [NORTH.scope.server_id, SOUTH.scope.server_id]

    async def list_names(*servers: ServerId) -> list[tuple[str, int]]:
        return [(one.player_name, one.amount) for one in await bounties.list_open(GUILD, servers)]

    assert await list_names(*both) == [("Foxtrot", 700), ("Fox", 500), ("Wolf", 300)]
    assert await list_names(both[0]) == [("Fox", 500), ("Wolf", 300)]
    shelf.clock.move(DAY.total_seconds() - 3600)
    assert await list_names(*both) == [("Foxtrot", 700), ("Fox", 500)]


@pytest.mark.parametrize(("amount", "refund"), [(100, 90), (105, 94), (1000, 900), (1001, 900)])
async def test_cancelling_costs_a_tenth_rounded_up(
    shelf: Shelf, bounties: BountyService, amount: int, refund: int
) -> None:
    """The rest comes back at once."""
    await place(bounties, amount=amount)
    cancelled = await bounties.cancel(GUILD, ANN, "wolf")
    assert (cancelled.refund, cancelled.bounty.player_name) == (refund, "Wolf")
    assert shelf.money.data.balances[ANN] == 10_000 - amount + refund
    [stored] = shelf.money.data.bounties.values()
    assert (stored.state, stored.closed_at) == (BountyState.CANCELLED, START)
    with pytest.raises(NotFoundError):
        await bounties.cancel(GUILD, ANN, "wolf")


async def test_own_bounty_alone_can_be_cancelled(bounties: BountyService) -> None:
    """The id or the target's name selects the bounty; bounties of others are not found."""
    placed = await place(bounties)
    for text in (placed.bounty.bounty_id, "Wolf"):
        with pytest.raises(NotFoundError, match=r"no open bounty like that"):
            await bounties.cancel(GUILD, BOB, text)
    await place(bounties, "Fox", server="North")
    await place(bounties, "Fox", server="South")
    with pytest.raises(AmbiguousError) as caught:
        await bounties.cancel(GUILD, ANN, "fox")
    assert {label for _, label in caught.value.choices} == {"Fox · 1,000 · North", "Fox · 1,000 · South"}
    with pytest.raises(NotFoundError, match=r"no open bounty like that"):
        await bounties.cancel(GuildId(43), ANN, placed.bounty.bounty_id)
    await bounties.cancel(GUILD, ANN, placed.bounty.bounty_id)
    assert [one.player_name for one in await bounties.list_cancellable(GUILD, ANN)] == ["Fox", "Fox"]


async def test_ended_bounty_can_not_be_cancelled(shelf: Shelf, bounties: BountyService) -> None:
    """From its end on it is paid back in full anyway."""
    placed = await place(bounties)
    shelf.clock.move(DAY.total_seconds())
    with pytest.raises(NotFoundError, match=r"no open bounty like that"):
        await bounties.cancel(GUILD, ANN, "Wolf")
    with pytest.raises(NotFoundError) as caught:
        await bounties.cancel(GUILD, ANN, placed.bounty.bounty_id)
    assert str(caught.value) == "You have no open bounty on “Wolf”. It has ended."


async def test_own_list_holds_placed_and_claimed(shelf: Shelf, bounties: BountyService) -> None:
    """The list has open and ended bounties, newest first."""
    await place(bounties)
    shelf.clock.move(60)
    await place(bounties, "Foxtrot")
    other = replace(
        (await bounties.list_own(GUILD, ANN)).placed[0], bounty_id="other", placer_id=BOB, claimer_id=ANN
    )
    shelf.money.data.bounties["other"] = other
    own = await bounties.list_own(GUILD, ANN)
    assert [one.player_name for one in own.placed] == ["Foxtrot", "Wolf"]
    assert own.claimed == [other]


ANN_PLAYS, WOLF = build_player_id("AnnPlays"), build_player_id("Wolf")
MINUTE = timedelta(minutes=1)


def kill_wolf(at: datetime, *, read_at: datetime | None = None) -> ReadKill:
    """Return a kill of Wolf by Ann's player that is read at once, or at another moment."""
    return ReadKill(ANN_PLAYS, WOLF, at, read_at or at)


@pytest.mark.parametrize(
    ("kill", "expected"),
    [
        (kill_wolf(START), START),
        (kill_wolf(START - DAY, read_at=START + MINUTE), START - DAY),
        (kill_wolf(START - MINUTE), None),
        (kill_wolf(START, read_at=START + DAY), None),
        (replace(kill_wolf(START), killer_id=build_player_id("BobPlays")), None),
        (replace(kill_wolf(START), victim_id=build_player_id("Fox")), None),
    ],
    ids=["at once", "read late", "before", "read after the end", "of another member", "of another player"],
)
async def test_own_kill_is_found_when_it_would_have_claimed(
    shelf: Shelf, bounties: BountyService, kill: ReadKill, expected: datetime | None
) -> None:
    """A kill counts by the moment it was read, as for a claim."""
    placed = await place(bounties)
    shelf.money.data.read_kills = {NORTH.scope: [kill]}
    own = await bounties.list_own(GUILD, ANN)
    assert own.own_kills == ({} if expected is None else {placed.bounty.bounty_id: expected})


async def test_latest_own_kill_counts_for_its_own_server_and_bounty(
    shelf: Shelf, bounties: BountyService
) -> None:
    """A bounty on the same player of another server has no kill of its own."""
    north = await place(bounties, "Fox", server="North")
    await place(bounties, "Fox", server="South")
    kills = [replace(kill_wolf(START + n * MINUTE), victim_id=build_player_id("Fox")) for n in (1, 3, 2)]
    shelf.money.data.read_kills = {NORTH.scope: kills}
    own = await bounties.list_own(GUILD, ANN)
    assert own.own_kills == {north.bounty.bounty_id: START + 3 * MINUTE}


async def test_own_kill_is_looked_for_only_at_an_open_bounty(shelf: Shelf, bounties: BountyService) -> None:
    """An ended bounty tells how it ended, and nothing else is read."""
    placed = await place(bounties)
    shelf.money.data.read_kills = {NORTH.scope: [kill_wolf(START)]}
    await bounties.cancel(GUILD, ANN, placed.bounty.bounty_id)
    shelf.money.calls.clear()
    assert (await bounties.list_own(GUILD, ANN)).own_kills == {}
    assert "list_read_kills" not in shelf.money.calls


@pytest.mark.parametrize(("minutes", "is_found"), [(0, True), (1, True), (2, False)])
async def test_kill_counts_as_own_from_the_proof_of_the_link(
    shelf: Shelf, bounties: BountyService, minutes: int, *, is_found: bool
) -> None:
    """A kill before the proof was not of a player of the member."""
    await place(bounties)
    shelf.money.data.proven_at = {ANN_PLAYS: START + minutes * MINUTE}
    shelf.money.data.read_kills = {NORTH.scope: [kill_wolf(START + MINUTE)]}
    assert bool((await bounties.list_own(GUILD, ANN)).own_kills) == is_found


async def test_own_kill_of_a_member_without_a_link_is_not_looked_for(
    shelf: Shelf, bounties: BountyService
) -> None:
    """A member may end their links while a bounty of theirs is open."""
    await place(bounties)
    shelf.money.data.read_kills = {NORTH.scope: [kill_wolf(START)]}
    shelf.money.data.members.clear()
    shelf.money.calls.clear()
    assert (await bounties.list_own(GUILD, ANN)).own_kills == {}
    assert "list_read_kills" not in shelf.money.calls


UNKNOWN = [[True], [False], [True, True], [False, True], [True, False]]
"""Outcomes of transactions whose commits get no answer: of the first, and of its repetition."""


@pytest.mark.parametrize("unknown", UNKNOWN)
async def test_bounty_whose_commit_gets_no_answer_is_placed_once(
    shelf: Shelf, bounties: BountyService, unknown: list[bool]
) -> None:
    """The second try has the same id and finds the bounty; the answer is that it is placed."""
    await set_channel(shelf)
    shelf.money.unknown = list(unknown)
    if len(unknown) > 1:
        with pytest.raises(CommitUnknownError):
            await place(bounties)
    else:
        assert (await place(bounties)).balance == 9000
    data = shelf.money.data
    assert (data.balances[ANN], len(data.bounties), len(data.ledger)) == (9000, 1, 1)
    assert [notice.event for notice in data.notices] == [BountyEvent.PLACED]


@pytest.mark.parametrize("unknown", UNKNOWN)
async def test_bounty_whose_cancelling_gets_no_answer_is_paid_back_once(
    shelf: Shelf, bounties: BountyService, unknown: list[bool]
) -> None:
    """The second try finds the bounty cancelled, and reports success."""
    placed = (await place(bounties)).bounty
    shelf.money.unknown = list(unknown)
    if len(unknown) > 1:
        with pytest.raises(CommitUnknownError):
            await bounties.cancel(GUILD, ANN, "Wolf")
    else:
        assert await bounties.cancel(GUILD, ANN, "Wolf") == CancelledBounty(placed, 900)
    data = shelf.money.data
    assert (data.balances[ANN], len(data.ledger)) == (9900, 2)
    assert data.bounties[placed.bounty_id].state is BountyState.CANCELLED
