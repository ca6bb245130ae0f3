"""Erasure: a person's data goes, what others did stays.

Deaths keep their ``_id``, so that reading the same log again brings nothing back, and their class; the player
in them becomes "erased player", one for all who were erased. Everything happens in steps that can each be
repeated: a crash in between leaves counters that agree with the deaths, and asking again does the rest. What
finds the rest comes last: a player's names go with their last death, a member's links after everything else.

The traces of a player outside their deaths are taken away twice: before their names are gone, and once more
for what came up meanwhile.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from datetime import datetime
from typing import Protocol, TypeVar

from utils.clock import Clock
from utils.errors import InvalidInputError
from utils.events import EventDispatcher, PlayerErased
from utils.models.audit import AuditAction, AuditFacts
from utils.models.deaths import Death
from utils.models.money import BountyEnd, BountyState
from utils.models.personal import DataQuestion, Holdings, Person
from utils.models.players import PlayerDay, PlayerRecord
from utils.models.scope import (
    ERASED_MEMBER_ID,
    ERASED_NAME,
    ERASED_PLAYER_ID,
    GuildId,
    MemberId,
    PlayerId,
    ServerScope,
)
from utils.models.texts import Command, text
from utils.services.guilds.audit import AuditLog
from utils.services.ingestion.counting import count_one_player
from utils.services.ingestion.stores import DeathsUnit
from utils.services.money.bounties.endings import close_with_refund
from utils.services.personal.people import PersonFinder

T = TypeVar("T")

DEATHS_AT_ONCE = 5_000  # of a transaction: about half a second of mongod's work
LEDGER_ROWS_AT_ONCE = 5_000


class ErasureUnit(DeathsUnit, Protocol):
    """One open transaction over one server's deaths, figures and bounties: all of it or nothing."""

    def hold_counts(self) -> int | None:
        """Let no import begin meanwhile; return the shown generation, None without a server."""

    def rename_deaths(self, player_id: PlayerId, deaths: Sequence[Death]) -> None:
        """Put "erased player" in the place of a player in deaths."""

    def delete_figures(self, player_id: PlayerId) -> None:
        """Delete a player's counters of all time and by day."""

    def replace_figures(self, player: PlayerRecord, days: Iterable[PlayerDay], *, generation: int) -> None:
        """Write a player's counters of all time and by day."""


class ErasureStore(Protocol):
    """Takes players and members out of a guild's data; every method can be called again.

    Raises:
        StorageError: from any method; nothing of it was written.
    """

    async def in_transaction(self, scope: ServerScope, work: Callable[[ErasureUnit], T]) -> T:
        """Run ``work`` in one transaction, in a thread; it may run again after a transient error."""

    async def find_holdings(self, guild_id: GuildId, member_id: MemberId) -> Holdings:
        """Return how much a guild has of a member."""

    async def list_scopes(self, guild_id: GuildId) -> Sequence[ServerScope]:
        """Return every server with stored statistics."""

    async def list_names(self, scope: ServerScope, player_id: PlayerId) -> Collection[str]:
        """Return every name a player has had on a server."""

    async def erase_player(self, guild_id: GuildId, player_id: PlayerId, names: Collection[str]) -> None:
        """Take a player out of everything that has no order of its own, as it is declared there."""

    async def erase_member(self, guild_id: GuildId, member_id: MemberId) -> None:
        """Take a member out of everything that has no order of its own, as it is declared there."""

    async def delete_links_of(self, guild_id: GuildId, player_id: PlayerId) -> None:
        """Delete all links of a player, proven or asked for."""

    async def delete_ledger_rows(self, guild_id: GuildId, member_id: MemberId, *, limit: int) -> bool:
        """Delete a member's oldest rows of the ledger; tell whether more are left."""

    async def delete_member(self, guild_id: GuildId, member_id: MemberId, *, at: datetime) -> None:
        """Delete links, wallet and the rest of the ledger, and withdraw open bounties without refund."""


@dataclass(frozen=True, slots=True)
class ErasurePlan:
    """Who is to be erased, and what is stored of the member."""

    person: Person
    holdings: Holdings


