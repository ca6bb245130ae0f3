"""Game servers: their addresses and logins, their switches, and the state of reading them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from utils.models.coded_texts import CodedText, sentence
from utils.models.deaths import DeathKind, DeathRow
from utils.models.event_settings import EventSettings
from utils.models.game_log import GameLogState
from utils.models.guilds import ChannelKind
from utils.models.notices.highlights import HighlightKind
from utils.models.reading import FoundLogs, ServerPlace
from utils.models.scope import ChannelId, ServerScope
from utils.models.texts import Text, Value, plural


def count_game_servers(count: int) -> Text:
    """Return a number of game servers in words: ``2 game servers``."""
    return plural("{count} game server", "{count} game servers", count)


@dataclass(frozen=True, slots=True)
class Credentials:
    """The secret of a login: a password, a private key (OpenSSH or PEM text), or both.

    A key with a passphrase is refused. The value lives only as long as a connection needs it, is stored only
    as ``EncryptedSecret``, and is never shown.
    """

    password: str | None = None
    private_key: str | None = None

    def __repr__(self) -> str:
        """Show which secrets there are, but not the secrets."""
        kept = [name for name in ("password", "private_key") if getattr(self, name) is not None]
        return f"Credentials({', '.join(f'{name}=***' for name in kept)})"


@dataclass(frozen=True, slots=True)
class EncryptedSecret:
    """A password and/or private key, encrypted at rest (``utils.secrets``); opaque to all other code."""

    ciphertext: bytes

    def __repr__(self) -> str:
        """Show that there is a secret, but not the secret."""
        return "EncryptedSecret(***)"


FeedSwitch = DeathKind | HighlightKind
"""A class of death or highlight, which admins can switch on and off for a server."""

SILENT_AT_FIRST: frozenset[str] = frozenset({DeathKind.MENU.value})
"""Not posted of a new server, until an admin switches it on: respawns are a quarter of all deaths."""


@dataclass(frozen=True, slots=True)
class PostedDeaths:
    """The deaths of a server that are posted.

    Attributes:
        kinds: their classes.
        highlights: the kinds of highlights that they may show.
        delay: how long their posts wait.
        min_distance: metres; a nearer kill with a weapon is left out, unless it has a highlight.
    """

    kinds: frozenset[DeathKind] = frozenset()
    highlights: frozenset[HighlightKind] = frozenset()
    delay: timedelta = timedelta()
    min_distance: int = 0

    def is_near(self, row: DeathRow) -> bool:
        """Tell whether a death without a highlight is left out."""
        return row.kind is DeathKind.KILL and row.distance < self.min_distance


@dataclass(frozen=True, slots=True)
class GameServer:
    """A game server that a guild has added.

    Attributes:
        number: the hoster's small server number as in the folder ``{host}_{number}``; may be absent.
        base_path: the folder below the login's root that holds ``actual1``; searched for if None.
        timezone: IANA name of the zone of the times in its logs.
        legacy: opt-in to the algorithms of old SSH servers.
        host_key: the pinned host key, in OpenSSH's ``algorithm base64`` form.
        log_folder: the folder in which its logs were found last, as the host names it; None before that.
        silenced: the names of the events and highlights that are not posted (``NoticeKind.silenceable``); a
            new class is posted.
        generation: the generation of counters that is shown; an import switches it with one write.
        is_paused: over the premium limit, so it is not read; never deleted.
        events: its own choices about posts of events and players; they go before the guild's.
        counter_format: the format of its counter's name (``models/counters.py``); None for the default one.
        slots: the number of places that an admin set; None: the log tells it.
        restart_times: the times of day at which it starts again each day, as ``HH:MM`` in its zone.
        restart_warning: so many minutes before such a time the restart is announced; 0: never.
    """

    scope: ServerScope
    name: str
    host: str
    port: int
    username: str
    secret: EncryptedSecret
    number: int | None = None
    base_path: str | None = None
    timezone: str = "UTC"
    legacy: bool = False
    host_key: str | None = None
    log_folder: str | None = None
    silenced: frozenset[str] = frozenset()
    generation: int = 0
    is_paused: bool = False
    added_at: datetime | None = None
    channels: Mapping[ChannelKind, ChannelId] = field(default_factory=dict)
    events: EventSettings = field(default_factory=EventSettings)
    counter_format: str | None = None
    slots: int | None = None
    restart_times: tuple[str, ...] = ()
    restart_warning: int = 0

    @property
    def zone(self) -> ZoneInfo:
        """The time zone."""
        return ZoneInfo(self.timezone)

    @property
    def posted_deaths(self) -> PostedDeaths:
        """The deaths that are posted if there is a channel."""
        return PostedDeaths(
            kinds=frozenset(kind for kind in DeathKind if kind not in self.silenced),
            highlights=frozenset(kind for kind in HighlightKind if kind not in self.silenced),
        )


@dataclass(frozen=True, slots=True)
class RestartSettings:
    """When a game server restarts, as an admin set it.

    Attributes:
        server: with its times and minutes of warning.
        next_at: the next restart; None without a time.
    """

    server: GameServer
    next_at: datetime | None


def list_zones(servers: Sequence[GameServer]) -> list[ZoneInfo]:
    """Return the zones of servers; that of UTC without a server."""
    return [one.zone for one in servers] or [ZoneInfo("UTC")]


def choose_zone(servers: Sequence[GameServer]) -> ZoneInfo:
    """Return the zone that tells today's date: that of the only server, or UTC for several or none."""
    return servers[0].zone if len(servers) == 1 else ZoneInfo("UTC")


