"""Messages of proofs: the answer that named the times shows the progress and later the outcome."""

import itertools
from collections.abc import Awaitable, Callable, Collection

from structlog import get_logger

from utils.clock import Clock
from utils.delivery.decisions import compute_retry_seconds
from utils.delivery.languages import GuildSpeaker
from utils.delivery.sender import DiscordSender
from utils.delivery.standing_messages import (
    LOOK_BACK_MESSAGES,
    FixedPlace,
    StandingMessage,
    StandingMessages,
)
from utils.embeds.factory import Post
from utils.embeds.links import describe_end
from utils.error_sink import ErrorSink, ErrorSource, LoggedErrors, Where
from utils.errors import DeliveryDelayedError, DeliveryError, DeliveryUncertainError
from utils.models.links import Link, ProofOutcome, ProofWindow
from utils.models.scope import ChannelId
from utils.services.links.proof_watcher import LOG_SYSTEM

logger = get_logger(__name__)


class LinkMessages:
    """Edits the answers that named the times, and tells the members how it ended."""

    def __init__(
        self,
        sender: DiscordSender,
        messages: StandingMessages,
        *,
        languages: GuildSpeaker,
        clock: Clock,
        errors: ErrorSink | None = None,
    ) -> None:
        self._errors = errors or LoggedErrors()
        self._sender = sender
        self._messages = messages
        self._languages = languages
        self._clock = clock

    def tick_off(self, link: Link, seen: Collection[ProofWindow]) -> None:
        """Begin to show the windows in which a sign was seen; do nothing without a message."""

        async def render() -> Post:
            embeds = await self._languages.speak(link.guild_id)
            return Post((embeds.build_proof_progress(link, seen),))

        if link.channel_id is not None and link.message_id is not None:
            self._messages.keep(_build_message(link, link.channel_id, link.message_id, render))

    async def show(self, link: Link, outcome: ProofOutcome) -> bool:
        """Show the outcome of a proof, no matter how long that takes; do nothing without a message.

        If the outcome is news for the member, they are told once by a reply as well.

        Returns:
            False if that was interrupted; True if it is shown, or if only a person could change that.
        """
        if link.channel_id is None or link.message_id is None:
            return True

        async def render() -> Post:
            embeds = await self._languages.speak(link.guild_id)
            return Post((embeds.build_link_outcome(link, outcome),))

        message = _build_message(link, link.channel_id, link.message_id, render, is_last=True)
        is_shown = await self._messages.show(message)
        if is_shown and outcome.is_told:
            await self._tell(link, outcome, link.channel_id, link.message_id)
        return is_shown

    async def _tell(self, link: Link, outcome: ProofOutcome, channel_id: ChannelId, message_id: int) -> None:
        """Reply to the message until that succeeds, or cannot without a person."""
        for failures in itertools.count(1):
            try:
                await self._tell_once(link, outcome, channel_id, message_id)
            except (DeliveryDelayedError, DeliveryUncertainError) as failure:
                self._errors.report(failure, where=_find_where(link))
                pause = compute_retry_seconds(failure, failures, now=self._clock.now())
                await self._clock.sleep(pause)
            except DeliveryError as failure:
                logger.info(
                    "a member is not told the end",
                    guild_id=link.guild_id,
                    problem=str(failure),
                    system=LOG_SYSTEM,
                )
                self._errors.report(failure, where=_find_where(link))
                return
            else:
                return

    async def _tell_once(
        self, link: Link, outcome: ProofOutcome, channel_id: ChannelId, message_id: int
    ) -> None:
        """Reply unless a try before did, perhaps one of a process that was killed: so look first."""
        nonce = f"end{message_id}"
        recent = await self._sender.recent_messages(channel_id, LOOK_BACK_MESSAGES)
        if any(posted.nonce == nonce or posted.replied_to == message_id for posted in recent):
            return
        embeds = await self._languages.speak(link.guild_id)
        said = embeds.words.write(describe_end(embeds.style.theme, link, outcome))
        await self._sender.reply(channel_id, message_id, said, member_id=link.member_id, nonce=nonce)


def _build_message(
    link: Link,
    channel_id: ChannelId,
    message_id: int,
    render: Callable[[], Awaitable[Post]],
    *,
    is_last: bool = False,
) -> StandingMessage:
    return StandingMessage(
        key=f"proof:{channel_id}/{message_id}",
        guild_id=link.guild_id,
        channel_id=channel_id,
        render=render,
        places=FixedPlace(channel_id, message_id),
        is_last=is_last,
    )


def _find_where(link: Link) -> Where:
    return Where(source=ErrorSource.MESSAGE, guild_id=link.guild_id, member_id=link.member_id, name="proof")
