"""Wallets: what a member has, and changes by hand."""

import pytest

from tests.fakes.clock import START, FakeClock
from tests.fakes.deaths import SCOPE
from tests.fakes.money import FakeAuditTrail, FakeMoneyStore
from utils.errors import InvalidInputError, NotEnoughMoneyError
from utils.models.money import LedgerKind, Wallet
from utils.models.scope import MemberId
from utils.services.wallets import SHOWN_ROWS, WalletService

GUILD = SCOPE.guild_id
ANN, ADMIN = MemberId(11), MemberId(99)


@pytest.fixture(name="store")
def _store() -> FakeMoneyStore:
    return FakeMoneyStore()


@pytest.fixture(name="audit")
def _audit() -> FakeAuditTrail:
    return FakeAuditTrail()


@pytest.fixture(name="wallets")
def _wallets(store: FakeMoneyStore, audit: FakeAuditTrail) -> WalletService:
    return WalletService(store, audit=audit, clock=FakeClock())


async def test_wallet_shows_the_balance_and_the_last_ten_rows(wallets: WalletService) -> None:
    """The newest row stands first, and its balance is the wallet's."""
    for number in range(1, 13):
        await wallets.adjust(GUILD, ANN, number, reason=f"gift {number}", actor_id=ADMIN)
    wallet = await wallets.get_wallet(GUILD, ANN)
    assert (wallet.balance, len(wallet.rows)) == (78, SHOWN_ROWS)
    assert [row.change.note for row in wallet.rows] == [f"gift {number}" for number in range(12, 2, -1)]
    assert [row.number for row in wallet.rows] == list(range(12, 2, -1))


async def test_wallet_of_somebody_who_never_had_any_is_empty(wallets: WalletService) -> None:
    """Asking makes no wallet."""
    assert await wallets.get_wallet(GUILD, ANN) == Wallet(ANN, 0, ())


async def test_change_by_hand_is_booked_and_audited(
    wallets: WalletService, store: FakeMoneyStore, audit: FakeAuditTrail
) -> None:
    """Row and audit name amount, reason and who did it."""
    assert await wallets.adjust(GUILD, ANN, 1500, reason=" event prize ", actor_id=ADMIN) == 1500
    assert await wallets.adjust(GUILD, ANN, -200, reason="too much", actor_id=ADMIN) == 1300
    rows = [(row.change.kind, row.change.amount, row.change.at, row.balance) for row in store.data.ledger]
    assert rows == [(LedgerKind.ADMIN, 1500, START, 1500), (LedgerKind.ADMIN, -200, START, 1300)]
    assert audit.entries == [
        (GUILD, ADMIN, "wallet", "<@11>: +1,500 emeralds, now 1,500. event prize"),
        (GUILD, ADMIN, "wallet", "<@11>: -200 emeralds, now 1,300. too much"),
    ]


async def test_wallet_is_never_taken_below_nothing(
    wallets: WalletService, store: FakeMoneyStore, audit: FakeAuditTrail
) -> None:
    """More than there is cannot be taken; nothing is booked or audited."""
    await wallets.adjust(GUILD, ANN, 100, reason="gift", actor_id=ADMIN)
    with pytest.raises(NotEnoughMoneyError) as caught:
        await wallets.adjust(GUILD, ANN, -101, reason="fine", actor_id=ADMIN)
    assert str(caught.value) == ("That takes 101 emeralds, and the wallet holds 100. Take that much at most.")
    assert (store.data.balances, len(store.data.ledger), len(audit.entries)) == ({ANN: 100}, 1, 1)


@pytest.mark.parametrize(("amount", "reason"), [(0, "nothing"), (5, "  ")])
async def test_change_without_amount_or_reason_is_refused(
    wallets: WalletService, amount: int, reason: str
) -> None:
    """Every row of the ledger says how much and why."""
    with pytest.raises(InvalidInputError, match=r"^Name a"):
        await wallets.adjust(GUILD, ANN, amount, reason=reason, actor_id=ADMIN)
