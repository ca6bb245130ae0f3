"""Settings of a guild by hand: set and cleared values, channels of a higher tier, and the audit."""

from dataclasses import replace

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.deaths import SCOPE
from tests.fakes.small_bot import Shelf
from tests.fakes.storage import build_server
from utils.errors import InvalidInputError, NotFoundError, StorageUnavailableError
from utils.events import GuildSettingsChanged
from utils.models.audit import AuditAction
from utils.models.guilds import ChannelKind, GuildSettings
from utils.models.post_styles import ChannelStyle, PostStyle
from utils.models.premium import TIERS
from utils.models.scope import ChannelId, MemberId, ServerId, ServerScope
from utils.services.guilds.guild_changes import ChannelChange, GuildChangeService

GUILD, ADMIN = SCOPE.guild_id, MemberId(5)
FEED, OTHER = ChannelId(1), ChannelId(2)
SERVER = build_server()


class Office:
    """The service, and the audit entries that it wrote."""

    def __init__(self, *, tier: int = 4) -> None:
        self.shelf = Shelf(clock=FakeClock())
        self.shelf.servers.servers[SCOPE] = SERVER
        self.told: list[GuildSettingsChanged] = []
        services = self.shelf.build_services(tier=tier)
        self.shelf.events.register(GuildSettingsChanged, self._note)
        self.settings = services.settings
        self.changes: GuildChangeService = services.guild_changes

    def _note(self, event: GuildSettingsChanged) -> None:
        self.told.append(event)

    @property
    def audited(self) -> list[tuple[MemberId | None, str, str]]:
        """Actors and actions of the audit."""
        return self.shelf.audit.lines


@pytest.fixture(name="office")
def _office() -> Office:
    return Office()


async def test_channel_is_set_for_the_guild_or_the_named_server(office: Office) -> None:
    """An unknown server name sets nothing and writes no entry."""
    guilds = await office.changes.set_channel(GUILD, ChannelKind.KILLFEED, FEED, server=None, actor_id=ADMIN)
    own = await office.changes.set_channel(GUILD, ChannelKind.EVENTS, OTHER, server="mirny", actor_id=ADMIN)
    with pytest.raises(NotFoundError):
        await office.changes.set_channel(GUILD, ChannelKind.ALERTS, FEED, server="nobody", actor_id=ADMIN)
    with pytest.raises(InvalidInputError, match="for all game servers together"):
        await office.changes.set_channel(GUILD, ChannelKind.NEWS, FEED, server="mirny", actor_id=ADMIN)
    again = await office.changes.set_channel(GUILD, ChannelKind.KILLFEED, FEED, server=None, actor_id=ADMIN)
    assert again == ChannelChange(None, FEED, is_changed=False)
    assert guilds == ChannelChange(None, FEED)
    assert own == ChannelChange(SERVER, OTHER)
    assert office.shelf.guilds.settings[GUILD].channels == {ChannelKind.KILLFEED: FEED}
    assert office.shelf.servers.servers[SCOPE].channels == {ChannelKind.EVENTS: OTHER}
    assert office.audited == [
        (ADMIN, "channel set", "killfeed: none → <#1>"),
        (ADMIN, "channel set", "events of Mirny: none → <#2>"),
    ]


async def test_style_of_a_channel_is_stored_checked_and_told_in_words(office: Office) -> None:
    """Fields that are not chosen stay; a channel with the usual style is not kept at all."""
    chosen = {"style": PostStyle.CARD, "delay_minutes": 5}
    first = await office.changes.set_style(GUILD, FEED, chosen, actor_id=ADMIN)
    second = await office.changes.set_style(GUILD, FEED, {"min_distance": 50}, actor_id=ADMIN)
    assert await office.changes.set_style(GUILD, FEED, {}, actor_id=ADMIN) == second
    assert (first, second) == (ChannelStyle(PostStyle.CARD, 5), ChannelStyle(PostStyle.CARD, 5, 50))
    for wrong in ({"delay_minutes": 61}, {"delay_minutes": -1}, {"min_distance": 1_001}):
        with pytest.raises(InvalidInputError, match="is 0 to"):
            await office.changes.set_style(GUILD, FEED, wrong, actor_id=ADMIN)
    assert await office.settings.find_style(GUILD, FEED) == second
    assert (await office.settings.find_shape(GUILD, FEED)).style is PostStyle.CARD
    assert await office.settings.find_style(GUILD, OTHER) == ChannelStyle()
    usual = {"style": PostStyle.STORY, "delay_minutes": 0}
    await office.changes.set_style(GUILD, FEED, {"min_distance": 0}, actor_id=ADMIN)
    await office.changes.set_style(GUILD, FEED, usual, actor_id=ADMIN)
    assert office.shelf.guilds.settings[GUILD].styles == {}
    assert office.audited == [
        (ADMIN, "channel style", "style of <#1>: story → cards only, delay of <#1>: off → 5 minutes"),
        (ADMIN, "channel style", "minimum distance of <#1>: off → 50\u00a0m"),
        (ADMIN, "channel style", "minimum distance of <#1>: 50\u00a0m → off"),
        (
            ADMIN,
            "channel style",
            "style of <#1>: cards only → story, delay of <#1>: 5 minutes → off",
        ),
    ]


