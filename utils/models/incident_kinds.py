"""The kinds of incidents: one table with limits, audience, words and the name of the runbook.

The name of a kind is also the name of its runbook (``docs/RUNBOOKS.md``) and of its check in the status file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum, unique

from utils.models.texts import Command, Text, text

ROUNDS_BEFORE_OPEN = 3
ROUNDS_BEFORE_END = 5
ROUNDS_BEFORE_ESCALATION = 2


@unique
class IncidentKind(StrEnum):
    """The kinds of incidents."""

    DATABASE_AWAY = "database-away"
    DATABASE_SLOW = "database-slow"
    DATABASE_MEMBERS = "database-members"
    GATEWAY_DOWN = "gateway-down"
    DISCORD_LIMITED = "discord-limited"
    COMMANDS_FAILING = "commands-failing"
    TASK_FAILING = "task-failing"
    EVENT_LOOP = "event-loop"
    MEMORY = "memory"
    DISK_SPACE = "disk-space"
    CLOCK_SKEW = "clock-skew"
    LEASE_LATE = "lease-late"
    CRASH_LOOP = "crash-loop"
    HOST_AWAY = "host-away"
    SERVER_UNREAD = "server-unread"
    SERVER_LOGIN = "server-login"
    SERVER_HOSTKEY = "server-hostkey"
    SERVER_LOGS = "server-logs"
    CHANNEL_UNUSABLE = "channel-unusable"
    BOARD_PAUSED = "board-paused"
    ROLE_UNUSABLE = "role-unusable"
    SERVER_CLOCK = "server-clock"
    LOG_STILL = "log-still"
    LOG_AGED = "log-aged"
    OUTBOX_OLD = "outbox-old"
    DIRECT_OLD = "direct-old"
    BACKUP_OLD = "backup-old"
    BACKUP_UNPROVEN = "backup-unproven"
    BACKUP_COPY = "backup-copy"
    BACKUP_SAME_DISK = "backup-same-disk"
    DATA_DIFFERS = "data-differs"
    SECRET_KEY = "secret-key"  # noqa: S105 - the name of a check
    PROBE_STUCK = "probe-stuck"


class Audience(StrEnum):
    """The people who are told."""

    OWNERS = "owners"
    GUILD = "its guild"
    BOTH = "owners, its guild at critical"


@dataclass(frozen=True, slots=True)
class Limits:
    """The values of one measurement from which a check is bad; None: never by this measurement.

    Attributes:
        falls: low values are bad: those below the limit. Otherwise values from the limit on are bad.
    """

    warn: float | None = None
    critical: float | None = None
    falls: bool = False

    def is_warned(self, value: float) -> bool:
        """Tell whether a value is at least a warning."""
        return self._is_beyond(value, self.warn) or self.is_critical(value)

    def is_critical(self, value: float) -> bool:
        """Tell whether a value is critical."""
        return self._is_beyond(value, self.critical)

    def _is_beyond(self, value: float, limit: float | None) -> bool:
        if limit is None:
            return False
        return value < limit if self.falls else value >= limit


@dataclass(frozen=True, slots=True, kw_only=True)
class KindRow:
    """One row of the table.

    Attributes:
        title: the trouble, in a few words.
        meaning: its effect on people.
        first_step: the first thing to do.
        limits: by the name of the measurement.
        rounds_before_open: so many bad rounds in a row open an incident.
        is_reported: no probe judges it: the part of the bot that meets it reports it at once.
        is_edited: its message is edited at its end; other kinds get a second message.
    """

    title: Text
    meaning: Text
    first_step: Text
    told_to: Audience = Audience.OWNERS
    limits: Mapping[str, Limits] = field(default_factory=dict)
    rounds_before_open: int = ROUNDS_BEFORE_OPEN
    is_reported: bool = False
    is_edited: bool = False


KINDS: Mapping[IncidentKind, KindRow] = {
    IncidentKind.DATABASE_AWAY: KindRow(
        title=text("The database isn't answering"),
        meaning=text("Commands fail and new kills wait in the game logs. Nothing is lost."),
        first_step=text("Look whether MongoDB runs and whether its disk has space."),
        limits={"seconds": Limits(critical=5.0)},
        rounds_before_open=2,
    ),
    IncidentKind.DATABASE_SLOW: KindRow(
        title=text("The database is slow"),
        meaning=text("Posts and answers come late."),
        first_step=text("Look for other work on MongoDB's machine: backups, imports, a full disk."),
        limits={"p95_seconds": Limits(warn=0.25, critical=2.0)},
        rounds_before_open=2,
    ),
    IncidentKind.DATABASE_MEMBERS: KindRow(
        title=text("A member of MongoDB's replica set is down"),
        meaning=text(
            "The bot works as long as most members are up. Without a majority nothing can be stored."
        ),
        first_step=text("Start the missing member again."),
        limits={"down": Limits(warn=1), "share_up": Limits(critical=0.5, falls=True)},
        rounds_before_open=2,
    ),
    IncidentKind.GATEWAY_DOWN: KindRow(
        title=text("The connection to Discord is down"),
        meaning=text("The bot looks offline and commands don't work. Kills are still counted."),
        first_step=text("Look at Discord's status page, then at this machine's network."),
        limits={
            "unconnected_seconds": Limits(warn=60, critical=300),
            "latency_seconds": Limits(warn=2),
            "unanswered_seconds": Limits(warn=90, critical=300),
        },
        rounds_before_open=2,
    ),
    IncidentKind.DISCORD_LIMITED: KindRow(
        title=text("Discord limits the bot's requests"),
        meaning=text("Posts and edits come late. After 10,000 refused requests Discord locks the bot out."),
        first_step=text(
            "Look in the log for the requests that Discord refuses, and for a missing permission."
        ),
        limits={
            "limited": Limits(warn=10),  # 429 in 5 minutes
            "limited_globally": Limits(warn=1),
            "refused": Limits(critical=5_000),  # 401, 403 and 429 in 10 minutes
        },
    ),
    IncidentKind.COMMANDS_FAILING: KindRow(
        title=text("Commands fail"),
        meaning=text("Members get an error, or no answer at all."),
        first_step=text("Look in the log for the reference codes of the failed commands."),
        limits={"answered_share": Limits(warn=0.95, critical=0.80, falls=True)},
    ),
    IncidentKind.TASK_FAILING: KindRow(
        title=text("A background task keeps failing"),
        meaning=text("The work of this task isn't done, for example posts, boards or ends of bounties."),
        first_step=text("See its last error with {tasks}.", tasks=Command("owner tasks")),
        limits={"errors_in_a_row": Limits(warn=3), "failing_seconds": Limits(critical=600)},
    ),
    IncidentKind.EVENT_LOOP: KindRow(
        title=text("The bot hangs for moments"),
        meaning=text("Posts and answers come late. Beyond 3 seconds commands fail."),
        first_step=text("Look whether this machine's CPU is busy, and with what."),
        limits={"p99_seconds": Limits(warn=0.25, critical=2.0)},
    ),
    IncidentKind.MEMORY: KindRow(
        title=text("Memory is running out"),
        meaning=text(
            "When none is left, the system ends the bot. systemd or Docker starts it again; nothing is lost."
        ),
        first_step=text("Give the bot more memory, or stop other programs on this machine."),
        limits={"share": Limits(warn=0.80, critical=0.90)},
    ),
    IncidentKind.DISK_SPACE: KindRow(
        title=text("The disk is almost full"),
        meaning=text("On a full disk nothing can be stored: kills wait in the game logs and commands fail."),
        first_step=text("Free space, or move the folder to a larger disk."),
        limits={
            "free_share": Limits(warn=0.10, critical=0.03, falls=True),
            "free_bytes": Limits(warn=2e9, critical=5e8, falls=True),
        },
    ),
    IncidentKind.CLOCK_SKEW: KindRow(
        title=text("The clocks of the bot and of MongoDB differ"),
        meaning=text("Times are wrong. From 20 seconds on, two processes could both take the lead."),
        first_step=text("Switch time synchronisation on, on both machines."),
        limits={"seconds": Limits(warn=2.0, critical=10.0)},
    ),
    IncidentKind.LEASE_LATE: KindRow(
        title=text("The bot may lose its right to work"),
        meaning=text(
            "This right is a lease in MongoDB. If the bot can't renew it for 20 seconds, the bot stops."
        ),
        first_step=text("Look whether MongoDB answers and whether this machine's CPU is busy."),
        limits={"seconds": Limits(warn=10.0, critical=15.0)},
    ),
    IncidentKind.CRASH_LOOP: KindRow(
        title=text("The bot starts again and again"),
        meaning=text("The bot is offline for a moment at each start. Nothing is lost."),
        first_step=text("Read the last lines of the log before the newest start."),
        limits={"starts": Limits(warn=3, critical=6)},  # in 10 minutes
    ),
    IncidentKind.HOST_AWAY: KindRow(
        title=text("A game host is away for several communities"),
        meaning=text("Kills on its game servers come later. None is lost while the host keeps the logs."),
        first_step=text(
            "Search the log for “connecting stops”: it names the host. Then ask the hosting company."
        ),
        limits={"guilds": Limits(warn=3)},
    ),
    IncidentKind.SERVER_UNREAD: KindRow(
        title=text("A game server's log isn't being read"),
        meaning=text(
            "New kills come later, once I can read the log again. None is lost while the host keeps the logs."
        ),
        first_step=text("Try {test}: it says which step fails.", test=Command("admin server test")),
        told_to=Audience.GUILD,
        limits={"seconds": Limits(warn=300, critical=3600), "intervals": Limits(warn=10)},
    ),
    IncidentKind.SERVER_LOGIN: KindRow(
        title=text("A game host refuses the login"),
        meaning=text("New kills of its servers aren't posted until an admin enters the right login."),
        first_step=text("Enter the right password with {edit}.", edit=Command("admin server edit")),
        told_to=Audience.GUILD,
        is_reported=True,
    ),
    IncidentKind.SERVER_HOSTKEY: KindRow(
        title=text("A game host shows another host key"),
        meaning=text("New kills of its servers aren't posted until an admin accepts the key."),
        first_step=text(
            "Ask the hosting company, then use {accept}.", accept=Command("admin server hostkey")
        ),
        told_to=Audience.GUILD,
        is_reported=True,
    ),
    IncidentKind.SERVER_LOGS: KindRow(
        title=text("A game server's logs can't be read"),
        meaning=text("Its new kills aren't posted, or only some of them."),
        first_step=text("Try {test}: it says which step fails.", test=Command("admin server test")),
        told_to=Audience.GUILD,
        is_reported=True,
    ),
    IncidentKind.CHANNEL_UNUSABLE: KindRow(
        title=text("I can't post in a channel"),
        meaning=text("Its posts wait, and after an hour they're dropped."),
        first_step=text(
            "Give me back the permissions there, or choose another channel with {set}.",
            set=Command("admin channel set"),
        ),
        told_to=Audience.GUILD,
        is_reported=True,
    ),
    IncidentKind.BOARD_PAUSED: KindRow(
        title=text("A posted board isn't updated"),
        meaning=text("It shows old figures, or is gone."),
        first_step=text("Post it again with {post}.", post=Command("admin board post")),
        told_to=Audience.GUILD,
        is_reported=True,
    ),
    IncidentKind.ROLE_UNUSABLE: KindRow(
        title=text("I can't give a role"),
        meaning=text("Its role rule waits. Nobody gets or loses the role."),
        first_step=text(
            "Give me Manage Roles, and move my role above it. {list} says what's in the way.",
            list=Command("roles list"),
        ),
        told_to=Audience.GUILD,
        is_reported=True,
    ),
    IncidentKind.SERVER_CLOCK: KindRow(
        title=text("The times in a game server's log are off"),
        meaning=text("Times of kills are wrong, and proofs of links will fail."),
        first_step=text(
            "Check the time zone with {edit}, then the clock of the game host.",
            edit=Command("admin server edit"),
        ),
        told_to=Audience.GUILD,
        limits={"seconds": Limits(warn=300)},  # and one interval of polling
    ),
    IncidentKind.LOG_STILL: KindRow(
        title=text("A game server seems to stand still"),
        meaning=text(
            "Its Deadside.log doesn't grow any more, or is gone. The game server may be stopped, or may hang."
        ),
        first_step=text("Look in the hosting company's panel whether the game server runs."),
        told_to=Audience.GUILD,
        is_edited=True,
    ),
    IncidentKind.LOG_AGED: KindRow(
        title=text("Deadside.log no longer says who is online"),
        meaning=text(
            "An update of the game may have changed its lines. Counters show “?” and time played is a guess."
        ),
        first_step=text(
            "Look at {log}, and send what it shows to the makers of the bot.",
            log=Command("admin server log"),
        ),
        told_to=Audience.GUILD,
        rounds_before_open=1,  # it is judged once an hour
    ),
    IncidentKind.OUTBOX_OLD: KindRow(
        title=text("Posts come late"),
        meaning=text("Kills are counted, but their posts wait."),
        first_step=text("Look whether Discord limits the bot, and whether the channel takes its posts."),
        told_to=Audience.BOTH,
        limits={"seconds": Limits(warn=60, critical=600)},
    ),
    IncidentKind.DIRECT_OLD: KindRow(
        title=text("Direct messages come late"),
        meaning=text("Members who asked for them get them late. After an hour they're dropped."),
        first_step=text("Look in data/logs/delivery.log: it says what Discord answers."),
        limits={"seconds": Limits(warn=300, critical=1_800), "resting": Limits(warn=1)},
    ),
    IncidentKind.BACKUP_OLD: KindRow(
        title=text("There's no recent backup"),
        meaning=text("If the database were lost now, everything since the last backup would be lost."),
        first_step=text(
            "Make one with {now}. If that fails, the answer says why; data/logs/backup.log does too.",
            now=Command("admin backup now"),
        ),
        limits={
            "hours_late": Limits(warn=2),  # more than backup.every_hours
            "hours_late_twice": Limits(critical=24),  # more than twice that
        },
    ),
    IncidentKind.BACKUP_UNPROVEN: KindRow(
        title=text("No recent backup is proven"),
        meaning=text(
            "Backups are made, but none was restored on trial lately. Nobody knows whether they work."
        ),
        first_step=text(
            "Try {verify}: the answer says what is wrong. Often the machine lacks free memory.",
            verify=Command("admin backup verify"),
        ),
        limits={"hours": Limits(warn=48, critical=7 * 24)},
    ),
    IncidentKind.BACKUP_COPY: KindRow(
        title=text("A backup folder lacks the newest backup"),
        meaning=text("If the disk of the data fails, only the older backups in that folder are left."),
        first_step=text(
            "Look whether the folder's disk is mounted and has space, and whether the bot may write there."
        ),
        limits={
            "away": Limits(warn=1),
            "hours": Limits(warn=2, critical=48),  # a copy is made after the trial
        },
    ),
    IncidentKind.BACKUP_SAME_DISK: KindRow(
        title=text("All backups are on the same disk as the data"),
        meaning=text("If this disk fails, the data and all its backups are lost."),
        first_step=text("Name a folder on another disk in backup.directories."),
    ),
    IncidentKind.DATA_DIFFERS: KindRow(
        title=text("Stored data isn't what it should be"),
        meaning=text("Some figures or wallets may be wrong. What can be proven is repaired each night."),
        first_step=text(
            "Read above what is wrong. The runbook tells the owner of the bot what to do about it."
        ),
        told_to=Audience.BOTH,
        rounds_before_open=1,
    ),
    IncidentKind.SECRET_KEY: KindRow(
        title=text("The secret key is missing or doesn't fit"),
        meaning=text("Without the key no game server can be read after the next start."),
        first_step=text("Put your copy of secret.key back into the data folder."),
    ),
    IncidentKind.PROBE_STUCK: KindRow(
        title=text("A health check doesn't end"),
        meaning=text("The bot can't tell whether there is trouble in this place."),
        first_step=text("Look at the other troubles, then at the log. If there are none, restart the bot."),
    ),
}
"""The table; every kind has its row."""
