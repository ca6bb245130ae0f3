"""Messages of posted boards: builds the boards and stores where their messages are."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import discord

from utils.clock import Clock
from utils.delivery.languages import GuildSpeaker
from utils.delivery.standing_messages import StandingMessage, StandingMessages
from utils.embeds.factory import EmbedFactory, Post
from utils.embeds.players import list_board_buttons
from utils.errors import DeliveryDelayedError
from utils.models.message_places import MessagePlace
from utils.models.posted_boards import BoardKey, LiveBoard, PostedBoard
from utils.models.scope import ChannelId
from utils.models.statistics import Board
from utils.services.players.combat import CombatService
from utils.services.players.coverage import ALL_SERVERS, CoverageService
from utils.services.players.posted_boards import BoardPlan
from utils.services.players.statistics import BOARD_PAGE_ROWS, StatisticsService
from utils.services.ports import ServerReadings
from utils.services.presence.server_players import ServerPlayersService


class PostedBoardStore(BoardPlan, Protocol):  # implemented by PostedBoardRepository
    """Storage of the places of boards."""

    async def save_place(self, key: BoardKey, place: MessagePlace) -> bool:
        """Write the place of a board; tell whether the board still exists."""


@dataclass(frozen=True, slots=True)
class BoardPages:
    """Builds the message of a posted board: the first page of a ranking, or game servers as they are now."""

    coverage: CoverageService
    statistics: StatisticsService
    combat: CombatService
    players: ServerPlayersService
    readings: ServerReadings
    languages: GuildSpeaker
    clock: Clock

    async def build(self, key: BoardKey) -> Post:
        """Return the message.

        Raises:
            NotFoundError: the board's server was removed.
        """
        embeds = await self.languages.speak(key.guild_id)
        buttons = embeds.build_buttons(list_board_buttons(key))
        if key.is_live:
            return Post((await self._build_live(embeds, key),), buttons=buttons)
        coverage = await self.coverage.choose(key.guild_id, key.server_id or None)
        board = key.ranking
        if board is Board.WEAPONS:
            table = await self.combat.get_weapons(coverage)
            embed = embeds.build_weapon_board(table.rows[:BOARD_PAGE_ROWS], table, coverage, first=1)
        else:
            page = await self.statistics.get_board(coverage, board, page=0)
            embed = embeds.build_board(board.value, page.rows, coverage)
        posted = embeds.build_posted_board(embed, coverage, at=self.clock.now())
        return Post((posted,), buttons=buttons)

    async def _build_live(self, embeds: EmbedFactory, key: BoardKey) -> discord.Embed:
        health = await self.readings.get_health(key.guild_id)
        reports = await self.players.describe(key.guild_id, key.server_id or None, health)
        if key.board == LiveBoard.STATUS:
            return embeds.build_status_board(reports, at=self.clock.now())
        where = reports[0].server_name if key.server_id else ALL_SERVERS
        return embeds.build_online_board(reports, where=where, at=self.clock.now())


@dataclass(frozen=True, slots=True)
class _BoardPlace:
    """The place of one board."""

    store: PostedBoardStore
    key: BoardKey

    async def find(self) -> MessagePlace:
        """Return the place."""
        posted = await self.store.find_board(self.key)
        return MessagePlace() if posted is None else posted.place

    async def save(self, place: MessagePlace) -> bool:
        """Write the place; return False if the board was removed."""
        return await self.store.save_place(self.key, place)

    async def list_others(self) -> Collection[int]:
        """Return the message ids of the guild's boards. Called only while this board has none."""
        boards = await self.store.list_boards(self.key.guild_id)
        return {posted.place.message_id for posted in boards if posted.place.message_id is not None}


class PostedBoardMessages:
    """Shows posted boards."""

    def __init__(self, messages: StandingMessages, store: PostedBoardStore, pages: BoardPages) -> None:
        self._messages = messages
        self._store = store
        self._pages = pages

    async def show(self, key: BoardKey, channel_id: ChannelId, *, is_checked: bool = True) -> bool:
        """Show the current figures in the message, in this channel only; return whether it changed.

        ``is_checked`` looks whether a message that shows them already was deleted.

        Raises:
            NotFoundError: the board's server was removed.
            DeliveryError: it could not be posted. ``ChannelUnusableError``: only a person can fix it.
        """
        message = StandingMessage(
            key=f"board:{key}",
            guild_id=key.guild_id,
            channel_id=channel_id,
            render=partial(self._pages.build, key),
            places=_BoardPlace(self._store, key),
            is_checked=is_checked,
        )
        try:
            return await self._messages.refresh(message)
        except DeliveryDelayedError as failure:
            if not (key.is_live and failure.is_of_old_message):
                raise
        return await self._post_again(key, message)

    async def _post_again(self, key: BoardKey, message: StandingMessage) -> bool:
        """Post a live board in place of its old message: Discord limits edits after an hour."""
        posted = await self._store.find_board(key)
        if posted is None:
            return False
        await self._messages.delete(key.guild_id, posted.place)
        await self._store.save_place(key, MessagePlace())
        return await self._messages.refresh(message)

    async def delete(self, posted: PostedBoard) -> None:
        """Try to delete the message once."""
        await self._messages.delete(posted.key.guild_id, posted.place)
