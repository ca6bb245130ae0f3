"""The lines of ``Deadside.log`` as the engine and the game write them, without their stamps.

Each has the form of a real line, or the most likely one (docs/DEADSIDE_LOG.md says how sure each is). They
hold the same secrets as real lines: addresses, ports, platform ids and the server's password.
"""

import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote_plus

from simulation.game_host.battle import Fighter

PASSWORD = "Kx7-taiga-Zq41"  # noqa: S105 - of the simulated world
"""The password of every simulated game server; it must not leave the bot's parser."""

KICK_TEXT = "Zq41 be nicer next time"
VERSION = "1.3.2.24846c"
WORLD = "/Game/Maps/world_0/World_0"
FIRST_OBJECT = 2_147_480_000


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection of a client.

    Attributes:
        number: makes its objects' numbers.
        is_beacon: to the check before the world; its player has no controller.
    """

    fighter: Fighter
    number: int
    is_beacon: bool = False

    @property
    def address(self) -> str:
        """The address and port of the client; of a network that is reserved for documents."""
        digest = zlib.crc32(self.fighter.id.encode())
        return f"198.51.100.{1 + digest % 250}:{40_000 + (digest // 250 + self.number) % 20_000}"

    @property
    def platform_id(self) -> str:
        """The account of the client's platform."""
        return str(4_600_000_000_000_000_000 + zlib.crc32(self.fighter.name.encode()))

    def describe(self) -> str:
        """Return the engine's description of a connection."""
        driver, player = ("BeaconNetDriver", "NULL") if self.is_beacon else ("GameNetDriver", self._player)
        return (
            f"[UNetConnection] RemoteAddr: {self.address}, Name: IpConnection_{FIRST_OBJECT - self.number}, "
            f"Driver: {driver} IpNetDriver_{FIRST_OBJECT + 1}, IsServer: YES, PC: {player}, Owner: {player}, "
            f"UniqueId: EOS:|{self.fighter.id}"
        )

    @property
    def _player(self) -> str:
        return f"SFPSPlayerControllerBP_C_{FIRST_OBJECT - 50_000 - self.number}"


def list_secrets(fighter: Fighter) -> tuple[str, ...]:
    """Return the texts about a player that must not leave the bot's parser."""
    connection = Connection(fighter, 0)
    return (PASSWORD, KICK_TEXT, connection.platform_id, connection.address.partition(":")[0])


def write_head(started_at: datetime, *, slots: int) -> list[str]:
    """Return the first lines of a file, which have no stamp; the first one has the time of the host."""
    return [
        f"Log file open, {started_at:%m/%d/%y %H:%M:%S}",
        "LogWindows: Failed to load 'aqProf.dll' (GetLastError=126)",
        "LogInit: Display: Running engine for game: Deadside",
        f"LogInit: Command Line: World_0 -log -playersmaxcount={slots} -password={PASSWORD} -serverid=1",
    ]


def write_end(at: datetime) -> list[str]:
    """Return the last lines of a file, which the engine writes when it is shut down in order."""
    return ["LogExit: Exiting.", f"Log file closed, {at:%m/%d/%y %H:%M:%S}"]


def write_world_ready(at: datetime) -> list[str]:
    """Return the lines after which players can enter."""
    return [
        f"LogWorld: Bringing World {WORLD}.World_0 up for play (max tick rate 30) at {at:%Y.%m.%d-%H.%M.%S}",
        f"LogLoad: Took 12.481233 seconds to LoadMap({WORLD})",
    ]


def write_beacon(connection: Connection) -> list[str]:
    """Return the lines of a client that reaches the check before the world."""
    return [
        f"LogNet: NotifyAcceptingConnection accepted from: {connection.address}",
        f"LogBeacon: NotifyAcceptingConnection: Server SFPSOnlineBeaconHost_{FIRST_OBJECT + 2} accept",
        f"LogBeacon: Beacon Join SFPSOnlineBeaconClient EOS:|{connection.fighter.id}",
    ]


