"""Deadside.log in memory: its text as the game writes it, the file, and a storage with real transactions."""

import asyncio
import copy
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

from tests.fakes.clock import START, FakeClock
from tests.fakes.deaths import SCOPE, build_player_id
from tests.fakes.errors import FakeErrorSink
from tests.fakes.ingestion import PowerSupply
from tests.fakes.storage import build_server
from utils.errors import CursorMovedError, RemoteError
from utils.events import EventDispatcher
from utils.models.event_settings import EventSettings
from utils.models.game_log import (
    GameLogState,
    LiveKill,
    LogCursor,
    LogSize,
    OnlineTime,
    PopulationSample,
)
from utils.models.guilds import ChannelKind, GuildSettings
from utils.models.notices.notice import Notice
from utils.models.notices.visits import VisitNotice
from utils.models.premium import Tier
from utils.models.presence import PlayerPresence, SessionRecord
from utils.models.scope import ChannelId, GuildId, PlayerId, ServerScope
from utils.models.servers import GameServer
from utils.models.world_events import EventKey, WorldEvent, collect_world
from utils.services.ingestion.deadside_log_reader import (
    COLD_STARTS,
    DeadsideLogReader,
    GameLogDependencies,
)
from utils.services.ingestion.log_reader import ServerLook, Visit
from utils.turns import FairTurns

T = TypeVar("T")

SERVER = build_server()
BUNKER = "GA_Bunker_01_Mis1"


def stamp(at: datetime, text: str) -> str:
    """Return a line with its stamp."""
    return f"[{at:%Y.%m.%d-%H.%M.%S}:{at.microsecond // 1000:03}][  7]{text}\n"


def write_start(at: datetime, *, places: int = 50) -> str:
    """Return the first lines of a run."""
    first = f"Log file open, {at:%m/%d/%y %H:%M:%S}\n"
    return first + stamp(at, f"LogInit: Command Line: -playersmaxcount={places} -serverid=7")


def write_noise(at: datetime) -> str:
    """Return a line that tells nothing."""
    return stamp(at, "LogSFPSConstruction: Save constructibles 18665 7.801386ms")


def write_join(at: datetime, name: str) -> str:
    """Return the lines of a player who joins."""
    player_id = build_player_id(name)
    world = "/Game/Maps/world_0/World_0"
    asked = (
        f"logintype=eos?login={name}?password=*?eosid=|{player_id}?ver=1.3.2?nativeplatform=PS5?Name={name}"
    )
    return (
        stamp(at, f"LogNet: Join request: {world}?{asked}?SplitscreenCount=1")
        + stamp(at, f"LogNet: Join succeeded: {name}")
        + stamp(at, f"LogOnline: Warning: Player |{player_id} successfully registered!")
    )


def write_leave(at: datetime, name: str) -> str:
    """Return the lines of a player who leaves."""
    player_id = build_player_id(name)
    connection = (
        "[UChannel] ChIndex: 0, Closing: 0 [UNetConnection] RemoteAddr: 198.51.100.77:50001, "
        "Name: IpConnection_1, Driver: GameNetDriver IpNetDriver_1, IsServer: YES, "
        "PC: SFPSPlayerControllerBP_C_1, Owner: SFPSPlayerControllerBP_C_1, "
        f"UniqueId: EOS:|{player_id}"
    )
    return stamp(
        at, f"LogNet: UChannel::Close: Sending CloseBunch. ChIndex == 0. Name: {connection}"
    ) + stamp(at, f"LogOnline: Warning: Player |{player_id} successfully unregistered from the session.")


def write_mission(at: datetime, state: str, mission_id: str = BUNKER) -> str:
    """Return the line of a mission that changes its state."""
    return stamp(at, f"LogSFPS: Mission {mission_id} switched to {state}")


def write_airdrop(at: datetime, state: str) -> str:
    """Return the line of an airdrop that changes its state."""
    return stamp(at, f"LogSFPS: AirDrop switched to {state}")


@dataclass(slots=True)
class FakeGameLog:
    """The file on its host.

    Attributes:
        data: its bytes; None if it is missing.
        looks: how often its size was asked for.
        reads: the offsets and lengths that were read.
        failures: raised by the next looks.
    """

    data: bytes | None = None
    changes: int = 0
    looks: int = 0
    reads: list[tuple[int, int]] = field(default_factory=list)
    failures: list[RemoteError] = field(default_factory=list)
    longest_answer: int = 1 << 30

    def append(self, text: str) -> None:
        """Write to its end."""
        self.data = (self.data or b"") + text.encode()
        self.changes += 1

    def replace(self, text: str) -> None:
        """Begin another file of the same name."""
        self.data, self.changes = text.encode(), self.changes + 1

    async def look(self) -> LogSize | None:
        """Return its size."""
        self.looks += 1
        if self.failures:
            raise self.failures.pop(0)
        return None if self.data is None else LogSize(len(self.data), self.changes)

    async def read(self, offset: int, length: int, *, has_head: bool = False) -> tuple[bytes, bytes]:
        """Return its head and some bytes."""
        data = self.data or b""
        self.reads.append((offset, length))
        head = data[:512] if has_head else b""
        return head, data[offset : offset + min(length, self.longest_answer)]


