"""BoardKeeper: board messages that keep themselves up to date.

A round looks at every posted board. Its message is edited when what it shows has changed, and made anew when
somebody deleted it. As with every post, the nonce is stored before the first try, so that a process that
ends in between is followed by one that finds the message instead of posting a second one. A board whose tier
ended or whose channel cannot be used is paused, the admins are told once, and it goes on by itself when that
is over.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import discord
from structlog import get_logger

from utils.clock import Clock
from utils.delivery.decisions import NONCE_MEMORY, make_nonce
from utils.delivery.ports import AdminNotifier, ChannelDirectory, PostedMessage
from utils.embeds.factory import EmbedFactory
from utils.embeds.pictures import Picture
from utils.errors import (
    ChannelUnusableError,
    DeliveryError,
    NotAllowedError,
    NotFoundError,
    TierRequiredError,
)
from utils.locks import KeyedLocks
from utils.models.audit import AuditAction
from utils.models.guilds import ChannelKind
from utils.models.posted_boards import ALL_SERVERS, PostedBoard
from utils.models.premium import Feature
from utils.models.scope import ChannelId, GuildId, MemberId, ServerId, ServerScope
from utils.models.texts import Command, text
from utils.services.players.combat import CombatService
from utils.services.players.coverage import CoverageService
from utils.services.players.statistics import BOARD_PAGE_ROWS, Board, StatisticsService
from utils.services.servers.game_servers import AuditWriter
from utils.tasks import TaskManager

REFRESH_SECONDS = 1800.0
REFRESH_TASK = "boards:refresh"
LOOK_BACK_MESSAGES = 100

_log = get_logger(__name__)


class BoardStore(Protocol):
    """Storage of posted boards."""

    async def list_boards(self, guild_id: GuildId) -> Sequence[PostedBoard]:
        """Return a guild's boards."""

    async def find_board(self, guild_id: GuildId, server_id: ServerId, board: str) -> PostedBoard | None:
        """Return one board."""

    async def insert_board(self, guild_id: GuildId, board: PostedBoard) -> None:
        """Store a new board."""

    async def replace_board(self, guild_id: GuildId, board: PostedBoard) -> bool:
        """Write a changed board; tell whether it is still there."""

    async def delete_board(self, guild_id: GuildId, server_id: ServerId, board: str) -> None:
        """Forget a board."""


class BoardDirectory(Protocol):
    """Knows which guilds have boards."""

    async def list_guilds_with_boards(self) -> Sequence[GuildId]:
        """Return the guilds."""


class TierCheck(Protocol):
    """Knows what a guild's tier opens."""

    async def verify_premium_for_feature(self, guild_id: GuildId, feature: Feature) -> None:
        """Refuse a feature the guild's tier does not open.

        Raises:
            TierRequiredError
        """


class BoardSender(Protocol):
    """Discord, as posted boards see it; every method may raise a ``DeliveryError``."""

    async def send(
        self,
        channel_id: ChannelId,
        *,
        embeds: Sequence[discord.Embed],
        pictures: Sequence[Picture],
        nonce: str,
    ) -> int:
        """Post a message and return its id; within minutes a nonce posts once."""

    async def edit(self, channel_id: ChannelId, message_id: int, *, embed: discord.Embed) -> bool:
        """Change a message; tell whether it was there."""

    async def has_message(self, channel_id: ChannelId, message_id: int) -> bool:
        """Tell whether a message is there."""

    async def delete(self, channel_id: ChannelId, message_id: int) -> None:
        """Delete a message; one that is gone already is no error."""

    async def recent_messages(self, channel_id: ChannelId, limit: int) -> Sequence[PostedMessage]:
        """Return the bot's own among the newest messages of a channel."""


@dataclass(frozen=True, slots=True)
class BoardRooms:
    """What posted boards need of the rest."""

    store: BoardStore
    directory: BoardDirectory
    sender: BoardSender
    channels: ChannelDirectory
    premium: TierCheck
    notifier: AdminNotifier
    audit: AuditWriter
    tasks: TaskManager


@dataclass(frozen=True, slots=True)
class BoardPages:
    """Builds what a posted board shows: the first page of a board, all time."""

    coverage: CoverageService
    statistics: StatisticsService
    combat: CombatService
    factory: EmbedFactory

    async def build(self, posted: PostedBoard) -> discord.Embed:
        """Return the embed.

        Raises:
            NotFoundError: the board's server is gone.
        """
        coverage = await self.coverage.choose(posted.guild_id, posted.server_id or None)
        board = Board(posted.board)
        if board is Board.WEAPONS:
            table, _ = await self.combat.get_weapons(coverage, None)
            embed = self.factory.build_weapon_board(table.rows[:BOARD_PAGE_ROWS], table, coverage, first=1)
        else:
            page = await self.statistics.get_board(coverage, board, page=0)
            embed = self.factory.build_board(board.value, page.rows, coverage)
        return self.factory.build_posted_board(embed, coverage)


