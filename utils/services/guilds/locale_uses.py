"""Counts uses of the bot by the language of Discord's client: which language comes next, this decides.

A use is counted in memory, so that no command waits for a write. A timer stores the counts of each guild, and
so does the stop. A kill loses what was counted since the timer's last turn. Counts of a transaction whose
outcome nobody knows are given up: a lost minute is better than one that counts twice.
"""

import asyncio
import re
from collections import Counter, defaultdict
from dataclasses import KW_ONLY, dataclass
from typing import Protocol

from structlog import get_logger

from utils.clock import Clock
from utils.errors import CommitUnknownError, StorageError
from utils.models.locale_uses import LocaleMonth, Uses, name_month
from utils.models.scope import GuildId
from utils.tasks import TaskManager

LOCALES_TASK = "locales:store"
FINISH_SECONDS = 2.0  # at the end of the process

_LOCALE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,4})?")  # it becomes the name of a stored field

_log = get_logger(__name__)


class LocaleStore(Protocol):  # implemented by GuildRepository
    """Storage of uses by month and locale."""

    async def add_locale_uses(self, guild_id: GuildId, uses: Uses) -> None:
        """Add to the uses of a guild; months that are too old go.

        Raises:
            CommitUnknownError: they may be stored.
            StorageError: nothing was stored.
        """


@dataclass(eq=False, repr=False)
class LocaleUses:
    """Counts the uses in all guilds of this process."""

    store: LocaleStore
    _: KW_ONLY
    tasks: TaskManager
    clock: Clock

    def __post_init__(self) -> None:
        self._uses: defaultdict[GuildId, Counter[LocaleMonth]] = defaultdict(Counter)

    def note(self, guild_id: GuildId, locale: str) -> None:
        """Count a command or a press of a lasting button."""
        if _LOCALE.fullmatch(locale):
            self._uses[guild_id][name_month(self.clock.now()), locale] += 1

    async def store_all(self) -> None:
        """Store what was counted since the last time; what could not be stored waits for the next time."""
        await self.tasks.for_each(LOCALES_TASK, sorted(self._uses), self._store)

    async def finish(self) -> None:
        """Store the rest at the end of the process."""
        try:
            async with asyncio.timeout(FINISH_SECONDS):
                await self.store_all()
        except TimeoutError:
            _log.warning("uses by language are lost, the database did not answer in time")

    async def _store(self, guild_id: GuildId) -> None:
        uses = self._uses.pop(guild_id)
        try:
            await self.store.add_locale_uses(guild_id, uses)
        except CommitUnknownError:
            raise  # they may be stored
        except StorageError:
            self._uses[guild_id].update(uses)
            raise
