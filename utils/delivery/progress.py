"""Progress messages of history imports: edited every few seconds, without delaying the import."""

from typing import Protocol

from structlog import get_logger

from utils.delivery.decisions import make_nonce
from utils.delivery.languages import GuildSpeaker
from utils.delivery.sender import DiscordSender
from utils.delivery.standing_messages import FixedPlace, StandingMessage, StandingMessages
from utils.embeds.factory import Post
from utils.error_sink import ErrorSink, ErrorSource, LoggedErrors, Where
from utils.errors import DeliveryError, DeliveryUncertainError
from utils.models.reading import ImportJob, ImportProgress
from utils.models.scope import ChannelId, GuildId, ServerScope
from utils.models.servers import GameServer
from utils.models.texts import Text

logger = get_logger(__name__)

CREATE_TRIES = 2  # with one nonce: if an answer was lost, the message is found and not posted twice
EDIT_SECONDS = 4.0  # a channel allows about five edits in five seconds; people want to see progress


class KillChannelSource(Protocol):  # implemented by KillChannels
    """Knows where kills appear."""

    async def describe(self, scope: ServerScope) -> Text:
        """Return where the kills of a server appear, or what keeps them from appearing."""


class ImportMessages:
    """One message for each running import."""

    def __init__(
        self,
        sender: DiscordSender,
        messages: StandingMessages,
        *,
        languages: GuildSpeaker,
        kill_channels: KillChannelSource,
        errors: ErrorSink | None = None,
    ) -> None:
        self._errors = errors or LoggedErrors()
        self._sender = sender
        self._messages = messages
        self._languages = languages
        self._kill_channels = kill_channels

    async def create(self, guild_id: GuildId, channel_id: ChannelId, server_name: str) -> int | None:
        """Post a progress message; return None if the bot may not post there."""
        begin = ImportProgress(
            files_done=0, files_total=0, bytes_done=0, bytes_total=0, rows=0, elapsed_seconds=0.0
        )
        embeds, nonce = await self._languages.speak(guild_id), make_nonce()
        embed = embeds.build_import(server_name, begin)
        for _ in range(CREATE_TRIES):
            try:
                return await self._sender.send(channel_id, embeds=[embed], pictures=(), nonce=nonce)
            except DeliveryError as failure:
                logger.info("no progress message", channel_id=channel_id, problem=str(failure))
                where = Where(source=ErrorSource.MESSAGE, guild_id=guild_id, name="progress")
                self._errors.report(failure, where=where)
                if not isinstance(failure, DeliveryUncertainError):
                    break
        return None

    async def discard(self, channel_id: ChannelId, message_id: int) -> None:
        """Delete the message of an import that did not begin."""
        try:
            await self._sender.delete(channel_id, message_id)
        except DeliveryError as failure:
            logger.info("progress message stays", channel_id=channel_id, problem=str(failure))
            self._errors.report(failure, where=Where(source=ErrorSource.MESSAGE, name="progress"))

    async def show(self, server: GameServer, job: ImportJob, progress: ImportProgress) -> None:
        """Take the newest progress; a separate task edits the message."""
        if job.channel_id is None or job.message_id is None:
            return

        async def render() -> Post:
            embeds = await self._languages.speak(server.scope.guild_id)
            where = await self._kill_channels.describe(server.scope) if progress.is_done else None
            return Post((embeds.build_import(server.name, progress, next_step=where),))

        self._messages.keep(
            StandingMessage(
                key=f"import:{server.scope}",
                guild_id=server.scope.guild_id,
                channel_id=job.channel_id,
                render=render,
                places=FixedPlace(job.channel_id, job.message_id),
                pause_seconds=EDIT_SECONDS,
                is_last=progress.is_done,
            )
        )