@dataclass(eq=False, repr=False)
class ErasureService:
    """Answers ``/data erase``.

    Args:
        store: the guild's data.
        people: knows whose data is meant.
        audit: told that somebody was erased, not who.
        events: told likewise.
        deaths_at_once: how many are changed in one transaction.
    """

    store: ErasureStore
    people: PersonFinder
    _: KW_ONLY
    audit: AuditLog
    events: EventDispatcher
    clock: Clock
    deaths_at_once: int = DEATHS_AT_ONCE

    def __post_init__(self) -> None:
        self._stepping = asyncio.Lock()  # all deaths of a player are in memory during a step

    async def plan(self, question: DataQuestion) -> ErasurePlan:
        """Return what would be erased.

        Raises:
            InvalidInputError, NotAllowedError, NotFoundError, AmbiguousError: whose data is meant is
                unclear, not the asker's to erase, or there is nothing of it.
        """
        person, holdings = await self.people.find(question), Holdings()
        if person.member_id is not None:
            holdings = await self.store.find_holdings(person.guild_id, person.member_id)
        if not person.players and holdings.is_empty:
            raise InvalidInputError(
                text(
                    "There is nothing here to erase: no link, no wallet, no bounty. Figures of a player are "
                    "erased once {link} has proven them, or by an admin with the option `player`.",
                    link=Command("link"),
                )
            )
        return ErasurePlan(person, holdings)

    async def plan_again(self, plan: ErasurePlan, question: DataQuestion) -> ErasurePlan:
        """Return the plan as it is now: the question was asked minutes before it was confirmed.

        Raises:
            InvalidInputError, NotAllowedError, NotFoundError, AmbiguousError: as from ``plan``, or somebody
                else would be erased now than was asked about.
        """
        now = await self.plan(question)
        if now.person != plan.person:
            raise InvalidInputError(
                text("Whose data this is changed meanwhile, and nothing was erased. Run the command again.")
            )
        return now

    async def erase(self, plan: ErasurePlan, *, actor_id: MemberId) -> int:
        """Erase a person; return how many deaths no longer name one of the players.

        Raises:
            StorageError: part of it is not done yet; call it again.
        """
        person = plan.person
        names = await self._list_names(person)
        await self._erase_traces(person, names)
        if person.member_id is None and not person.is_asker:
            # an admin finds the rest by the player's names, not by the link
            await self.store.delete_links_of(person.guild_id, person.player_ids[0])
        deaths = 0
        for scope in await self.store.list_scopes(person.guild_id):
            for player_id in person.player_ids:
                deaths += await self._erase_deaths(scope, player_id)
        await self._erase_traces(person, names)
        if person.member_id is not None:
            await self._erase_member(person.guild_id, person.member_id)
        for player_id in person.player_ids:
            await self.store.delete_links_of(person.guild_id, player_id)
        self.events.dispatch(PlayerErased(guild_id=person.guild_id))
        await self._write_audit(person, actor_id)
        return deaths

    async def _list_names(self, person: Person) -> dict[PlayerId, frozenset[str]]:
        scopes = await self.store.list_scopes(person.guild_id)
        found = {player.player_id: {player.name} for player in person.players}
        for scope in scopes:
            for player_id, names in found.items():
                names.update(await self.store.list_names(scope, player_id))
        return {player_id: frozenset(names - {""}) for player_id, names in found.items()}

    async def _erase_traces(self, person: Person, names: dict[PlayerId, frozenset[str]]) -> None:
        """Take a person out of everything but their deaths, figures, links and wallet."""
        guild_id, member_id = person.guild_id, person.member_id
        for scope in await self.store.list_scopes(guild_id):
            for player_id in names:
                await self._withdraw_bounties(scope, player_id)
        for player_id, known in names.items():
            await self.store.erase_player(guild_id, player_id, known)
        if member_id is not None:
            await self.store.erase_member(guild_id, member_id)

    async def _withdraw_bounties(self, scope: ServerScope, player_id: PlayerId) -> None:
        """End the open bounties on a player, with full refund."""
        end = BountyEnd(BountyState.WITHDRAWN, self.clock.now())

        def withdraw(unit: ErasureUnit) -> None:
            for bounty in unit.money.list_open_bounties([player_id]):
                nameless = replace(bounty, player_name=ERASED_NAME)
                close_with_refund(unit.money, nameless, end, refund=bounty.amount)

        await self.store.in_transaction(scope, withdraw)

    async def _erase_deaths(self, scope: ServerScope, player_id: PlayerId) -> int:
        """Make a player's deaths nobody's, some in each transaction; return how many they were."""
        erased, limit = 0, self.deaths_at_once

        def step(unit: ErasureUnit) -> tuple[int, int]:
            return _erase_some_deaths(unit, player_id, limit=limit)

        while True:
            async with self._stepping:
                done, left = await self.store.in_transaction(scope, step)
            erased += done
            if not left:
                return erased

    async def _erase_member(self, guild_id: GuildId, member_id: MemberId) -> None:
        while await self.store.delete_ledger_rows(guild_id, member_id, limit=LEDGER_ROWS_AT_ONCE):
            pass
        await self.store.delete_member(guild_id, member_id, at=self.clock.now())
        await self.store.erase_member(guild_id, member_id)  # bounties that were open until now

    async def _write_audit(self, person: Person, actor_id: MemberId) -> None:
        facts = AuditFacts(member_id=ERASED_MEMBER_ID)
        if person.member_id is None:
            facts = AuditFacts(player_id=ERASED_PLAYER_ID, player_name=ERASED_NAME)
        # a person who has just erased themself is not written down again
        actor = None if person.is_asker else actor_id
        await self.audit.write(person.guild_id, actor, AuditAction.DATA_ERASE, facts)


def _erase_some_deaths(unit: ErasureUnit, player_id: PlayerId, *, limit: int) -> tuple[int, int]:
    """Take one step; return how many deaths were changed and how many are left."""
    generation = unit.hold_counts()
    deaths = unit.list_deaths_of(player_id)
    some, rest = deaths[:limit], deaths[limit:]
    unit.delete_figures(player_id)
    if generation is None or not some:
        return 0, 0
    unit.rename_deaths(player_id, some)
    for one, rows in ((player_id, rest), (ERASED_PLAYER_ID, unit.list_deaths_of(ERASED_PLAYER_ID))):
        if rows:
            counted = count_one_player(one, rows)
            unit.replace_figures(counted.record, counted.days, generation=generation)
    return len(some), len(rest)
