"""Alerts of errors to the owners of the bot: of new groups, of those that came back, and of spikes.

The first alert is sent at once; after that one message gathers ten minutes. A group is named again after six
hours at the earliest, and an hour has six messages at most. Admins of guilds are never alerted of bugs.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from structlog import get_logger

from utils.clock import Clock
from utils.error_sink import ErrorSink, ErrorSource, Where
from utils.errors import DeliveryError, StorageError
from utils.models.error_groups import ErrorGroup, GroupWrite
from utils.models.error_reports import AlertKind, ErrorAlert
from utils.models.incidents import WHOLE_BOT
from utils.models.scope import GuildId
from utils.telemetry.fingerprints import OVERFLOW

ALERT_TASK = "errors:alert"
LOOK_SECONDS = 10.0
PAUSE = timedelta(minutes=10)
QUIET = timedelta(hours=6)  # before a group is named again
HOUR, DAY = timedelta(hours=1), timedelta(hours=24)
MOST_AN_HOUR = 6
MOST_WAITING = 100  # further ones are a number
SHOWN = 10  # groups of one message; the others are a number
SPIKE_WINDOW = timedelta(minutes=5)
SPIKE_LEAST = 20  # errors within the window
SPIKE_TIMES = 5  # as many as the mean of a day
WINDOWS_OF_DAY = DAY / SPIKE_WINDOW

_log = get_logger(__name__)


class AlertStore(Protocol):  # implemented by ErrorRepository
    """Storage of what alerts need.

    Raises:
        StorageError: from any method.
    """

    async def count_hours(
        self, guild_id: GuildId, fingerprints: Sequence[str], *, since: datetime
    ) -> Mapping[str, Mapping[datetime, int]]:
        """Return the number of errors by fingerprint and hour."""

    async def note_alert(self, guild_id: GuildId, fingerprints: Sequence[str], *, at: datetime) -> None:
        """Note when the owners were told of groups."""


class OwnerMessages(Protocol):  # implemented by ErrorMessages
    """Tells the owners of the bot."""

    async def tell(self, alerts: Sequence[ErrorAlert], *, more: int, at: datetime) -> None:
        """Send one message about errors; ``more`` is the number of those that it does not name.

        Raises:
            DeliveryError: it was not delivered, and a later try may succeed.
        """


class ErrorAlerts:
    """Collects news about the groups of the whole bot, and tells the owners."""

    def __init__(
        self, store: AlertStore, messages: OwnerMessages, *, clock: Clock, errors: ErrorSink
    ) -> None:
        self._store = store
        self._messages = messages
        self._clock = clock
        self._errors = errors
        self._waiting: dict[str, ErrorAlert] = {}
        self._more = 0
        self._told: dict[str, datetime] = {}
        self._sent: deque[datetime] = deque(maxlen=MOST_AN_HOUR)
        self._lately: dict[str, deque[tuple[datetime, int]]] = {}
        self._groups: dict[str, ErrorGroup] = {}

    def note(self, writes: Sequence[GroupWrite]) -> None:
        """Take what was just stored."""
        now = self._clock.now()
        for write in writes:
            if write.delta.guild_id != WHOLE_BOT or write.group.fingerprint == OVERFLOW:
                continue
            group = replace(write.group, guilds=(), samples=())  # no guild's id stays in memory
            self._count(group, write.delta.count, now)
            if write.is_new:
                self._add(ErrorAlert(AlertKind.NEW, group, write.delta.count), now)
            elif write.is_regressed:
                self._add(ErrorAlert(AlertKind.REGRESSED, group, write.delta.count), now)

    async def run(self) -> None:
        """Tell without end."""
        while True:
            await self._clock.sleep(LOOK_SECONDS)
            await self.tell_due()

    async def tell_due(self) -> None:
        """Look for spikes, and tell what is due."""
        where = Where(source=ErrorSource.MESSAGE, task=ALERT_TASK)
        try:
            await self._find_spikes()
            await self._tell()
        except (StorageError, DeliveryError) as error:
            _log.warning("owners are told of errors later", problem=str(error))
            self._errors.report(error, where=where)

    def is_due(self) -> bool:
        """Tell whether a message may be sent now."""
        if not self._waiting:
            return False
        now = self._clock.now()
        is_full = len(self._sent) == MOST_AN_HOUR and now - self._sent[0] < HOUR
        return not is_full and not (self._sent and now - self._sent[-1] < PAUSE)

    async def _tell(self) -> None:
        if not self.is_due():
            return
        now = self._clock.now()
        alerts = list(self._waiting.values())
        shown, more = alerts[:SHOWN], len(alerts[SHOWN:]) + self._more
        await self._messages.tell(shown, more=more, at=now)
        self._sent.append(now)
        self._more = 0
        for alert in alerts:
            self._waiting.pop(alert.group.fingerprint, None)
            self._told[alert.group.fingerprint] = now
        await self._store.note_alert(WHOLE_BOT, [alert.group.fingerprint for alert in alerts], at=now)

    def _add(self, alert: ErrorAlert, now: datetime) -> None:
        fingerprint = alert.group.fingerprint
        told_at = self._told.get(fingerprint) or alert.group.alerted_at
        if (told_at is not None and now - told_at < QUIET) or fingerprint in self._waiting:
            return
        if len(self._waiting) < MOST_WAITING:
            self._waiting[fingerprint] = alert
        else:
            self._more += 1

    def _count(self, group: ErrorGroup, n: int, now: datetime) -> None:
        """Note the errors of the last minutes, and forget groups without any."""
        self._lately.setdefault(group.fingerprint, deque()).append((now, n))
        self._groups[group.fingerprint] = group
        for one, counts in list(self._lately.items()):
            while counts and now - counts[0][0] >= SPIKE_WINDOW:
                counts.popleft()
            if not counts:
                del self._lately[one], self._groups[one]
        self._told = {one: at for one, at in self._told.items() if now - at < QUIET}

    async def _find_spikes(self) -> None:
        now = self._clock.now()
        many = {one: sum(n for _, n in counts) for one, counts in self._lately.items()}
        many = {one: n for one, n in many.items() if n >= SPIKE_LEAST and one not in self._told}
        if not many:
            return
        hours = await self._store.count_hours(WHOLE_BOT, list(many), since=now - DAY)
        for fingerprint, n in many.items():
            mean = (sum(hours[fingerprint].values()) - n) / WINDOWS_OF_DAY
            if n >= SPIKE_TIMES * max(mean, 1):
                self._add(ErrorAlert(AlertKind.SPIKE, self._groups[fingerprint], n), now)