def is_at_host(server: GameServer, other: GameServer) -> bool:
    """Tell whether two servers have the same address, host and port."""
    return (server.host.casefold(), server.port) == (other.host.casefold(), other.port)


class ConnectionState(StrEnum):
    """The state of the connection to a game server, as it is shown."""

    UNKNOWN = "unknown"
    CONNECTED = "connected"
    RETRYING = "retrying"
    REFUSED = "refused"
    NO_LOGS = "no logs"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class LogHealth:
    """The state of reading another log of a server than the death log.

    Attributes:
        log: its name for people.
    """

    log: Text
    state: ConnectionState = ConnectionState.UNKNOWN
    problem: Text | None = None


@dataclass(frozen=True, slots=True)
class ServerHealth:
    """The state of reading one server, for ``/killfeed status``.

    Attributes:
        lines_read: whole lines read since the server was added.
        lines_rejected: lines that could not be read.
        problem: the last failure; None if all is well. It is stored as a code and facts (``Problem``).
        lag_seconds: the time from the poll before the last row to its arrival; None before the first row.
        next_try_at: the time of the next try after a failure; None during a try, or if it waits for a person.
            Not stored.
        others: the states of the other logs; all other fields are about the death log. Not stored.
        game_log: what is known from Deadside.log, as its reader knows it; None before its first read. Not
            stored here.
    """

    scope: ServerScope
    state: ConnectionState = ConnectionState.UNKNOWN
    problem: Text | None = None
    last_read_at: datetime | None = None
    lag_seconds: float | None = None
    lines_read: int = 0
    lines_rejected: int = 0
    next_try_at: datetime | None = None
    others: tuple[LogHealth, ...] = ()
    game_log: GameLogState | None = None

    @property
    def is_well(self) -> bool:
        """Tell whether no log has a problem."""
        return self.problem is None and all(one.problem is None for one in self.others)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """The known reason why a server cannot be connected to.

    Attributes:
        matter: equal for all servers of a guild with the same problem, so that the admins are told once.
        next_try_at: None during a try, or if only a person can repair it.
    """

    matter: str
    next_try_at: datetime | None


@dataclass(frozen=True, slots=True)
class ConnectionCount:
    """The connections of a guild to game hosts, and the number of its requests that wait for one."""

    opened: int = 0
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class HostKey:
    """A host's public key in OpenSSH's ``algorithm base64`` form, and as ``ssh-keygen -l`` prints it."""

    text: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class HostKeys:
    """The pinned key of a server, and the key that its host shows now.

    Attributes:
        shown: None if the host cannot be asked; ``problem`` says why.
    """

    pinned: HostKey | None
    shown: HostKey | None
    problem: Text | None = None

    @property
    def is_changed(self) -> bool:
        """Tell whether the host shows another key than the pinned one."""
        return self.shown is not None and self.shown != self.pinned


class WayStep(CodedText):
    """The steps of testing the way to a server's logs; the audit keeps the code of a step that failed."""

    UNDERSTOOD = sentence("What you entered")
    REACH = sentence("Reach the host")
    HANDSHAKE = sentence("SSH handshake")
    HOST_KEY = sentence("Host key")
    LOGIN = sentence("Login")
    CONNECTION = sentence("Connection")
    FIND_LOGS = sentence("Find the death logs")
    READ_NEWEST = sentence("Read the newest log")
    OTHER_SERVERS = sentence("Other servers")


def name_step(code: str) -> Value:
    """Return the name of the step with this code; the code itself if the step no longer exists."""
    return next((step.say() for step in WayStep if step.code == code), code)


@dataclass(frozen=True, slots=True)
class CheckStep:
    """One step of testing the way to a server's logs: what was tried, and how it went."""

    name: WayStep
    ok: bool
    detail: Text


@dataclass(frozen=True, slots=True)
class WayCheck:
    """The result of testing the way to a server's logs.

    Attributes:
        steps: what was tried, up to the first failure.
        host_key: the key of the host that accepted the login; None if the test failed before that.
        logs: the logs that were found; None if the test failed.
        places: the game servers to choose from, if the login leads to several.
    """

    steps: tuple[CheckStep, ...]
    host_key: str | None = None
    logs: FoundLogs | None = None
    places: tuple[ServerPlace, ...] = ()

    @property
    def failure(self) -> CheckStep | None:
        """Return the step that failed; None if all steps succeeded."""
        return next((step for step in self.steps if not step.ok), None)
