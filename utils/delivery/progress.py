"""Progress messages of history imports: edited every few seconds, never holding up the import."""

import asyncio
from dataclasses import dataclass, field

import aiohttp
import discord
from structlog import get_logger

from utils.clock import Clock
from utils.delivery.requests import Requests
from utils.embeds.factory import EmbedFactory
from utils.models.reading import ImportJob, ImportProgress
from utils.models.scope import ChannelId, ServerScope
from utils.models.servers import GameServer
from utils.tasks import TaskManager, wait_for_first

logger = get_logger(__name__)

EDIT_SECONDS = 4.0  # a channel takes about five edits in five seconds; people want movement


@dataclass(frozen=True, slots=True)
class _Image:
    """What a progress message is to show."""

    server_name: str
    channel_id: ChannelId
    message_id: int
    progress: ImportProgress


@dataclass(slots=True)
class _Shown:
    """An import's newest image, until it is on screen, and whether it is the last one."""

    image: _Image | None = None
    is_done: asyncio.Event = field(default_factory=asyncio.Event)


class ImportMessages:
    """One message for each import under way."""

    def __init__(
        self, bot: discord.Client, tasks: TaskManager, *, factory: EmbedFactory, clock: Clock
    ) -> None:
        self._bot = bot
        self._tasks = tasks
        self._factory = factory
        self._clock = clock
        self._requests = Requests()
        self._shown: dict[ServerScope, _Shown] = {}

    async def create(self, channel_id: ChannelId, server_name: str) -> int | None:
        """Post a progress message; None where the bot may not."""
        begin = ImportProgress(
            files_done=0, files_total=0, bytes_done=0, bytes_total=0, rows=0, elapsed_seconds=0.0
        )
        channel = self._bot.get_partial_messageable(channel_id)
        try:
            message = await self._requests.wait_for(
                channel.send(embed=self._factory.build_import(server_name, begin))
            )
        except (discord.HTTPException, aiohttp.ClientError, OSError) as failure:
            logger.info("no progress message", channel_id=channel_id, problem=str(failure))
            return None
        return message.id

    async def discard(self, channel_id: ChannelId, message_id: int) -> None:
        """Delete the message of an import that did not begin."""
        channel = self._bot.get_partial_messageable(channel_id)
        try:
            message = await self._requests.wait_for(channel.fetch_message(message_id))
            await self._requests.wait_for(message.delete())
        except (discord.HTTPException, aiohttp.ClientError, OSError) as failure:
            logger.info("progress message stays", channel_id=channel_id, problem=str(failure))

    async def show(self, server: GameServer, job: ImportJob, progress: ImportProgress) -> None:
        """Take the newest progress; a task of its own edits the message."""
        if job.channel_id is None or job.message_id is None:
            return
        shown = self._shown.setdefault(server.scope, _Shown())
        shown.image = _Image(server.name, job.channel_id, job.message_id, progress)
        if progress.is_done:
            shown.is_done.set()
        self._start(server.scope)

    def _start(self, scope: ServerScope) -> None:
        async def edit_while_new() -> None:
            await self._edit_while_new(scope)

        name = f"progress:{scope}"
        if not self._tasks.is_running(name):
            self._tasks.start(name, edit_while_new, guild_id=scope.guild_id)

    async def _edit_while_new(self, scope: ServerScope) -> None:
        """Edit as long as there is something new to show; an import that stands still holds no task."""
        shown = self._shown[scope]
        try:
            while (image := shown.image) is not None:
                shown.image = None
                is_settled = await self._edit(image)
                if image.progress.is_done:
                    shown.is_done.clear()
                    if is_settled and shown.image is None:
                        return
                if not is_settled and shown.image is None:
                    shown.image = image
                await self._pause(shown.is_done)
        finally:
            self._shown.pop(scope, None)

    async def _pause(self, is_done: asyncio.Event) -> None:
        """Wait for the next edit, which the end of an import need not wait for."""
        await wait_for_first(is_done.wait(), self._clock.sleep(EDIT_SECONDS))

    async def _edit(self, image: _Image) -> bool:
        """Show an image; return False when the same edit can succeed later."""
        if self._bot.user is None:  # before its first login the library cannot send anything
            return False
        message = self._bot.get_partial_messageable(image.channel_id).get_partial_message(image.message_id)
        try:
            await self._requests.wait_for(
                message.edit(embed=self._factory.build_import(image.server_name, image.progress))
            )
        except (discord.HTTPException, aiohttp.ClientError, OSError) as failure:
            logger.info("progress is not shown", channel_id=image.channel_id, problem=str(failure))
            return isinstance(failure, discord.HTTPException) and failure.status < 500
        return True
