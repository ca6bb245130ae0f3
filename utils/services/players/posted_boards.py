"""Posted boards: the boards in the leaderboard channels of a guild, and when they are paused.

A round looks at every posted board; a round of every minute looks at those that show game servers as they are
now, and edits what changed. A board is paused if its tier ended or its channel cannot be used; the
admins are told once, and the board goes on by itself afterwards. Delivery makes the content of boards and
updates their messages (``BoardMessages``).
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from utils.clock import Clock
from utils.errors import (
    ChannelUnusableError,
    DeliveryError,
    DiscordAwayError,
    NotFoundError,
    PermissionMissingError,
    TierRequiredError,
    TooMuchAtOnceError,
)
from utils.locks import KeyedLocks
from utils.models.audit import AuditAction, AuditEntry, AuditFacts, FieldChange
from utils.models.guilds import ChannelKind
from utils.models.incident_kinds import IncidentKind
from utils.models.posted_boards import (
    POSTED_NAMES,
    BoardKey,
    LiveBoard,
    PostedBoard,
    RefreshedBoard,
)
from utils.models.premium import Feature
from utils.models.scope import ALL_SERVERS, ChannelId, GuildId, MemberId, ServerScope
from utils.models.statistics import Board
from utils.models.texts import Command, Moment, Text, text
from utils.services.guilds.audit import AuditLog
from utils.services.players.coverage import CoverageService
from utils.services.ports import AdminNotifier, ChannelFinder
from utils.services.premium.tiers import PremiumService
from utils.tasks import TaskManager
from utils.turns import FairTurns

REFRESH_SECONDS = 1800.0
REFRESH_PAUSE = timedelta(minutes=1)  # of a board that a member asks for
REFRESH_TASK = "boards:refresh"
LIVE_TASK, LIVE_SECONDS = "boards:live", 60.0
GUILDS_AT_ONCE = 16  # guilds of a round at once; a guild with a hanging channel uses one of these places
TIER_MATTER = "boards:tier"
CHANNEL_GONE = text(
    "A posted board is paused, because I can't post in its channel any more. Check that the channel "
    "exists and give me View Channel, Send Messages, Embed Links and Read Message History, or choose "
    "another one with {set}.",
    set=Command("admin channel set"),
)


CHANNEL_LOST = text(
    "I can't post in the leaderboard channel. Check that it still exists and that I have View Channel, Send "
    "Messages, Embed Links and Read Message History in it."
)


class BoardPlan(Protocol):  # implemented by PostedBoardRepository
    """Reads of posted boards."""

    async def list_boards(self, guild_id: GuildId) -> Sequence[PostedBoard]:
        """Return a guild's boards."""

    async def find_board(self, key: BoardKey) -> PostedBoard | None:
        """Return one board."""


class BoardStore(BoardPlan, Protocol):  # implemented by PostedBoardRepository
    """Storage of posted boards."""

    async def insert_board(self, key: BoardKey, *, entry: AuditEntry | None = None) -> None:
        """Store a new board that is not posted yet."""

    async def set_paused(self, key: BoardKey, *, is_paused: bool) -> None:
        """Note that a board is paused, or goes on."""

    async def delete_board(self, key: BoardKey, *, entry: AuditEntry | None = None) -> None:
        """Delete a board."""


class BoardIndex(Protocol):  # implemented by ScopeIndexRepository
    """Lists the guilds with boards."""

    async def list_guilds_with_boards(self) -> Sequence[GuildId]:
        """Return the guilds."""


class BoardMessages(Protocol):  # implemented by PostedBoardMessages
    """The messages of boards; one operation at a time for each board."""

    async def show(self, key: BoardKey, channel_id: ChannelId, *, is_checked: bool = True) -> bool:
        """Show the current figures in the message, in this channel only; return whether it changed.

        ``is_checked`` looks whether a message that shows them already was deleted.

        Raises:
            NotFoundError: the board's server was removed.
            DeliveryError: it could not be shown. ``ChannelUnusableError``: only a person can fix it.
        """

    async def delete(self, posted: PostedBoard) -> None:
        """Try to delete the message once."""