async def test_posts_name_their_server_where_a_channel_shows_several(office: Office) -> None:
    """A server with a channel of its own is not among those of the guild's channel."""
    await office.changes.set_channel(GUILD, ChannelKind.KILLFEED, FEED, server=None, actor_id=ADMIN)
    assert not (await office.settings.find_shape(GUILD, FEED)).names_servers
    scope = ServerScope(GUILD, ServerId("b0000000"))
    office.shelf.servers.servers[scope] = replace(SERVER, scope=scope, name="Kamensk")
    office.settings.forget_guild(GUILD)  # as adding a server does
    assert (await office.settings.find_shape(GUILD, FEED)).names_servers
    await office.changes.set_channel(GUILD, ChannelKind.KILLFEED, OTHER, server="Kamensk", actor_id=ADMIN)
    assert not (await office.settings.find_shape(GUILD, FEED)).names_servers
    assert not (await office.settings.find_shape(GUILD, OTHER)).names_servers


async def test_channel_of_a_higher_tier_is_set_and_waits() -> None:
    """The channel is stored, and the answer names the tier."""
    office = Office(tier=0)
    change = await office.changes.set_channel(GUILD, ChannelKind.BOUNTIES, FEED, server=None, actor_id=ADMIN)
    assert change == ChannelChange(None, FEED, TIERS[2])
    assert office.shelf.guilds.settings[GUILD].channels == {ChannelKind.BOUNTIES: FEED}


async def test_cleared_channel_leaves_the_next_in_order(office: Office) -> None:
    """Without the server's channel the guild's counts, without that none."""
    await office.changes.set_channel(GUILD, ChannelKind.KILLFEED, FEED, server=None, actor_id=ADMIN)
    await office.changes.set_channel(GUILD, ChannelKind.KILLFEED, OTHER, server="Mirny", actor_id=ADMIN)
    own = replace(SERVER, channels={ChannelKind.KILLFEED: OTHER})
    first = await office.changes.clear_channel(GUILD, ChannelKind.KILLFEED, server="Mirny", actor_id=ADMIN)
    assert first == ChannelChange(own, FEED)
    assert await office.settings.find_channel(SCOPE, ChannelKind.KILLFEED) == FEED
    second = await office.changes.clear_channel(GUILD, ChannelKind.KILLFEED, server=None, actor_id=ADMIN)
    assert second == ChannelChange(None, None)
    assert await office.settings.find_channel(SCOPE, ChannelKind.KILLFEED) is None
    assert [line[1:] for line in office.audited[2:]] == [
        ("channel clear", "killfeed of Mirny: <#2> → none"),
        ("channel clear", "killfeed: <#1> → none"),
    ]


async def test_nothing_is_written_when_there_is_nothing_to_clear(office: Office) -> None:
    """The answer says that there was nothing to clear."""
    change = await office.changes.clear_channel(GUILD, ChannelKind.ALERTS, server=None, actor_id=ADMIN)
    assert (change, office.audited) == (ChannelChange(None, None, is_changed=False), [])


async def test_admin_role_counts_at_once_and_can_be_cleared(office: Office) -> None:
    """The cache is dropped, and the change has the old role."""
    await office.settings.get_settings(GUILD)
    assert await office.changes.set_admin_role(GUILD, 9, actor_id=ADMIN) is None
    assert (await office.settings.get_settings(GUILD)).admin_role_id == 9
    assert await office.changes.set_admin_role(GUILD, None, actor_id=ADMIN) == 9
    assert (await office.settings.get_settings(GUILD)).admin_role_id is None
    assert office.audited == [(ADMIN, "role", "none → <@&9>"), (ADMIN, "role", "<@&9> → none")]


async def test_every_change_is_announced_by_the_names_of_what_was_set(office: Office) -> None:
    """A channel that is set again may have been repaired, so the change is announced too."""
    for server in (None, None, "Mirny", "Mirny"):
        await office.changes.set_channel(GUILD, ChannelKind.EVENTS, FEED, server=server, actor_id=ADMIN)
    await office.changes.clear_channel(GUILD, ChannelKind.ALERTS, server=None, actor_id=ADMIN)
    await office.changes.set_admin_role(GUILD, 9, actor_id=ADMIN)
    await office.changes.set_admin_role(GUILD, 9, actor_id=ADMIN)
    events, role = frozenset({"events"}), frozenset({"admin_role_id"})
    assert [event.names for event in office.told] == [events, events, events, events, role]
    assert len(office.audited) == 3


async def test_cache_is_dropped_when_a_write_fails(office: Office) -> None:
    """A write without an answer may have happened, so the next read asks; no change is announced."""
    await office.settings.get_settings(GUILD)
    guilds = office.shelf.guilds

    def fail(settings: GuildSettings) -> GuildSettings:
        guilds.failures.append(StorageUnavailableError("away"))
        return replace(settings, admin_role_id=9)

    with pytest.raises(StorageUnavailableError):
        await office.changes.change(GUILD, ADMIN, AuditAction.ROLE, fail)
    assert (await office.settings.get_settings(GUILD)).admin_role_id == 9
    assert (office.audited, office.told) == ([], [])
