"""The posts that wait: late only where their channel could take them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from tests.fakes.clock import START, FakeClock
from tests.fakes.incidents import FakeIncidentStore
from utils.delivery.outbox_watch import OutboxWatch
from utils.delivery.service import name_unusable_channel
from utils.incident_log import IncidentLog
from utils.models.guilds import ChannelKind
from utils.models.health import OutboxState
from utils.models.incident_kinds import IncidentKind
from utils.models.incidents import CheckState, Incident, IncidentKey
from utils.models.post_styles import NEW_STYLE, ChannelStyle
from utils.models.scope import ChannelId, GuildId, ServerId, ServerScope

ONE, TWO = (ServerScope(GuildId(number), ServerId("k3v9x0aa")) for number in (1, 2))
KILLFEED, BOUNTIES, NEWS = ChannelKind.KILLFEED, ChannelKind.BOUNTIES, ChannelKind.EVENTS


class FakeFeeds:
    """Feeds with waiting posts, and the channels of two kinds."""

    async def list_waiting(self) -> Sequence[tuple[ServerScope, ChannelKind, int, datetime]]:
        """Return posts that wait for minutes, one of them for a channel that no longer exists."""
        return [
            (ONE, KILLFEED, 3, START - timedelta(minutes=2)),
            (ONE, BOUNTIES, 1, START - timedelta(minutes=9)),
            (ONE, NEWS, 1, START - timedelta(minutes=9)),
            (TWO, KILLFEED, 2, START + timedelta(minutes=5)),
        ]

    async def find_channel(self, scope: ServerScope, kind: ChannelKind) -> ChannelId | None:
        """Return a channel for each kind but one."""
        del scope
        return {KILLFEED: ChannelId(7), BOUNTIES: ChannelId(8)}.get(kind)

    async def find_style(self, guild_id: GuildId, channel_id: ChannelId) -> ChannelStyle:
        """Return the style of a channel."""
        del guild_id, channel_id
        return NEW_STYLE


async def test_post_is_late_only_where_its_channel_can_be_used(clock: FakeClock) -> None:
    """Without a channel, in one that cannot be used, and before its time, a post is not late."""
    incidents, feeds = IncidentLog(FakeIncidentStore(), clock=clock), FakeFeeds()
    watch = OutboxWatch(feeds, channels=feeds, incidents=incidents, clock=clock)
    counted = {ONE.guild_id: 5, TWO.guild_id: 2}
    assert await watch.read() == OutboxState(counted, {ONE.guild_id: 540.0})
    key = IncidentKey(ONE.guild_id, IncidentKind.CHANNEL_UNUSABLE, name_unusable_channel(ChannelId(8)))
    incidents.put(Incident(key, CheckState.WARN, START))
    assert await watch.read() == OutboxState(counted, {ONE.guild_id: 120.0})
