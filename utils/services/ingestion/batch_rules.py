"""Rules of a batch: what new deaths of a live batch bring about, within the transaction that stores them.

A rule has two halves: one may wait, the other must not. Before the transaction ``BatchRule.find_terms`` looks
up what holds for the server at this moment (settings, tier); it runs in the event loop, once for each chunk.
Within the transaction ``BatchTerms.judge`` reads and writes through the unit and says what is to be told; it
runs in a thread, perhaps several times, so terms are values that nobody changes.

Where a rule applies, the members behind the players of a batch are read together with their counters. So
``unit.money.find_members`` costs no operation for them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from utils.events import Event
from utils.models.deaths import Death
from utils.models.notices.notice import Notice
from utils.models.scope import PlayerId, ServerScope
from utils.services.money.money_stores import MoneyUnit


@dataclass(frozen=True, slots=True)
class LiveKill:
    """A new kill that is no history.

    Attributes:
        streak: the killer's kills since their last death, this one included.
        is_news: it happened just now, as far as can be told.
    """

    death: Death
    streak: int
    is_news: bool

    @property
    def killer_id(self) -> PlayerId:
        """The player who made it."""
        if self.death.row.killer_id is None:
            raise ValueError("a kill has a killer")
        return self.death.row.killer_id

    @property
    def victim_id(self) -> PlayerId:
        """The player who died."""
        return self.death.row.victim_id


@dataclass(frozen=True, slots=True)
class LiveDeaths:
    """The deaths of one batch that are new and no history, already stored and counted.

    Attributes:
        deaths: of any kind, in the order of the log.
        kills: those of them that are kills.
        read_at: when the bot read them.
    """

    scope: ServerScope
    server_name: str
    deaths: Sequence[Death]
    kills: Sequence[LiveKill]
    read_at: datetime


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """What a rule brought about: notices for the outbox, and events to publish once all of it is stored."""

    notices: Sequence[Notice] = ()
    events: Sequence[Event] = ()


class RuleUnit(Protocol):
    """What a rule reads and writes through, within the transaction of its batch."""

    @property
    def money(self) -> MoneyUnit:
        """Wallets and bounties."""


class BatchTerms(Protocol):
    """How a rule judges a batch: a value, found before the transaction."""

    def judge(self, unit: RuleUnit, batch: LiveDeaths) -> RuleOutcome:
        """Read and write what follows from new deaths; return what is to be told.

        It may run again after a transient error, and changes nothing but through the unit.

        Raises:
            StorageError: nothing of the batch is stored.
        """


class BatchRule(Protocol):
    """A rule about new deaths."""

    async def find_terms(self, scope: ServerScope) -> BatchTerms | None:
        """Return what holds for a server now; None where the rule does not apply.

        Raises:
            StorageError: what it depends on cannot be read.
        """
