"""Messages of proofs: the answer that named the times shows how it went, long after its interaction ended."""

import aiohttp
import discord
from structlog import get_logger

from utils.delivery.requests import Requests
from utils.embeds.factory import EmbedFactory
from utils.models.links import Link, ProofOutcome

logger = get_logger(__name__)


class LinkMessages:
    """Edits the bot's own messages in channels."""

    def __init__(self, bot: discord.Client, *, factory: EmbedFactory) -> None:
        self._bot = bot
        self._factory = factory
        self._requests = Requests()

    async def show(self, link: Link, outcome: ProofOutcome) -> bool:
        """Show how a proof went; False when a later try can succeed. Without a message all is done."""
        if link.channel_id is None or link.message_id is None:
            return True
        if self._bot.user is None:  # before its first login the library cannot send anything
            return False
        message = self._bot.get_partial_messageable(link.channel_id).get_partial_message(link.message_id)
        try:
            await self._requests.wait_for(
                message.edit(
                    embed=self._factory.build_link_outcome(link, outcome),
                    allowed_mentions=discord.AllowedMentions.none(),
                )
            )
        except (discord.HTTPException, aiohttp.ClientError, OSError, TimeoutError) as failure:
            logger.info("outcome of a proof is not shown", guild_id=link.guild_id, problem=str(failure))
            return isinstance(failure, discord.HTTPException) and failure.status < 500
        return True
