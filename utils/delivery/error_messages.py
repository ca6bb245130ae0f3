"""Messages about errors to the owners of the bot."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime

from utils.delivery.languages import GuildSpeaker
from utils.delivery.owner_places import OwnerPlaces
from utils.models.error_groups import ErrorGroup
from utils.models.error_guides import Guide
from utils.models.error_reports import ErrorAlert
from utils.models.incidents import WHOLE_BOT
from utils.models.scope import GuildId

NONCE_LENGTH = 25


class ErrorMessages:
    """Tells the owners of groups of errors.

    Args:
        owners: where they are told.
        languages: those of guilds.
        find_guide: says what an error means.
        home_guild_id: the guild whose language is used, if there is one.
    """

    def __init__(
        self,
        owners: OwnerPlaces,
        *,
        languages: GuildSpeaker,
        find_guide: Callable[[ErrorGroup], Guide],
        home_guild_id: GuildId | None,
    ) -> None:
        self._owners = owners
        self._languages = languages
        self._find_guide = find_guide
        self._home_guild_id = home_guild_id

    async def tell(self, alerts: Sequence[ErrorAlert], *, more: int, at: datetime) -> None:
        """Send one message about errors; ``more`` is the number of those that it does not name.

        Raises:
            DeliveryError: it was not delivered, and a later try may succeed.
        """
        embeds = await self._languages.speak(self._home_guild_id or WHOLE_BOT)
        named = [(alert, self._find_guide(alert.group)) for alert in alerts]
        embed = embeds.build_error_alert(named, more=more, at=at)
        await self._owners.send(embed, make_alert_nonce(alerts[0]))


def make_alert_nonce(first: ErrorAlert) -> str:
    """Return the nonce of a message: the same at every try."""
    group = first.group
    facts = (group.fingerprint, first.kind.value, str(group.count), str(group.last_seen_at.timestamp()))
    return hashlib.sha256("\0".join(facts).encode()).hexdigest()[:NONCE_LENGTH]
