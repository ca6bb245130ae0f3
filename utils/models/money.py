"""Money: emeralds in wallets, the ledger of every change, bounties, and their limits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from utils.models.declared_settings import between, setting
from utils.models.lasting_buttons import ButtonKind
from utils.models.scope import MemberId, PlayerId, ServerScope
from utils.models.texts import Number, text

LEAST_BOUNTY = 100
LARGEST_BOUNTY = 50_000
LONGEST_EXPIRY_HOURS = 168
LARGEST_CHANGE = 1_000_000  # given or taken by hand

BASE_REWARD = 10
REWARD_STEP_METRES = 10
LARGEST_REWARD = 50
PAID_KILLS_OF_A_VICTIM = 3
PAID_WINDOW = timedelta(hours=1)

SPREE_KILLS = 5
SPREE_WINDOW = timedelta(hours=1)
AUTO_BASE = 1_000
AUTO_STEP = 500
LARGEST_AUTO = 10_000
AUTO_DURATION = timedelta(hours=2)
AUTO_PAUSE = timedelta(hours=6)  # between two bounties of the house on one player


WALLET_STOPPED = text("This wallet is stopped, because its ledger is damaged. The bot's owners know of it.")
"""The refusal of a wallet that neither pays nor is paid until its ledger is whole again."""

PUT_PRICE = ButtonKind("put_price")
"""The button that asks on whom, and how much."""


def compute_reward(distance: int) -> int:
    """Return the pay of a kill over this distance in metres."""
    return min(BASE_REWARD + distance // REWARD_STEP_METRES, LARGEST_REWARD)


def compute_cancel_fee(amount: int) -> int:
    """Return the cost of cancelling: a tenth, rounded up."""
    return -(-amount // 10)


def compute_auto_amount(victims: int) -> int | None:
    """Return the bounty of the house on a player with this number of victims in a row; None for too few."""
    if victims < SPREE_KILLS:
        return None
    return min(AUTO_BASE + AUTO_STEP * (victims - SPREE_KILLS), LARGEST_AUTO)


@dataclass(frozen=True, slots=True)
class BountySettings:
    """The settings of a guild's bounties.

    Attributes:
        is_enabled: bounties can be placed, and kills are paid.
        is_auto: the house puts bounties on players who kill many without dying.
        expiry_hours: how long a member's bounty lasts.
        max_amount: the largest bounty a member may place.
    """

    is_enabled: bool = setting(default=True)
    is_auto: bool = setting(default=True)
    expiry_hours: int = setting(
        24,
        check=between(
            1,
            LONGEST_EXPIRY_HOURS,
            text("A bounty can last 1 to {limit} hours.", limit=Number(LONGEST_EXPIRY_HOURS)),
        ),
    )
    max_amount: int = setting(
        LARGEST_BOUNTY,
        check=between(
            LEAST_BOUNTY,
            LARGEST_BOUNTY,
            text(
                "The largest bounty can be {least} to {largest} 💎.",
                least=Number(LEAST_BOUNTY),
                largest=Number(LARGEST_BOUNTY),
            ),
        ),
    )


class LedgerKind(StrEnum):
    """Why a balance changed."""

    KILL = "kill"
    BOUNTY_PLACED = "bounty placed"
    BOUNTY_CLAIMED = "bounty claimed"
    BOUNTY_EXPIRED = "bounty expired"
    BOUNTY_CANCELLED = "bounty cancelled"
    BOUNTY_WITHDRAWN = "bounty withdrawn"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a balance, to be booked once.

    Attributes:
        amount: emeralds; negative if they are taken.
        key: names the reason; a guild's ledger holds each key once.
        at: when it is booked, UTC.
        note: a player's name, or an admin's reason.
        player_id: the victim of a paid kill, ``killed_at`` the moment of that kill, UTC.
    """

    member_id: MemberId
    kind: LedgerKind
    amount: int
    key: str
    at: datetime
    note: str = ""
    player_id: PlayerId | None = None
    killed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """A booked change: ``number`` counts a member's rows from 1, ``balance`` is the balance after it."""

    change: Change
    number: int
    balance: int


@dataclass(frozen=True, slots=True)
class Wallet:
    """A member's balance and their last rows of the ledger, newest first."""

    member_id: MemberId
    balance: int
    rows: Sequence[LedgerRow] = ()


class BountyState(StrEnum):
    """The state of a bounty; ``withdrawn``: its game server was removed."""

    OPEN = "open"
    CLAIMED = "claimed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Bounty:
    """A price on a player of one server.

    Attributes:
        bounty_id: the id of the interaction that placed it; a random one for the house. Not shown to people.
        amount: emeralds; those of a member are taken when they place it.
        placer_id: None for the house.
        expires_at: a kill that was read before this moment is in time.
        claimer_id: the member who received the money.
        claimer_player_id: the player of that member who made the kill; ``claimer_name`` is the player's name
            then.
    """

    scope: ServerScope
    bounty_id: str
    player_id: PlayerId
    player_name: str
    amount: int
    placer_id: MemberId | None
    placed_at: datetime
    expires_at: datetime
    state: BountyState = BountyState.OPEN
    closed_at: datetime | None = None
    claimer_id: MemberId | None = None
    claimer_player_id: PlayerId | None = None
    claimer_name: str = ""

    def is_in_time(self, read_at: datetime) -> bool:
        """Tell whether a kill that was read at this moment can claim it."""
        return self.placed_at <= read_at < self.expires_at


@dataclass(frozen=True, slots=True)
class BountyEnd:
    """How a bounty ends."""

    state: BountyState
    closed_at: datetime
    claimer_id: MemberId | None = None
    claimer_player_id: PlayerId | None = None
    claimer_name: str = ""


@dataclass(frozen=True, slots=True)
class PaidKill:
    """A paid kill: the member of the killer, the victim, and the time (UTC)."""

    member_id: MemberId
    victim_id: PlayerId
    killed_at: datetime


@dataclass(frozen=True, slots=True)
class ReadKill:
    """A kill that was read live: the players, when it happened, and when it was read (UTC)."""

    killer_id: PlayerId
    victim_id: PlayerId
    killed_at: datetime
    read_at: datetime
