"""Settings of posts: chosen for a guild or a server, checked, audited, and in force as rules."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.clock import FakeClock
from tests.fakes.deaths import SCOPE
from tests.fakes.server_loops import FakeServerLoops
from tests.fakes.small_bot import Shelf
from tests.fakes.storage import build_server
from utils.errors import InvalidInputError, NotFoundError, StorageUnavailableError
from utils.models.audit import AuditAction
from utils.models.event_settings import (
    FITTING,
    MUTED_MAXIMUM,
    USUAL,
    EventSettings,
    KindSettings,
    PostedKind,
    ServerEventSettings,
)
from utils.models.scope import MemberId
from utils.models.world_events import WorldEventKind
from utils.services.presence.announcing import USUAL_RULES, VisitRules
from utils.services.world.announcing import EventMention, EventRules
from utils.services.world.event_changes import resolve_mission
from utils.services.world.rules import build_event_rules, build_visit_rules

GUILD, ADMIN = SCOPE.guild_id, MemberId(5)
NOTHING = EventSettings()
MISSION, AIRDROP, LEAVE = PostedKind.MISSION, PostedKind.AIRDROP, PostedKind.LEAVE


class Office:
    """A guild with a game server, and the service that changes what is posted of it."""

    def __init__(self) -> None:
        self.shelf = Shelf(clock=FakeClock())
        self.shelf.servers.servers[SCOPE] = build_server()
        services = self.shelf.build_services(tier=4)
        self.changes = services.event_changes

    async def choose(
        self, kind: PostedKind, *, server: str | None = None, **chosen: object
    ) -> ServerEventSettings:
        """Change choices, and return the settings that hold now."""
        changed = await self.changes.choose(
            GUILD, kind, chosen, action=AuditAction.EVENTS_SET, server=server, actor_id=ADMIN
        )
        return changed.after

    async def mute(
        self, typed: str, *, server: str | None = None, is_muted: bool = True
    ) -> ServerEventSettings:
        """Mute a mission, and return the settings that hold now."""
        _, changed = await self.changes.mute(GUILD, typed, is_muted=is_muted, server=server, actor_id=ADMIN)
        return changed.after

    @property
    def of_guild(self) -> EventSettings:
        """The stored settings of the guild."""
        return self.shelf.guilds.settings[GUILD].events

    @property
    def of_server(self) -> EventSettings:
        """The stored settings of the server."""
        return self.shelf.servers.servers[SCOPE].events


@pytest.fixture(name="office")
def _office() -> Office:
    return Office()


async def test_choices_of_a_server_go_before_those_of_its_guild(office: Office) -> None:
    """Each is stored with its entry of the audit; the same choice again changes nothing."""
    await office.choose(MISSION, min_level=2, is_edited=False)
    await office.choose(MISSION, min_level=2)
    holds = await office.choose(MISSION, server="mirny", min_level=4)
    assert office.of_guild.kinds == {MISSION: KindSettings(min_level=2, is_edited=False)}
    assert office.of_server.kinds == {MISSION: KindSettings(min_level=4)}
    assert holds.get(MISSION) == KindSettings(min_level=4, is_edited=False)
    assert office.shelf.audit.lines == [
        (ADMIN, "events set", "lowest level of missions: none → Medium, edited of missions: none → off"),
        (ADMIN, "events set", "Mirny: lowest level of missions: none → Epic"),
    ]
    await office.choose(MISSION, server="mirny", min_level=None)
    assert office.of_server == NOTHING


async def test_missions_are_muted_for_a_guild_and_for_a_server(office: Office) -> None:
    """A mission is muted where either says so."""
    await office.mute("Underground Bunker")
    holds = await office.mute("GA_Farm_01_SFPSACMission", server="Mirny")
    assert holds.muted == {"bunker_01_mis1", "farm_01_sfpsacmission"}
    assert (await office.mute("bunker_01_mis1", is_muted=False)).muted == frozenset()
    assert (office.of_guild.muted, office.of_server.muted) == (frozenset(), {"farm_01_sfpsacmission"})


@pytest.mark.parametrize(
    ("kind", "chosen", "said"),
    [
        (AIRDROP, {"min_level": 2}, "“min_level” doesn't fit airdrops. Leave it out."),
        (MISSION, {"hold_seconds": 5}, "“hold_seconds” doesn't fit missions. Leave it out."),
        (PostedKind.JOIN, {"is_edited": True}, "“edit” doesn't fit joins. Leave it out."),
        (LEAVE, {"role_id": 7}, "“role_id” doesn't fit leaves. Leave it out."),
        (MISSION, {"min_level": 5}, "A level is 1 to 4."),
        (LEAVE, {"hold_seconds": 301}, "I can wait 0 to 300 seconds."),
        (AIRDROP, {"cooldown_minutes": 1_441}, "A pause is 0 to 1,440 minutes."),
    ],
)
@pytest.mark.parametrize("server", [None, "Mirny"])
async def test_choice_that_does_not_fit_is_refused_by_name(
    office: Office, kind: PostedKind, chosen: dict[str, object], said: str, server: str | None
) -> None:
    """Nothing is stored, and the audit has no entry."""
    with pytest.raises(InvalidInputError) as refused:
        await office.choose(kind, server=server, **chosen)
    assert (str(refused.value), office.of_server, office.shelf.audit.lines) == (said, NOTHING, [])


async def test_mission_is_understood_by_id_and_by_name(office: Office) -> None:
    """An id that an update brought needs its ``GA_``; an unknown name is refused, and so are too many."""
    typed = ("GA_Bunker_01_Mis1", "underground bunker", " BUNKER_01_MIS1 ", "ga_New_01")
    assert [resolve_mission(one) for one in typed] == [*["bunker_01_mis1"] * 3, "new_01"]
    with pytest.raises(NotFoundError, match="I know no mission called nowhere"):
        resolve_mission("nowhere")
    office.shelf.servers.servers[SCOPE] = replace(
        build_server(), events=EventSettings(muted=frozenset(map(str, range(MUTED_MAXIMUM))))
    )
    with pytest.raises(InvalidInputError, match="too many missions"):
        await office.mute("bunker_01_mis1", server="Mirny")


async def test_write_that_fails_has_the_server_read_again(office: Office) -> None:
    """It may have happened nevertheless."""
    office.changes.loops = loops = FakeServerLoops()
    office.shelf.servers.broken = {"set_events"}
    with pytest.raises(StorageUnavailableError):
        await office.mute("bunker_01_mis1", server="Mirny")
    assert loops.notes == [("refresh", SCOPE)]


def test_rules_of_a_community_that_chose_nothing_are_the_usual_ones() -> None:
    """Convoys are posted once the log of the server has told of one."""
    usual = ServerEventSettings(NOTHING, NOTHING)
    assert build_event_rules(usual, ()) == EventRules()
    assert build_event_rules(usual, {WorldEventKind.CONVOY}) == EventRules(silenced=frozenset())
    assert (
        build_visit_rules(usual) == USUAL_RULES == VisitRules(hold=timedelta(seconds=USUAL.hold_seconds or 0))
    )


def test_rules_follow_from_the_choices() -> None:
    """A mention has the usual level and pause unless an admin chose others."""
    kinds = {
        MISSION: KindSettings(min_level=1, role_id=7, mention_level=2),
        AIRDROP: KindSettings(is_on=False, role_id=8, cooldown_minutes=0),
        PostedKind.CONVOY: KindSettings(is_on=True),
        PostedKind.JOIN: KindSettings(is_on=False),
        LEAVE: KindSettings(hold_seconds=0),
    }
    settings = ServerEventSettings(NOTHING, EventSettings(kinds, frozenset({"farm"})))
    assert build_event_rules(settings, ()) == EventRules(
        silenced=frozenset({WorldEventKind.AIRDROP}),
        min_level=1,
        muted=frozenset({"farm"}),
        mentions={
            WorldEventKind.MISSION: EventMention(7, level=2),
            WorldEventKind.AIRDROP: EventMention(8, cooldown=timedelta()),
        },
    )
    assert build_visit_rules(settings) == VisitRules(shows_joins=False, hold=timedelta())


CHOICES = st.builds(
    KindSettings,
    is_on=st.none() | st.booleans(),
    min_level=st.none() | st.integers(1, 4),
    hold_seconds=st.none() | st.integers(0, 300),
    role_id=st.none() | st.integers(1, 9),
)


@given(CHOICES, CHOICES)
def test_each_choice_is_the_servers_else_the_guilds(own: KindSettings, of_guild: KindSettings) -> None:
    """No choice depends on another one."""
    holds = own.over(of_guild)
    for name in KindSettings.__slots__:
        mine = getattr(own, name)
        assert getattr(holds, name) == (getattr(of_guild, name) if mine is None else mine)


def test_every_kind_and_every_choice_has_its_place() -> None:
    """Each kind can be switched, and each choice fits some kind."""
    assert all("is_on" in names for names in FITTING.values())
    assert frozenset().union(*FITTING.values()) == set(KindSettings.__slots__)
