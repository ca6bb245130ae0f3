"""The settings of a guild's bounties."""

from dataclasses import replace
from typing import Any

from utils.errors import InvalidInputError, NotAllowedError
from utils.models.guilds import GuildSettings
from utils.models.money import LEAST_BOUNTY, BountySettings
from utils.models.texts import Command, Number, text


def change_bounties(settings: GuildSettings, **wished: bool | int | None) -> GuildSettings:
    """Return the settings with the given values of those about bounties; None leaves one unchanged."""
    given: dict[str, Any] = {name: value for name, value in wished.items() if value is not None}
    return replace(settings, bounties=replace(settings.bounties, **given))


def verify_enabled(settings: BountySettings) -> None:
    """Refuse every bounty while they are off.

    Raises:
        NotAllowedError
    """
    if not settings.is_enabled:
        off = text("Bounties are off. Admins: switch them on with {bounty}.", bounty=Command("admin bounty"))
        raise NotAllowedError(off)


def verify_amount(settings: BountySettings, amount: int) -> None:
    """Refuse a bounty that these settings do not allow.

    Raises:
        NotAllowedError, InvalidInputError
    """
    verify_enabled(settings)
    if not LEAST_BOUNTY <= amount <= settings.max_amount:
        raise InvalidInputError(
            text(
                "A bounty can be {least} to {largest} 💎.",
                least=Number(LEAST_BOUNTY),
                largest=Number(settings.max_amount),
            )
        )
