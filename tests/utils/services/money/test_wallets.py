"""Wallets: balances, and changes by hand."""

from contextlib import suppress

import pytest

from tests.fakes.clock import START, FakeClock
from tests.fakes.deaths import SCOPE
from tests.fakes.money import FakeMoneyStore
from utils.embeds.audit_wording import describe_facts
from utils.errors import CommitUnknownError, InvalidInputError, NotEnoughMoneyError
from utils.models.audit import AuditAction, AuditEntry, AuditFacts, FieldChange
from utils.models.money import Change, LedgerKind, LedgerRow, Wallet
from utils.models.scope import MemberId
from utils.services.money.wallets import SHOWN_ROWS, WalletService

GUILD = SCOPE.guild_id
ANN, ADMIN = MemberId(11), MemberId(99)


@pytest.fixture(name="store")
def _store() -> FakeMoneyStore:
    return FakeMoneyStore()


@pytest.fixture(name="wallets")
def _wallets(store: FakeMoneyStore) -> WalletService:
    return WalletService(store, clock=FakeClock())


def build_entry(before: int, after: int, reason: str) -> AuditEntry:
    """Return the audit entry of a change of Ann's wallet."""
    change = FieldChange("balance", before, after)
    facts = AuditFacts(member_id=ANN, changes=(change,), reason=reason)
    return AuditEntry(START, ADMIN, AuditAction.WALLET, facts)


async def test_wallet_shows_the_balance_and_the_last_ten_rows(wallets: WalletService) -> None:
    """The newest row comes first, and its balance is the wallet's."""
    for number in range(1, 13):
        await wallets.adjust(GUILD, ANN, number, reason=f"gift {number}", actor_id=ADMIN, request_id=number)
    wallet = await wallets.get_wallet(GUILD, ANN)
    assert (wallet.balance, len(wallet.rows)) == (78, SHOWN_ROWS)
    assert [row.change.note for row in wallet.rows] == [f"gift {number}" for number in range(12, 2, -1)]
    assert [row.number for row in wallet.rows] == list(range(12, 2, -1))


async def test_wallet_of_somebody_who_never_had_any_is_empty(wallets: WalletService) -> None:
    """A query creates no wallet."""
    assert await wallets.get_wallet(GUILD, ANN) == Wallet(ANN, 0, ())


async def test_change_by_hand_is_booked_and_audited(wallets: WalletService, store: FakeMoneyStore) -> None:
    """Row and audit have amount, reason and actor; the answer shows the booked row."""
    given = await wallets.adjust(GUILD, ANN, 1500, reason=" event prize ", actor_id=ADMIN, request_id=1)
    taken = await wallets.adjust(GUILD, ANN, -200, reason="too much", actor_id=ADMIN, request_id=2)
    rows = (
        LedgerRow(Change(ANN, LedgerKind.ADMIN, 1500, "admin:1", START, note="event prize"), 1, 1500),
        LedgerRow(Change(ANN, LedgerKind.ADMIN, -200, "admin:2", START, note="too much"), 2, 1300),
    )
    assert (given, taken) == (Wallet(ANN, 1500, rows[:1]), Wallet(ANN, 1300, rows[1:]))
    assert store.data.ledger == list(rows)
    assert store.data.audit == [
        build_entry(0, 1500, "event prize"),
        build_entry(1500, 1300, "too much"),
    ]
    assert [str(describe_facts(entry)) for entry in store.data.audit] == [
        "<@11>: +1,500 emeralds (now 1,500): event prize",
        "<@11>: -200 emeralds (now 1,300): too much",
    ]


@pytest.mark.parametrize("unknown", [[True], [False], [True, True], [False, True], [True, False]])
async def test_change_whose_commit_gets_no_answer_is_booked_once(
    wallets: WalletService, store: FakeMoneyStore, unknown: list[bool]
) -> None:
    """The second try has the same key and finds the row; a later repetition changes nothing either."""
    store.unknown = list(unknown)
    booked: list[Wallet] = []
    for _ in range(2):
        with suppress(CommitUnknownError):
            booked.append(await wallets.adjust(GUILD, ANN, 70, reason="prize", actor_id=ADMIN, request_id=1))
    assert len(booked) == 3 - len(unknown)
    assert {wallet.balance for wallet in booked} == {70}
    assert (store.data.balances, len(store.data.ledger), len(store.data.audit)) == ({ANN: 70}, 1, 1)


async def test_wallet_is_never_taken_below_nothing(wallets: WalletService, store: FakeMoneyStore) -> None:
    """A larger amount than the balance is refused; nothing is booked or audited."""
    await wallets.adjust(GUILD, ANN, 100, reason="gift", actor_id=ADMIN, request_id=1)
    with pytest.raises(NotEnoughMoneyError) as caught:
        await wallets.adjust(GUILD, ANN, -101, reason="fine", actor_id=ADMIN, request_id=2)
    assert str(caught.value) == ("They have 100 💎, so you can take that much at most.")
    assert (store.data.balances, len(store.data.ledger), len(store.data.audit)) == ({ANN: 100}, 1, 1)


@pytest.mark.parametrize(
    ("amount", "reason", "sentence"),
    [
        (0, "nothing", r"^The amount can't be 0"),
        (5, "  ", r"^Add a reason"),
        (1_000_001, "too much", r"^You can change a wallet by 1,000,000 💎"),
        (-1_000_001, "too much", r"^You can change a wallet by 1,000,000 💎"),
        (10**18, "far too much", r"^You can change"),
        (-(2**63), "the least there is", r"^You can change"),
    ],
)
async def test_change_that_cannot_be_is_refused_here_and_not_by_discord_alone(
    wallets: WalletService, store: FakeMoneyStore, amount: int, reason: str, sentence: str
) -> None:
    """Every row of the ledger has an amount within the database's numbers, and a reason."""
    with pytest.raises(InvalidInputError, match=sentence):
        await wallets.adjust(GUILD, ANN, amount, reason=reason, actor_id=ADMIN, request_id=1)
    assert store.data.ledger == []