def write_beacon_end(connection: Connection) -> list[str]:
    """Return the lines of a client that leaves the check: for the world, or because it gave up."""
    return [
        f"LogNet: UNetConnection::Close: {connection.describe()}, Channels: 2, Time: 0.0",
        *_write_close(connection),
        (
            "LogSFPS: [ASFPSOnlineBeaconHostObject::NotifyClientDisconnected] Client name: "
            f"SFPSOnlineBeaconClient_{FIRST_OBJECT - connection.number}"
        ),
    ]


def write_entry(connection: Connection) -> list[str]:
    """Return the lines of a client that enters the world."""
    fighter = connection.fighter
    return [
        (
            f"LogNet: Join request: {WORLD}?logintype=eos?login={quote_plus(fighter.name)}"
            f"?password={PASSWORD}"
            f"?eosid=|{fighter.id}?ver={VERSION}?nativeplatform={fighter.platform}"
            f"?platformid={fighter.platform}:{connection.platform_id}?Name={quote_plus(fighter.name)}"
            "?SplitscreenCount=1"
        ),
        f"LogNet: Join succeeded: {fighter.name}",
    ]


def write_registration(fighter: Fighter) -> list[str]:
    """Return the lines of a player who is in the world, 202 ms after the entry in the real pair."""
    return [
        f"LogSFPS: [ASFPSGameSession::OnLogin] Login = {fighter.name}, ID = |{fighter.id}",
        f"LogOnline: Warning: Player |{fighter.id} successfully registered!",
    ]


def write_departure(connection: Connection, at: datetime, *, reason: str) -> list[str]:
    """Return the lines of a client that leaves in good order, all of one moment."""
    return [
        (
            "LogNet: UChannel::CleanUp: ChIndex == 0. Closing connection. [UChannel] ChIndex: 0, Closing: 0 "
            f"{connection.describe()}"
        ),
        *_write_connection_end(connection, at),
        *_write_log_out(connection.fighter, reason),
    ]


def write_time_out(connection: Connection, at: datetime) -> list[str]:
    """Return the lines of a client that was silent for a minute."""
    return [
        (
            "LogNet: Warning: UNetConnection::Tick: Connection TIMED OUT. Closing connection.. "
            "Elapsed: 60.02, "
            f"Real: 60.01, Good: 60.01, DriverTime: 47002.15, Threshold: 60.00, {connection.describe()}"
        ),
        *_write_connection_end(connection, at),
        *_write_log_out(connection.fighter, "LostConnection"),
    ]


def write_kick(connection: Connection) -> list[str]:
    """Return the lines of a player whom an admin of the game server kicks."""
    return [
        (
            f"LogSFPS: Error: [ASFPSGameSession::KickPlayer] Login = {connection.fighter.name}, "
            f"SteamId = {connection.platform_id}, Msg = {KICK_TEXT}"
        ),
        *_write_close(connection),
        f"LogOnline: Warning: Player |{connection.fighter.id} successfully unregistered from the session.",
    ]


def stamp(line: str, at: datetime) -> str:
    """Return a line with the stamp (UTC) and the engine's frame."""
    utc = at.astimezone(UTC)
    frame = int(utc.timestamp() * 30) % 1000
    return f"[{utc:%Y.%m.%d-%H.%M.%S}:{utc.microsecond // 1000:03}][{frame:3}]{line}"


def _write_connection_end(connection: Connection, at: datetime) -> list[str]:
    closed = f"{connection.describe()}, Channels: 83, Time: {at:%Y.%m.%d-%H.%M.%S}"
    return [f"LogNet: UNetConnection::Close: {closed}", *_write_close(connection)]


def _write_close(connection: Connection) -> list[str]:
    return [
        (
            "LogNet: UChannel::Close: Sending CloseBunch. ChIndex == 0. Name: [UChannel] "
            "ChIndex: 0, Closing: 0 "
            f"{connection.describe()}"
        )
    ]


def _write_log_out(fighter: Fighter, reason: str) -> list[str]:
    return [
        f"LogOnline: Warning: Player |{fighter.id} successfully unregistered from the session.",
        f"LogOnline: Player ltEOS {fighter.name}  has logged out by reason: {reason}",
    ]