@dataclass(slots=True)
class GameLogData:
    """The stored data of one server; a player with the name ``poison`` cannot be stored."""

    state: GameLogState = field(default_factory=GameLogState)
    sessions: dict[bytes, SessionRecord] = field(default_factory=dict)
    samples: dict[datetime, PopulationSample] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)
    events: dict[EventKey, WorldEvent] = field(default_factory=dict)
    outdated: set[EventKey] = field(default_factory=set)
    names: dict[PlayerId, str] = field(default_factory=dict)
    poison: str = ""
    kills: list[LiveKill] = field(default_factory=list)


class FakeGameLogUnit:
    """One open transaction."""

    def __init__(self, data: GameLogData, power: PowerSupply) -> None:
        self._data = data
        self._power = power

    def move_cursor(self, before: LogCursor | None, state: GameLogState) -> None:
        """Move the cursor from where it was read."""
        self._power.pass_point()
        stored = self._data.state.cursor
        if (stored and replace(stored, border=0)) != (before and replace(before, border=0)):
            raise CursorMovedError("moved")
        players = self._data.state.presence.players
        self._data.state = replace(state, presence=replace(state.presence, players=players))

    def replace_players(self, changed: Sequence[PlayerPresence], gone: Collection[str]) -> None:
        """Write players."""
        self._power.pass_point()
        if self._data.poison and any(one.name == self._data.poison for one in changed):
            raise ValueError(self._data.poison)
        presence = self._data.state.presence
        players = {**presence.players, **{one.key: one for one in changed}}
        left = {key: one for key, one in players.items() if key not in gone}
        self._data.state = replace(self._data.state, presence=replace(presence, players=left))

    def replace_events(self, changed: Sequence[WorldEvent], *, outdated: Collection[EventKey] = ()) -> None:
        """Write events, and note which posts are outdated."""
        self._power.pass_point()
        self._data.events |= {one.key: one for one in changed}
        self._data.outdated |= set(outdated)

    def find_known_sessions(self, ids: Sequence[bytes]) -> frozenset[bytes]:
        """Return which sessions are stored."""
        return frozenset(ids).intersection(self._data.sessions)

    def insert_sessions(self, sessions: Sequence[SessionRecord]) -> None:
        """Store sessions."""
        self._power.pass_point()
        assert not any(one.id in self._data.sessions for one in sessions)
        self._data.sessions.update((one.id, one) for one in sessions)

    def add_sample(self, sample: PopulationSample) -> None:
        """Write a sample."""
        self._data.samples[sample.at] = sample

    def append_notices(self, notices: Sequence[Notice], *, created_at: datetime) -> None:
        """Append notices."""
        self._power.pass_point()
        assert created_at.tzinfo is not None
        self._data.notices += notices


class FakeGameLogStore:
    """Storage of one server with real transactions; the process may die at every call."""

    def __init__(self) -> None:
        self.data = GameLogData()
        self.power = PowerSupply()
        self.transactions = self.checks = 0

    async def load(self, scope: ServerScope) -> GameLogState:
        """Return what is stored."""
        assert scope == SCOPE
        state = self.data.state
        facts = replace(state.world, open={}, due=(), started_at={})
        world = collect_world(self.data.events.values(), facts, newest_at=state.presence.newest_at)
        return replace(state, world=world)

    async def in_transaction(self, scope: ServerScope, work: Callable[[FakeGameLogUnit], T]) -> T:
        """Run ``work`` on a copy and put it in place."""
        assert scope == SCOPE
        self.power.pass_point()
        draft = copy.deepcopy(self.data)
        result = work(FakeGameLogUnit(draft, self.power))
        await asyncio.sleep(0)
        self.power.pass_point()
        self.data = draft
        self.transactions += 1
        self.power.pass_point()
        return result

    async def find_names(
        self, scope: ServerScope, player_ids: Collection[PlayerId]
    ) -> Mapping[PlayerId, str]:
        """Return stored names."""
        assert scope == SCOPE
        return {player_id: name for player_id, name in self.data.names.items() if player_id in player_ids}

    async def list_live_kills(self, scope: ServerScope, *, since: datetime) -> Sequence[LiveKill]:
        """Return the kills since a moment."""
        assert scope == SCOPE
        self.checks += 1
        return [one for one in self.data.kills if one.at >= since]

    async def list_online_times(self, scope: ServerScope, *, since: datetime) -> Sequence[OnlineTime]:
        """Return the sessions that ended since a moment."""
        assert scope == SCOPE
        sessions = [record.session for record in self.data.sessions.values()]
        return [
            OnlineTime(one.player_id, one.started_at, one.ended_at)
            for one in sessions
            if one.ended_at >= since
        ]

    async def find_named(self, scope: ServerScope, names: Collection[str]) -> Mapping[str, PlayerId]:
        """Return the players of stored names."""
        assert scope == SCOPE
        return {name.casefold(): one for one, name in self.data.names.items() if name in names}


