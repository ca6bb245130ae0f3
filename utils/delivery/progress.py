"""Progress messages of history imports: edited every few seconds, never holding up the import."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

import discord
from structlog import get_logger

from utils.clock import Clock
from utils.embeds.factory import EmbedFactory
from utils.models.reading import ImportJob, ImportProgress
from utils.models.scope import ChannelId, ServerScope
from utils.models.servers import GameServer
from utils.tasks import TaskManager

logger = get_logger(__name__)

EDIT_SECONDS = 4.0  # a channel takes about five edits in five seconds; people want movement


@dataclass(slots=True)
class _Shown:
    """The newest progress of an import, and whether it is on screen."""

    server_name: str
    channel_id: ChannelId
    message_id: int
    progress: ImportProgress
    is_shown: bool = False
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
        self._shown: dict[ServerScope, _Shown] = {}

    async def create(self, channel_id: ChannelId, server_name: str) -> int | None:
        """Post a progress message; None where the bot may not."""
        begin = ImportProgress(
            files_done=0, files_total=0, bytes_done=0, bytes_total=0, rows=0, elapsed_seconds=0.0
        )
        channel = self._bot.get_partial_messageable(channel_id)
        try:
            message = await channel.send(embed=self._factory.build_import(server_name, begin))
        except (discord.HTTPException, OSError) as failure:
            logger.info("no progress message", channel_id=channel_id, problem=str(failure))
            return None
        return message.id

    async def discard(self, channel_id: ChannelId, message_id: int) -> None:
        """Delete the message of an import that did not begin."""
        channel = self._bot.get_partial_messageable(channel_id)
        try:
            message = await channel.fetch_message(message_id)
            await message.delete()
        except (discord.HTTPException, OSError) as failure:
            logger.info("progress message stays", channel_id=channel_id, problem=str(failure))

    async def show(self, server: GameServer, job: ImportJob, progress: ImportProgress) -> None:
        """Take the newest progress; a task of its own edits the message."""
        if job.channel_id is None or job.message_id is None:
            return
        shown = self._shown.get(server.scope)
        if shown is None:
            shown = _Shown(server.name, job.channel_id, job.message_id, progress)
            self._shown[server.scope] = shown
            self._start(server.scope)
        shown.progress, shown.is_shown = progress, False
        if progress.is_done:
            shown.is_done.set()

    def _start(self, scope: ServerScope) -> None:
        async def edit_until_done() -> None:
            await self._edit_until_done(scope)

        name = f"progress:{scope}"
        if not self._tasks.is_running(name):
            self._tasks.start(name, edit_until_done, guild_id=scope.guild_id)

    async def _edit_until_done(self, scope: ServerScope) -> None:
        while (shown := self._shown.get(scope)) is not None:
            progress = shown.progress
            if not shown.is_shown:
                shown.is_shown = True
                await self._edit(shown, progress)
            if progress.is_done:
                self._shown.pop(scope, None)
                return
            await _wait(shown.is_done, EDIT_SECONDS)

    async def _edit(self, shown: _Shown, progress: ImportProgress) -> None:
        channel = self._bot.get_partial_messageable(shown.channel_id)
        try:
            embed = self._factory.build_import(shown.server_name, progress)
            await channel.get_partial_message(shown.message_id).edit(embed=embed)
        except (discord.HTTPException, OSError) as failure:
            logger.info("progress is not shown", channel_id=shown.channel_id, problem=str(failure))


async def _wait(event: asyncio.Event, seconds: float) -> None:
    """Return after some time, or as soon as the event is set."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
