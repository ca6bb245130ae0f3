"""The board of open bounties: what it shows, and what the admins hear when it cannot."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from tests.fakes.clock import START, FakeClock, settle
from tests.fakes.languages import FakeGuildLanguages
from tests.fakes.premium import FakePremiumStore
from tests.fakes.server_loops import FakeNotifier
from tests.fakes.standing import FakeStandingSender, NoPace
from tests.fakes.storage import build_server
from utils.delivery.bounty_boards import BountyBoards
from utils.delivery.standing_messages import StandingMessages
from utils.errors import ChannelUnusableError
from utils.models.guilds import ChannelKind, GuildSettings
from utils.models.message_places import MessagePlace
from utils.models.money import Bounty
from utils.models.scope import ChannelId, GuildId, MemberId, PlayerId, ServerId
from utils.models.servers import GameServer
from utils.services.premium.tiers import PremiumService
from utils.tasks import TaskManager

GUILD = GuildId(1)
CHANNEL = ChannelId(7)
SERVER = build_server("North", guild_id=GUILD)
BOUNTY = Bounty(
    SERVER.scope, "b1", PlayerId("p"), "Wolf", 500, MemberId(5), START, START + timedelta(hours=24)
)


@dataclass
class Square:
    """A guild with a bounties channel and one open bounty; it is its own source of all that a board reads."""

    clock: FakeClock = field(default_factory=FakeClock)
    sender: FakeStandingSender = field(default_factory=FakeStandingSender)
    premium: FakePremiumStore = field(default_factory=FakePremiumStore)
    notifier: FakeNotifier = field(default_factory=FakeNotifier)
    place: MessagePlace = field(default_factory=MessagePlace)
    settings: GuildSettings = field(
        default_factory=lambda: GuildSettings(GUILD, channels={ChannelKind.BOUNTIES: CHANNEL})
    )

    def __post_init__(self) -> None:
        """Build the boards."""
        self.tasks = TaskManager(self.clock)
        self.boards = BountyBoards(
            StandingMessages(self.sender, self.tasks, pace=NoPace(self.clock), clock=self.clock),
            self,
            settings=self,  # type: ignore[arg-type] # only what boards use
            premium=PremiumService(self.premium, default_tier=0, clock=self.clock),
            servers=self,  # type: ignore[arg-type]
            bounties=self,  # type: ignore[arg-type]
            languages=FakeGuildLanguages(),
            notifier=self.notifier,
            tasks=self.tasks,
            clock=self.clock,
        )

    async def get_settings(self, guild_id: GuildId) -> GuildSettings:
        """Return the settings."""
        del guild_id
        return self.settings

    async def list_servers(self, guild_id: GuildId) -> Sequence[GameServer]:
        """Return the server."""
        del guild_id
        return (SERVER,)

    async def list_open(self, guild_id: GuildId, server_ids: Sequence[ServerId]) -> Sequence[Bounty]:
        """Return the bounty."""
        del guild_id, server_ids
        return (BOUNTY,)

    async def find_place(self, guild_id: GuildId) -> MessagePlace:
        """Return the place of the board."""
        del guild_id
        return self.place

    async def save_place(self, guild_id: GuildId, place: MessagePlace) -> None:
        """Store it."""
        del guild_id
        self.place = place

    async def look(self) -> list[str]:
        """Update the board, and return what the channel shows."""
        await self.boards.refresh_all([GUILD])
        await settle()
        self.clock.move(60)
        await settle()
        return [str(embed.description) for _, embed, _ in self.sender.messages.values()]


@pytest.fixture(name="square")
async def _square() -> AsyncIterator[Square]:
    square = Square()
    square.premium.give(GUILD, 2, START + timedelta(days=1))
    yield square
    await square.tasks.stop()


async def test_board_says_that_bounties_are_closed_while_the_tier_is_gone(square: Square) -> None:
    """It has no button then; with a new grant the bounties and the button are back."""
    [shown] = await square.look()
    assert "**Wolf** — 500 💎" in shown
    square.clock.move(timedelta(days=2).total_seconds())
    assert await square.look() == ["Bounties are off right now."]
    assert list(square.sender.buttons.values()) == [None]
    square.premium.give(GUILD, 2)
    square.boards.premium.forget_guild(GUILD)
    assert await square.look() == [shown]


async def test_board_is_not_posted_before_the_tier_is_there(square: Square) -> None:
    """A channel of a tier that was never there stays empty."""
    square.premium.records.clear()
    assert await square.look() == []


async def test_admins_are_told_once_while_the_channel_cannot_be_used(square: Square) -> None:
    """After the channel was repaired, the next loss is a new one."""
    await square.look()
    for _ in range(2):
        square.sender.failures += [ChannelUnusableError("no permission")] * 2
        for _ in range(3):
            await square.look()
    assert square.sender.failures == []
    assert [told.partition(",")[0] for told in square.notifier.told] == [
        "I can't post in the bounties channel"
    ] * 2
