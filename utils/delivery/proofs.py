"""Messages of proofs: the answer that named the times shows how it went, long after its interaction ended."""

from structlog import get_logger

from utils.delivery.ports import MessageEditor
from utils.embeds.factory import EmbedFactory
from utils.errors import DeliveryDelayedError, DeliveryError, DeliveryUncertainError
from utils.models.links import Link, ProofOutcome

logger = get_logger(__name__)


class LinkMessages:
    """Edits the bot's own messages in channels."""

    def __init__(self, sender: MessageEditor, *, factory: EmbedFactory) -> None:
        self._sender = sender
        self._factory = factory

    async def show(self, link: Link, outcome: ProofOutcome) -> bool:
        """Show how a proof went; False when a later try can succeed. Without a message all is done."""
        if link.channel_id is None or link.message_id is None:
            return True
        embed = self._factory.build_link_outcome(link, outcome)
        try:
            is_there = await self._sender.edit(link.channel_id, link.message_id, embed=embed)
        except DeliveryError as failure:
            logger.info("outcome of a proof is not shown", guild_id=link.guild_id, problem=str(failure))
            return not isinstance(failure, DeliveryDelayedError | DeliveryUncertainError)
        if not is_there:
            logger.info("message of a proof was deleted", guild_id=link.guild_id)
        return True