class BoardKeeper:
    """Posts boards, keeps them up to date, and removes them; one thing at a time in each guild."""

    def __init__(
        self, rooms: BoardRooms, pages: BoardPages, *, clock: Clock, is_member: Callable[[GuildId], bool]
    ) -> None:
        self._store = rooms.store
        self._directory = rooms.directory
        self._sender = rooms.sender
        self._channels = rooms.channels
        self._premium = rooms.premium
        self._notifier = rooms.notifier
        self._audit = rooms.audit
        self._tasks = rooms.tasks
        self._pages = pages
        self._clock = clock
        self._is_member = is_member
        self._locks = KeyedLocks[GuildId]()

    async def post(
        self, guild_id: GuildId, board: Board, server: str | None, *, actor_id: MemberId
    ) -> ChannelId:
        """Post a board, or refresh the one that is there, and return its channel.

        Raises:
            NotFoundError: no leaderboard channel is set, or there is no such server.
            NotAllowedError: the bot may not post there, or Discord does not take it now.
        """
        server_id = await self._choose_server_id(guild_id, server)
        async with self._locks.hold(guild_id):
            channel_id = await self._find_channel(guild_id, server_id)
            if channel_id is None:
                raise NotFoundError(
                    text("There is no channel for “leaderboard” here."),
                    hint=text("Set it with {set}.", set=Command("admin channel set")),
                )
            posted = await self._store.find_board(guild_id, server_id, board.value)
            if posted is None:
                posted = PostedBoard(guild_id, server_id, board.value)
                await self._store.insert_board(guild_id, posted)
                detail = f"{board.value} of {server or 'all servers'} in <#{channel_id}>"
                await self._audit.write(guild_id, actor_id, AuditAction.BOARD_POST, detail)
            try:
                await self._bring_up_to_date(posted, channel_id)
            except ChannelUnusableError:
                await self._store.delete_board(guild_id, server_id, board.value)
                raise NotAllowedError(
                    "I cannot post in the leaderboard channel: it is gone, or I lack View Channel, "
                    "Send Messages, Embed Links or Read Message History there."
                ) from None
            except DeliveryError as failure:
                raise NotAllowedError(
                    "Discord does not take the board at the moment. It is kept, and I try again by myself."
                ) from failure
        return channel_id

    async def remove(
        self, guild_id: GuildId, board: Board, server: str | None, *, actor_id: MemberId
    ) -> None:
        """End a board and delete its message.

        Raises:
            NotFoundError: it is not posted, or there is no such server.
        """
        server_id = await self._choose_server_id(guild_id, server)
        async with self._locks.hold(guild_id):
            posted = await self._store.find_board(guild_id, server_id, board.value)
            if posted is None:
                raise NotFoundError(
                    text("There is no posted board “{board}” here.", board=board.value),
                    hint=text("{post} posts one.", post=Command("admin board post")),
                )
            await self._store.delete_board(guild_id, server_id, board.value)
            detail = f"{board.value} of {server or 'all servers'}"
            await self._audit.write(guild_id, actor_id, AuditAction.BOARD_REMOVE, detail)
            await self._delete_message(posted)

    async def refresh_all(self) -> None:
        """Bring every board of every guild up to date; what fails waits for the next round."""
        found = await self._directory.list_guilds_with_boards()
        await self._tasks.for_each(REFRESH_TASK, filter(self._is_member, found), self.refresh)

    async def refresh(self, guild_id: GuildId) -> None:
        """Bring a guild's boards up to date; one that fails leaves the others their turn."""
        async with self._locks.hold(guild_id):
            found = await self._store.list_boards(guild_id)
            boards = {f"{guild_id}/{posted.server_id}/{posted.board}": posted for posted in found}

            async def refresh_one(key: str) -> None:
                await self._refresh(boards[key])

            await self._tasks.for_each(REFRESH_TASK, boards, refresh_one)

    async def _refresh(self, posted: PostedBoard) -> None:
        guild_id = posted.guild_id
        try:
            await self._premium.verify_premium_for_feature(guild_id, Feature.POSTED_BOARDS)
        except TierRequiredError as refusal:
            await self._pause(posted, f"Posted boards are paused: {refusal}", "boards:tier")
            return
        await self._notifier.clear(guild_id, "boards:tier")
        channel_id = await self._find_channel(guild_id, posted.server_id)
        sentence = (
            "A posted board is paused: its leaderboard channel is gone, or I may not post there. Give me "
            "View Channel, Send Messages, Embed Links and Read Message History, or set another one with "
            "/admin channel set."
        )
        key = f"boards:channel:{posted.server_id}"
        if channel_id is None:
            await self._pause(posted, sentence, key)
            return
        try:
            await self._bring_up_to_date(posted, channel_id)
        except NotFoundError:
            await self._store.delete_board(guild_id, posted.server_id, posted.board)  # its server is gone
        except ChannelUnusableError:
            await self._pause(posted, sentence, key)
        else:
            await self._notifier.clear(guild_id, key)

    async def _bring_up_to_date(self, posted: PostedBoard, channel_id: ChannelId) -> None:
        """Make the message show what the figures are now, wherever it stands or does not stand."""
        embed = await self._pages.build(posted)
        digest = compute_digest(embed)
        if posted.channel_id not in (None, channel_id):
            await self._delete_message(posted)
            posted = PostedBoard(posted.guild_id, posted.server_id, posted.board)
        if posted.message_id is not None:
            if posted.digest == digest:
                is_there = await self._sender.has_message(channel_id, posted.message_id)
            else:
                is_there = await self._sender.edit(channel_id, posted.message_id, embed=embed)
            if is_there:
                await self._save(replace(posted, digest=digest, is_paused=False), posted)
                return
            posted = replace(posted, message_id=None, nonce=None, first_tried_at=None)
        await self._post(replace(posted, channel_id=channel_id, is_paused=False), embed, digest)

    async def _post(self, posted: PostedBoard, embed: discord.Embed, digest: str) -> None:
        """Post the message, or find the one of a try whose end nobody saw."""
        now = self._clock.now()
        message_id = None
        if posted.nonce is None or posted.first_tried_at is None:
            posted = replace(posted, nonce=make_nonce(), first_tried_at=now, digest="")
            if not await self._store.replace_board(posted.guild_id, posted):
                return
        elif now - posted.first_tried_at >= NONCE_MEMORY:
            message_id = await self._find_lost(posted, embed)
        if message_id is None:
            message_id = await self._send(posted, embed)
        elif not await self._sender.edit(_get_channel(posted), message_id, embed=embed):
            return  # deleted at this moment: the next round begins anew
        await self._store.replace_board(
            posted.guild_id, replace(posted, message_id=message_id, digest=digest)
        )

    async def _send(self, posted: PostedBoard, embed: discord.Embed) -> int:
        nonce = posted.nonce or make_nonce()
        return await self._sender.send(_get_channel(posted), embeds=[embed], pictures=(), nonce=nonce)

    async def _find_lost(self, posted: PostedBoard, embed: discord.Embed) -> int | None:
        """Return the message of an earlier try: by its nonce, or by a title that no other board has."""
        channel_id = _get_channel(posted)
        known = {one.message_id for one in await self._store.list_boards(posted.guild_id)}
        for message in await self._sender.recent_messages(channel_id, LOOK_BACK_MESSAGES):
            titles = [title for title, _ in message.texts]
            is_alike = message.nonce is None and titles == [embed.title] and message.message_id not in known
            if message.nonce == posted.nonce or is_alike:
                return message.message_id
        return None

    async def _pause(self, posted: PostedBoard, sentence: str, key: str) -> None:
        await self._save(replace(posted, is_paused=True), posted)
        await self._notifier.notify(posted.guild_id, sentence, key)

    async def _save(self, posted: PostedBoard, before: PostedBoard) -> None:
        if posted != before:
            await self._store.replace_board(posted.guild_id, posted)

    async def _delete_message(self, posted: PostedBoard) -> None:
        if posted.channel_id is None or posted.message_id is None:
            return
        try:
            await self._sender.delete(posted.channel_id, posted.message_id)
        except DeliveryError as failure:
            _log.info("board message stays", guild=posted.guild_id, problem=str(failure))

    async def _choose_server_id(self, guild_id: GuildId, server: str | None) -> ServerId:
        if server is None:
            return ALL_SERVERS
        return (await self._pages.coverage.choose(guild_id, server)).server_ids[0]

    async def _find_channel(self, guild_id: GuildId, server_id: ServerId) -> ChannelId | None:
        return await self._channels.find_channel(ServerScope(guild_id, server_id), ChannelKind.LEADERBOARD)


def compute_digest(embed: discord.Embed) -> str:
    """Return what two embeds have in common when they show the same."""
    return hashlib.sha256(json.dumps(embed.to_dict(), sort_keys=True).encode()).hexdigest()


def _get_channel(posted: PostedBoard) -> ChannelId:
    if posted.channel_id is None:
        raise ChannelUnusableError("a board without a channel")
    return posted.channel_id
