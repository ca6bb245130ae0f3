"""Messages about incidents: to a guild's admins, or to the owners of the bot."""

import hashlib

import discord
from structlog import get_logger

from utils.delivery.admin_places import AdminPlaces
from utils.delivery.languages import GuildSpeaker
from utils.delivery.owner_places import OwnerPlaces
from utils.delivery.sender import DiscordSender
from utils.embeds.factory import EmbedFactory
from utils.errors import ChannelUnusableError, DeliveryRefusedError
from utils.models.incident_kinds import KINDS
from utils.models.incidents import WHOLE_BOT, Incident, IncidentMessage, Stage
from utils.models.scope import GuildId
from utils.models.texts import Text

NONCE_LENGTH = 24  # Discord takes 25

logger = get_logger(__name__)


class IncidentMessages:
    """Tells people about incidents, each stage once.

    A message about the whole bot goes to the alerts channel of the home guild, else to each owner directly.
    If nobody can be reached, it stands in the log and in the status alone.

    Args:
        owners: the places for messages about the whole bot.
        home_guild_id: the guild of the people who host the bot, if there is one.
    """

    def __init__(
        self,
        places: AdminPlaces,
        sender: DiscordSender,
        owners: OwnerPlaces,
        *,
        languages: GuildSpeaker,
        home_guild_id: GuildId | None,
    ) -> None:
        self._places = places
        self._sender = sender
        self._owners = owners
        self._languages = languages
        self._home_guild_id = home_guild_id

    async def tell(self, incident: Incident, stage: Stage, said: Text | None) -> IncidentMessage | None:
        """Send a message about an incident to those who have to know, or edit the one that it has.

        Return the message that a guild's incident has now.

        Raises:
            DeliveryError: it was not delivered, and a later try may succeed.
        """
        guild_id, nonce = incident.key.guild_id, make_stage_nonce(incident, stage)
        if guild_id != WHOLE_BOT:
            embed = self._build(await self._languages.speak(guild_id), incident, stage, said)
            if stage is Stage.ENDED and await self._edit(incident, embed):
                return incident.message
            return await self._places.send(guild_id, [embed], nonce=nonce)
        embeds = await self._languages.speak(self._home_guild_id or WHOLE_BOT)
        await self._owners.send(self._build(embeds, incident, stage, said), nonce)
        return None

    async def _edit(self, incident: Incident, embed: discord.Embed) -> bool:
        """Change the message of an incident, if its kind wants that; tell whether it shows the end now."""
        message = incident.message
        if message is None or not KINDS[incident.key.kind].is_edited:
            return False
        try:
            return await self._sender.edit(message.channel_id, message.message_id, embeds=[embed])
        except (ChannelUnusableError, DeliveryRefusedError) as failure:
            logger.info("the message of an incident cannot be edited", problem=str(failure))
            return False

    def _build(
        self, embeds: EmbedFactory, incident: Incident, stage: Stage, said: Text | None
    ) -> discord.Embed:
        return embeds.build_incident(incident, stage, said)


def make_stage_nonce(incident: Incident, stage: Stage) -> str:
    """Return the nonce of a message: the same at every try, also after a restart.

    A reminder has the time of the message before it, so each of them has a nonce of its own.
    """
    key, told = incident.key, incident.told_at
    facts = (key.guild_id, key.kind.value, key.subject, int(incident.opened_at.timestamp()), stage.value)
    parts = [str(one) for one in facts] + ([str(int(told.timestamp()))] if told else [])
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:NONCE_LENGTH]