class FakeVisitSettings:
    """The channel and the tier of a guild."""

    def __init__(self) -> None:
        self.channel_id: ChannelId | None = ChannelId(7)
        self.kinds: frozenset[ChannelKind] = frozenset({ChannelKind.CONNECTIONS, ChannelKind.EVENTS})
        self.missing: Tier | None = None
        self.events = EventSettings()

    async def get_settings(self, guild_id: GuildId) -> GuildSettings:
        """Return the settings of the guild."""
        return GuildSettings(guild_id, events=self.events)

    async def find_channel(self, scope: ServerScope, kind: ChannelKind) -> ChannelId | None:
        """Return the channel."""
        assert scope == SCOPE
        return self.channel_id if kind in self.kinds else None

    async def find_missing_tier(self, guild_id: GuildId, kind: ChannelKind) -> Tier | None:
        """Return the tier that the guild lacks."""
        assert (guild_id, kind in self.kinds) == (SCOPE.guild_id, True)
        return self.missing


class GameLogWorld:
    """One server with its Deadside.log and the reader of it.

    Attributes:
        errors: the errors that were reported.
        erased: when a player was erased, by id.
        is_found: the bot knows where the logs are.
    """

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.log = FakeGameLog()
        self.store = FakeGameLogStore()
        self.settings = FakeVisitSettings()
        self.errors = FakeErrorSink()
        self.events = EventDispatcher(self.errors)
        self.erased: dict[PlayerId, datetime] = {}
        self.is_found = True
        self.reader = self.build_reader()

    def build_reader(self, cold_starts: FairTurns | None = None) -> DeadsideLogReader:
        """Return the reader of a process that starts."""
        dependencies = GameLogDependencies(
            logs=self,
            store=self.store,
            channels=self.settings,  # type: ignore[arg-type] # without styles
            settings=self.settings,
            premium=self.settings,  # type: ignore[arg-type] # without grants
            erased=self,
            events=self.events,
            max_announce_age=timedelta(hours=1),
            clock=self.clock,
            cold_starts=cold_starts or FairTurns(COLD_STARTS),
        )
        return DeadsideLogReader(SCOPE, dependencies)

    async def find_players(
        self, guild_id: GuildId, player_ids: Collection[PlayerId], *, since: datetime
    ) -> Mapping[PlayerId, datetime]:
        """Return when players were erased."""
        assert guild_id == SCOPE.guild_id
        return {one: at for one, at in self.erased.items() if one in player_ids and at > since}

    @asynccontextmanager
    async def open_game_log(
        self, server: GameServer, *, guild_limit: int
    ) -> AsyncIterator[FakeGameLog | None]:
        """Open the file."""
        assert (server, guild_limit) == (SERVER, 1)
        yield self.log if self.is_found else None

    async def poll(self, seconds: float = 5, *, passes_over: bool = False) -> None:
        """Let time pass, and visit the file."""
        self.clock.move(seconds)

        async def find_current() -> GameServer:
            return SERVER

        look = ServerLook(SERVER, self.clock.monotonic(), 0)
        await self.reader.read(Visit(look, 1, passes_over, find_current))

    @property
    def now(self) -> datetime:
        """The time now."""
        return self.clock.now()

    @property
    def posted(self) -> list[str]:
        """The posts so far, in short."""
        return [show_notice(one) for one in self.store.data.notices if isinstance(one, VisitNotice)]

    @property
    def online(self) -> list[str]:
        """The names of the players who are stored as online."""
        return sorted(one.name for one in self.store.data.state.presence.players.values() if one.is_online)


def show_notice(notice: VisitNotice) -> str:
    """Return a post in short."""
    names = ", ".join(one.name for one in notice.players)
    return f"{notice.event} {names or notice.count}"


RUN_START = START - timedelta(hours=1)
"""When the run began in which most tests begin."""
