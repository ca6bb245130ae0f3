"""Messages of proofs: the answer that named the times shows the outcome later."""

from utils.delivery.languages import GuildSpeaker
from utils.delivery.standing_messages import FixedPlace, StandingMessage, StandingMessages
from utils.embeds.factory import Post
from utils.models.links import Link, ProofOutcome


class LinkMessages:
    """Edits the bot's own messages in channels."""

    def __init__(self, messages: StandingMessages, *, languages: GuildSpeaker) -> None:
        self._messages = messages
        self._languages = languages

    async def show(self, link: Link, outcome: ProofOutcome) -> bool:
        """Show the outcome of a proof, no matter how long that takes; do nothing without a message.

        Returns:
            False if that was interrupted; True if it is shown, or if only a person could change that.
        """
        if link.channel_id is None or link.message_id is None:
            return True

        async def render() -> Post:
            embeds = await self._languages.speak(link.guild_id)
            return Post((embeds.build_link_outcome(link, outcome),))

        return await self._messages.show(
            StandingMessage(
                key=f"proof:{link.channel_id}/{link.message_id}",
                guild_id=link.guild_id,
                channel_id=link.channel_id,
                render=render,
                places=FixedPlace(link.channel_id, link.message_id),
                is_last=True,
            )
        )
