"""What a guild decided about bounties, and what it wants changed."""

from dataclasses import dataclass, replace

from utils.errors import InvalidInputError, NotAllowedError
from utils.models.audit import FieldChange
from utils.models.money import LARGEST_BOUNTY, LEAST_BOUNTY, LONGEST_EXPIRY_HOURS, BountySettings
from utils.models.texts import Command, Number, text


@dataclass(frozen=True, slots=True)
class SettingsWish:
    """What an admin wants changed; None leaves a setting as it is."""

    is_enabled: bool | None = None
    is_auto: bool | None = None
    expiry_hours: int | None = None
    max_amount: int | None = None


def apply_wish(before: BountySettings, wish: SettingsWish) -> BountySettings:
    """Return the settings with what was named changed.

    Raises:
        InvalidInputError: a number is out of its range.
    """
    named = {name: getattr(wish, name) for name in SettingsWish.__slots__}
    after = replace(before, **{name: value for name, value in named.items() if value is not None})
    if not 1 <= after.expiry_hours <= LONGEST_EXPIRY_HOURS:
        raise InvalidInputError(
            text("A bounty lasts 1 to {limit} hours.", limit=Number(LONGEST_EXPIRY_HOURS))
        )
    if not LEAST_BOUNTY <= after.max_amount <= LARGEST_BOUNTY:
        raise InvalidInputError(
            text(
                "The largest bounty is a number from {least} to {largest}.",
                least=Number(LEAST_BOUNTY),
                largest=Number(LARGEST_BOUNTY),
            )
        )
    return after


def verify_amount(settings: BountySettings, amount: int) -> None:
    """Refuse a bounty that these settings do not allow.

    Raises:
        NotAllowedError, InvalidInputError
    """
    if not settings.is_enabled:
        raise NotAllowedError(
            text(
                "Bounties are switched off here. An admin switches them on with {bounty}.",
                bounty=Command("admin bounty"),
            )
        )
    if not LEAST_BOUNTY <= amount <= settings.max_amount:
        raise InvalidInputError(
            text(
                "A bounty here is an amount from {least} to {largest} emeralds.",
                least=Number(LEAST_BOUNTY),
                largest=Number(settings.max_amount),
            )
        )


def list_differences(before: BountySettings, after: BountySettings) -> tuple[FieldChange, ...]:
    """Return what was changed, for the audit."""
    changes = (
        FieldChange(name, getattr(before, name), getattr(after, name)) for name in SettingsWish.__slots__
    )
    return tuple(change for change in changes if change.old != change.new)
