"""Messages to the owners of the bot about restores that they asked for."""

import hashlib

from utils.delivery.languages import GuildSpeaker
from utils.delivery.owner_places import OwnerPlaces
from utils.models.incidents import WHOLE_BOT
from utils.models.restores import RestoreOutcome
from utils.models.scope import GuildId

NONCE_LENGTH = 25


class RestoreMessages:
    """Tells the owners how a restore went.

    Args:
        owners: where they are told.
        languages: those of guilds.
        home_guild_id: the guild whose language is used, if there is one.
    """

    def __init__(
        self, owners: OwnerPlaces, *, languages: GuildSpeaker, home_guild_id: GuildId | None
    ) -> None:
        self._owners = owners
        self._languages = languages
        self._home_guild_id = home_guild_id

    async def tell(self, outcome: RestoreOutcome) -> None:
        """Send one message.

        Raises:
            DeliveryError: it was not delivered, and a later try may succeed.
        """
        embeds = await self._languages.speak(self._home_guild_id or WHOLE_BOT)
        facts = f"{outcome.backup_id} {outcome.seconds}"  # the same nonce at every try
        nonce = hashlib.sha256(facts.encode()).hexdigest()[:NONCE_LENGTH]
        await self._owners.send(embeds.build_restore_outcome(outcome), nonce)
