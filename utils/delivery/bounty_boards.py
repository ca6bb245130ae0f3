"""The boards of open bounties: one message in the bounties channel of each guild, kept up to date.

A board follows its channel, comes back when it was deleted, and goes when no channel is set. While bounties
are closed (switched off, or the tier ended), it says so. A change waits for others, so that many at once
cost one edit.
"""

from collections.abc import Collection, Iterable
from dataclasses import KW_ONLY, dataclass
from functools import partial
from typing import Protocol

from utils.clock import Clock
from utils.delivery.languages import GuildSpeaker
from utils.delivery.service import name_unusable_channel
from utils.delivery.standing_messages import StandingMessage, StandingMessages
from utils.embeds.factory import Post
from utils.error_sink import ErrorSource, Where
from utils.errors import StorageError, TierRequiredError
from utils.events import BountiesChanged, GuildSettingsChanged, PlayerErased, ServerRemoved
from utils.models.guilds import ChannelKind
from utils.models.incident_kinds import IncidentKind
from utils.models.lasting_buttons import ButtonStyle, LastingButton
from utils.models.message_places import MessagePlace
from utils.models.money import PUT_PRICE
from utils.models.premium import Feature
from utils.models.scope import ChannelId, GuildId
from utils.models.texts import Command, text
from utils.queues import WorkQueue
from utils.services.guilds.guild_settings import SettingsService
from utils.services.money.bounties.placing import BountyService
from utils.services.ports import AdminNotifier
from utils.services.premium.tiers import PremiumService
from utils.services.servers.game_servers import GameServerService
from utils.tasks import TaskManager

BOARD_TASK = "bounties:board"
GATHER_SECONDS = 3.0
PAUSE_SECONDS = 10.0
CHANNEL_LOST = text(
    "I can't post in the bounties channel, so its board of open bounties is out of date. Check that the "
    "channel exists and give me View Channel, Send Messages, Embed Links and Read Message History in it, or "
    "choose another one with {set}.",
    set=Command("admin channel set"),
)


class BountyBoardStore(Protocol):  # implemented by BountyBoardRepository
    """Storage of the places of boards."""

    async def find_place(self, guild_id: GuildId) -> MessagePlace:
        """Return the place; an empty one if it is not posted."""

    async def save_place(self, guild_id: GuildId, place: MessagePlace) -> None:
        """Write the place."""


@dataclass(frozen=True, slots=True)
class _BoardPlace:
    """The place of one board."""

    store: BountyBoardStore
    guild_id: GuildId

    async def find(self) -> MessagePlace:
        """Return the place."""
        return await self.store.find_place(self.guild_id)

    async def save(self, place: MessagePlace) -> bool:
        """Write the place."""
        await self.store.save_place(self.guild_id, place)
        return True

    async def list_others(self) -> Collection[int]:
        """Return no other message: a guild has one board."""
        return ()


@dataclass(eq=False, repr=False)
class BountyBoards:
    """Keeps the boards of open bounties up to date."""

    messages: StandingMessages
    store: BountyBoardStore
    _: KW_ONLY
    settings: SettingsService
    premium: PremiumService
    servers: GameServerService
    bounties: BountyService
    languages: GuildSpeaker
    notifier: AdminNotifier
    tasks: TaskManager
    clock: Clock

    def __post_init__(self) -> None:
        self._shown: set[GuildId] = (
            set()
        )  # guilds whose board was shown since it was lost, or since the start
        self._changed = WorkQueue(BOARD_TASK, self._refresh_soon, tasks=self.tasks)

    def on_bounties_changed(self, event: BountiesChanged) -> None:
        """Show which bounties are open."""
        self._put(event.guild_id)

    def on_settings_changed(self, event: GuildSettingsChanged) -> None:
        """Follow the channel and the switch."""
        self._put(event.guild_id)

    def on_server_removed(self, event: ServerRemoved) -> None:
        """Leave out the bounties of the server."""
        self._put(event.scope.guild_id)

    def on_player_erased(self, event: PlayerErased) -> None:
        """Leave out the erased names."""
        self._put(event.guild_id)

    async def refresh_all(self, guild_ids: Iterable[GuildId]) -> None:
        """Look at the board of every guild, also at those that people deleted."""
        await self.tasks.for_each(BOARD_TASK, guild_ids, self._refresh)

    def forget_guild(self, guild_id: GuildId) -> None:
        """Forget whether the board of a guild was shown."""
        self._shown.discard(guild_id)

    def _put(self, guild_id: GuildId) -> None:
        self._changed.put(guild_id, guild_id=guild_id)

    async def _refresh_soon(self, guild_id: GuildId) -> None:
        await self.clock.sleep(GATHER_SECONDS)
        try:
            await self._refresh(guild_id)
        except StorageError as failure:
            where = Where(source=ErrorSource.DATABASE, guild_id=guild_id, task=BOARD_TASK)
            self.tasks.errors.report(failure, where=where)
            await self.clock.sleep(PAUSE_SECONDS)
            self._put(guild_id)

    async def _refresh(self, guild_id: GuildId) -> None:
        channel_id = (await self.settings.get_settings(guild_id)).channels.get(ChannelKind.BOUNTIES)
        place = await self.store.find_place(guild_id)
        if channel_id is None:
            if place.message_id is not None:
                await self.messages.delete(guild_id, place)
                await self.store.save_place(guild_id, MessagePlace())
            return
        if place.message_id is None and not await self._is_open(guild_id):
            return
        self.messages.keep(
            StandingMessage(
                key=f"bounties:{guild_id}",
                guild_id=guild_id,
                channel_id=channel_id,
                render=partial(self._render, guild_id),
                places=_BoardPlace(self.store, guild_id),
                pause_seconds=PAUSE_SECONDS,
                note_shown=partial(self._note_shown, guild_id, channel_id),
                note_lost=partial(self._note_lost, guild_id, channel_id),
            )
        )

    async def _note_lost(self, guild_id: GuildId, channel_id: ChannelId) -> None:
        """Tell the admins once, together with the posts that wait for this channel."""
        self._shown.discard(guild_id)
        await self.notifier.notify(
            guild_id, CHANNEL_LOST, name_unusable_channel(channel_id), kind=IncidentKind.CHANNEL_UNUSABLE
        )

    async def _note_shown(self, guild_id: GuildId, channel_id: ChannelId) -> None:
        """Close the alert once after a start and after each loss: posts may have another trouble there."""
        if guild_id not in self._shown:
            self._shown.add(guild_id)
            await self.notifier.clear(guild_id, name_unusable_channel(channel_id))

    async def _render(self, guild_id: GuildId) -> Post:
        embeds = await self.languages.speak(guild_id)
        if not await self._is_open(guild_id):
            return Post((embeds.build_bounty_board(None, server_names={}),))
        servers = await self.servers.list_servers(guild_id)
        names = {server.scope.server_id: server.name for server in servers}
        found = await self.bounties.list_open(guild_id, tuple(names))
        button = LastingButton(PUT_PRICE, text("Place a bounty"), style=ButtonStyle.PRIMARY)
        embed = embeds.build_bounty_board(found, server_names=names)
        return Post((embed,), buttons=embeds.build_buttons([button]))

    async def _is_open(self, guild_id: GuildId) -> bool:
        try:
            await self.premium.verify_premium_for_feature(guild_id, Feature.BOUNTIES)
        except TierRequiredError:
            return False
        return (await self.settings.get_settings(guild_id)).bounties.is_enabled
