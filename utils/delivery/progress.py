"""Progress messages of history imports: edited every few seconds, never holding up the import."""

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

from structlog import get_logger

from utils.clock import Clock
from utils.delivery.decisions import compute_retry_seconds, make_nonce
from utils.delivery.ports import MessageEditor, MessageSender
from utils.embeds.factory import EmbedFactory
from utils.errors import DeliveryDelayedError, DeliveryError, DeliveryUncertainError
from utils.models.reading import ImportJob, ImportProgress
from utils.models.scope import ChannelId, ServerScope
from utils.models.servers import GameServer
from utils.tasks import TaskManager
from utils.waiting import wait_for_any

logger = get_logger(__name__)

CREATE_TRIES = 2  # under one nonce: a message whose answer was lost is found, and not posted twice
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


class ProgressSender(MessageEditor, MessageSender, Protocol):
    """Discord, as progress messages see it; every method may raise a ``DeliveryError``."""

    async def delete(self, channel_id: ChannelId, message_id: int) -> None:
        """Delete a message; one that is gone already is no error."""


class ImportMessages:
    """One message for each import under way."""

    def __init__(
        self, sender: ProgressSender, tasks: TaskManager, *, factory: EmbedFactory, clock: Clock
    ) -> None:
        self._sender = sender
        self._tasks = tasks
        self._factory = factory
        self._clock = clock
        self._shown: dict[ServerScope, _Shown] = {}

    async def create(self, channel_id: ChannelId, server_name: str) -> int | None:
        """Post a progress message; None where the bot may not."""
        begin = ImportProgress(
            files_done=0, files_total=0, bytes_done=0, bytes_total=0, rows=0, elapsed_seconds=0.0
        )
        embed, nonce = self._factory.build_import(server_name, begin), make_nonce()
        for _ in range(CREATE_TRIES):
            try:
                return await self._sender.send(channel_id, embeds=[embed], pictures=(), nonce=nonce)
            except DeliveryError as failure:
                logger.info("no progress message", channel_id=channel_id, problem=str(failure))
                if not isinstance(failure, DeliveryUncertainError):
                    break
        return None

    async def discard(self, channel_id: ChannelId, message_id: int) -> None:
        """Delete the message of an import that did not begin."""
        try:
            await self._sender.delete(channel_id, message_id)
        except DeliveryError as failure:
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
        shown, failures = self._shown[scope], 0
        try:
            while (image := shown.image) is not None:
                shown.image = None
                failure = await self._edit(image)
                if image.progress.is_done:
                    shown.is_done.clear()
                    if failure is None and shown.image is None:
                        return
                failures, seconds = failures + 1 if failure else 0, EDIT_SECONDS
                if failure is not None:
                    if shown.image is None:
                        shown.image = image
                    seconds = max(seconds, compute_retry_seconds(failure, failures, now=self._clock.now()))
                # the end of an import does not wait for the next edit
                await wait_for_any(shown.is_done, seconds=seconds, clock=self._clock)
        finally:
            self._shown.pop(scope, None)

    async def _edit(self, image: _Image) -> DeliveryError | None:
        """Show an image; return what went wrong when the same edit can succeed later."""
        embed = self._factory.build_import(image.server_name, image.progress)
        try:
            await self._sender.edit(image.channel_id, image.message_id, embed=embed)
        except DeliveryError as failure:
            logger.info("progress is not shown", channel_id=image.channel_id, problem=str(failure))
            if isinstance(failure, DeliveryDelayedError | DeliveryUncertainError):
                return failure
        return None