@dataclass(eq=False, repr=False)
class PostedBoardService:
    """Posts boards, updates them, and removes them; one operation at a time for each board."""

    store: BoardStore
    scope_index: BoardIndex
    messages: BoardMessages
    _: KW_ONLY
    coverage: CoverageService
    channels: ChannelFinder
    premium: PremiumService
    notifier: AdminNotifier
    audit: AuditLog
    tasks: TaskManager
    clock: Clock
    is_member: Callable[[GuildId], bool]

    def __post_init__(self) -> None:
        self._locks = KeyedLocks[BoardKey]()
        self._turns = FairTurns(GUILDS_AT_ONCE)
        self._free_at: dict[BoardKey, datetime] = {}  # of the boards that were asked for a moment ago

    async def post(
        self, guild_id: GuildId, board: Board | LiveBoard, server: str | None, *, actor_id: MemberId
    ) -> ChannelId:
        """Post a board, or update the posted one, and return its channel.

        Raises:
            NotFoundError: no leaderboard channel is set, or there is no such server.
            PermissionMissingError: the bot may not post there.
            DiscordAwayError: Discord does not accept it now.
        """
        key = await self._choose_key(guild_id, board, server)
        async with self._locks.hold(key):
            channel_id = await self._find_channel(key)
            if channel_id is None:
                raise NotFoundError(
                    text("No leaderboard channel is set yet."),
                    hint=text("Choose one with {set}.", set=Command("admin channel set")),
                )
            posted = await self.store.find_board(key)
            if posted is None:
                posted = PostedBoard(key)
                facts = AuditFacts(server_name=server, changes=(FieldChange(board.value, new=channel_id),))
                insert = partial(self.store.insert_board, key)
                await self.audit.carry_out(guild_id, actor_id, AuditAction.BOARD_POST, facts, insert)
            try:
                await self._show(posted, channel_id)
            except ChannelUnusableError:
                await self.store.delete_board(key)
                raise PermissionMissingError(CHANNEL_LOST) from None
            except DeliveryError as failure:
                raise DiscordAwayError(
                    text("Discord isn't taking the board right now. I'll keep trying.")
                ) from failure
        return channel_id

    async def refresh(self, key: BoardKey) -> RefreshedBoard:
        """Update a board because a member asks for it, at most once a minute for everyone together.

        Raises:
            NotFoundError: it is not posted any more, or its server was removed.
            TooMuchAtOnceError: it was asked for within the last minute; the text says when it may be again.
            PermissionMissingError: the channel cannot be used.
            DiscordAwayError: Discord does not accept it now.
        """
        async with self._locks.hold(key):
            posted = await self.store.find_board(key)
            channel_id = await self._find_channel(key)
            if posted is None or channel_id is None:
                raise NotFoundError(text("This board isn't posted any more."))
            free_at = self._count_refresh(key)
            try:
                is_changed = await self._show(posted, channel_id)
            except ChannelUnusableError:
                raise PermissionMissingError(CHANNEL_LOST) from None
            except DeliveryError as failure:
                raise DiscordAwayError(text("Discord is slow to answer. Try again in a minute.")) from failure
        return RefreshedBoard(is_changed, free_at)

    def forget_guild(self, guild_id: GuildId) -> None:
        """Forget when the boards of a guild were asked for."""
        self._free_at = {key: at for key, at in self._free_at.items() if key.guild_id != guild_id}

    def _count_refresh(self, key: BoardKey) -> datetime:
        """Note that a board is asked for, and return when it may be again."""
        now = self.clock.now()
        self._free_at = {other: at for other, at in self._free_at.items() if at > now}
        if key in self._free_at:
            free = Moment(self._free_at[key])
            raise TooMuchAtOnceError(text("This board was refreshed just now. Try again {at}.", at=free))
        self._free_at[key] = now + REFRESH_PAUSE
        return self._free_at[key]

    async def remove(
        self, guild_id: GuildId, board: Board | LiveBoard, server: str | None, *, actor_id: MemberId
    ) -> None:
        """End a board and delete its message.

        Raises:
            NotFoundError: it is not posted, or there is no such server.
        """
        key = await self._choose_key(guild_id, board, server)
        async with self._locks.hold(key):
            posted = await self.store.find_board(key)
            if posted is None:
                raise NotFoundError(
                    text("No board “{board}” is posted.", board=POSTED_NAMES[board]),
                    hint=text("{post} posts one.", post=Command("admin board post")),
                )
            change = FieldChange(board.value, old=posted.place.channel_id)
            facts = AuditFacts(server_name=server, changes=(change,))
            delete = partial(self.store.delete_board, key)
            await self.audit.carry_out(guild_id, actor_id, AuditAction.BOARD_REMOVE, facts, delete)
            await self.messages.delete(posted)

    async def refresh_all(self) -> None:
        """Update every board of every guild; boards that fail wait for the next round."""
        await self._make_round(REFRESH_TASK, is_live=False)

    async def refresh_live(self) -> None:
        """Update the boards about game servers, where something changed."""
        await self._make_round(LIVE_TASK, is_live=True)

    async def _make_round(self, task: str, *, is_live: bool) -> None:
        told: set[str] = set()

        async def refresh_board(key: BoardKey) -> None:
            await self._refresh(key, is_checked=not is_live)

        async def refresh_in_turn(guild_id: GuildId) -> None:
            """Update a guild's boards; a board that fails or hangs does not stop the others."""
            async with self._turns.lend(guild_id):
                posted = await self.store.list_boards(guild_id)
                keys = [one.key for one in posted if one.key.is_live or not is_live]
                await asyncio.gather(
                    *(self.tasks.attempt(task, key, refresh_board, told=told) for key in keys)
                )

        found = filter(self.is_member, await self.scope_index.list_guilds_with_boards())
        await asyncio.gather(*(self.tasks.attempt(task, one, refresh_in_turn, told=told) for one in found))

    async def _refresh(self, key: BoardKey, *, is_checked: bool) -> None:
        async with self._locks.hold(key):
            posted = await self.store.find_board(key)
            if posted is not None:  # not removed in the meantime
                await self._refresh_or_pause(posted, is_checked=is_checked)

    async def _refresh_or_pause(self, posted: PostedBoard, *, is_checked: bool) -> None:
        key, matter = posted.key, f"boards:channel:{posted.key.server_id}"
        try:
            await self.premium.verify_premium_for_feature(key.guild_id, Feature.POSTED_BOARDS)
        except TierRequiredError as refusal:
            await self._pause(posted, text("Posted boards are paused: {why}", why=refusal.said), TIER_MATTER)
            return
        await self.notifier.clear(key.guild_id, TIER_MATTER)
        channel_id = await self._find_channel(key)
        if channel_id is None:
            await self._pause(posted, CHANNEL_GONE, matter)
            return
        try:
            await self._show(posted, channel_id, is_checked=is_checked)
        except NotFoundError:
            await self.store.delete_board(key)  # its server was removed
        except ChannelUnusableError:
            await self._pause(posted, CHANNEL_GONE, matter)
        else:
            await self.notifier.clear(key.guild_id, matter)

    async def _show(self, posted: PostedBoard, channel_id: ChannelId, *, is_checked: bool = True) -> bool:
        """Show a board; return whether its message changed."""
        is_changed = await self.messages.show(posted.key, channel_id, is_checked=is_checked)
        if posted.is_paused:
            await self.store.set_paused(posted.key, is_paused=False)
        return is_changed

    async def _pause(self, posted: PostedBoard, sentence: Text, matter: str) -> None:
        if not posted.is_paused:
            await self.store.set_paused(posted.key, is_paused=True)
        await self.notifier.notify(posted.key.guild_id, sentence, matter, kind=IncidentKind.BOARD_PAUSED)

    async def _choose_key(self, guild_id: GuildId, board: Board | LiveBoard, server: str | None) -> BoardKey:
        if server is None:
            return BoardKey(guild_id, ALL_SERVERS, board.value)
        coverage = await self.coverage.choose(guild_id, server)
        return BoardKey(guild_id, coverage.server_ids[0], board.value)

    async def _find_channel(self, key: BoardKey) -> ChannelId | None:
        scope = ServerScope(key.guild_id, key.server_id)
        return await self.channels.find_channel(scope, ChannelKind.LEADERBOARD)
