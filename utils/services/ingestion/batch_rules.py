"""Rules of a batch: they act on the new deaths of a live batch, in the transaction that stores them.

A rule has two parts: an async part before the transaction and a sync part inside it. Before the transaction
``BatchRule.find_terms`` reads the current settings and tier of the server; it runs in the event loop, once
for each chunk. Within the transaction ``BatchTerms.judge`` reads and writes through the unit and returns
notices and events; it runs in a thread, perhaps several times, so terms must be immutable.

Where a rule applies, the members of a batch's players are read together with their counters. So
``unit.money.find_members`` costs no operation for these players.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from utils.events import Event
from utils.models.deaths import Death
from utils.models.notices.notice import Notice
from utils.models.scope import PlayerId, ServerScope
from utils.services.money.money_stores import MoneyUnit


@dataclass(frozen=True, slots=True)
class LiveKill:
    """A new kill that is not history.

    Attributes:
        streak: the killer's kills since their last death, this one included.
        is_news: True: it is recent enough to post.
    """

    death: Death
    streak: int
    is_news: bool

    @property
    def killer_id(self) -> PlayerId:
        """The killer."""
        if self.death.row.killer_id is None:
            raise ValueError("a kill has a killer")
        return self.death.row.killer_id

    @property
    def victim_id(self) -> PlayerId:
        """The victim."""
        return self.death.row.victim_id


@dataclass(frozen=True, slots=True)
class LiveDeaths:
    """The live deaths of one batch. They are already stored and counted.

    Attributes:
        deaths: deaths of all kinds, in the order of the log.
        kills: the kills among them.
        read_at: when the bot read them.
    """

    scope: ServerScope
    server_name: str
    deaths: Sequence[Death]
    kills: Sequence[LiveKill]
    read_at: datetime


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """The result of a rule.

    Attributes:
        notices: for the outbox.
        events: to dispatch when everything is stored.
        claims: emeralds of the bounties that a kill claimed, by death.
        tags: tags of the factions of players.
    """

    notices: Sequence[Notice] = ()
    events: Sequence[Event] = ()
    claims: Mapping[bytes, int] = field(default_factory=dict)
    tags: Mapping[PlayerId, str] = field(default_factory=dict)


class RuleUnit(Protocol):  # implemented by IngestionTransaction
    """The transaction of a batch, for its rules."""

    @property
    def money(self) -> MoneyUnit:
        """Wallets and bounties."""


class BatchTerms(Protocol):  # implemented by RewardTerms
    """The terms by which a rule judges a batch: a value, found before the transaction."""

    def judge(self, unit: RuleUnit, batch: LiveDeaths) -> RuleOutcome:
        """Act on new deaths through the unit; return notices and events.

        It may run again after a transient error, so it changes data only through the unit.

        Raises:
            StorageError: no part of the batch is stored.
        """


class BatchRule(Protocol):  # implemented by KillRewards
    """A rule about new deaths."""

    async def find_terms(self, scope: ServerScope) -> BatchTerms | None:
        """Return the current terms for a server; None if the rule does not apply.

        Raises:
            StorageError: the settings cannot be read.
        """
