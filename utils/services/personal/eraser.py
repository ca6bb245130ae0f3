"""The steps of an erasure: every one can be repeated, so a call that was cut off is called again.

Deaths keep their class and their ``_id``, so reading the same log again brings nothing back. The player in
them becomes "erased player", who stands for all erased players. After a crash the counters agree with the
deaths, and erasing again does the rest. The XP of those who killed the player often changes, so each of them
is counted again in a step of their own. Data that a later step needs is erased last: a player's names with
their last death, a member's links after everything else.

The data of a player outside their deaths is erased twice: before their names are deleted, and once more for
data that was stored in the meantime.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from datetime import datetime
from typing import Protocol, TypeVar

from utils.clock import Clock
from utils.models.deaths import Death
from utils.models.money import PAID_KILLS_OF_A_VICTIM, BountyEnd, BountyState
from utils.models.notifications import DirectEvent, tell_placer
from utils.models.personal import Holdings, Person
from utils.models.scope import (
    ERASED_NAME,
    ERASED_PLAYER_ID,
    GuildId,
    MemberId,
    PlayerId,
    ServerScope,
)
from utils.services.ingestion.counting import count_one_player
from utils.services.ingestion.stores import RecountUnit
from utils.services.money.bounties.endings import close_with_refund

T = TypeVar("T")

DEATHS_AT_ONCE = 5_000  # deaths of one transaction: about half a second of mongod's work
LEDGER_ROWS_AT_ONCE = 5_000


class ErasureUnit(RecountUnit, Protocol):  # implemented by ErasureTransaction
    """One open transaction over one server's deaths, figures and bounties."""

    def rename_deaths(self, player_id: PlayerId, deaths: Sequence[Death]) -> None:
        """Replace a player by "erased player" in deaths."""

    def delete_figures(self, player_id: PlayerId) -> None:
        """Delete a player's counters of all time and by day."""


class ErasureStore(Protocol):  # implemented by ErasureRepository
    """Erases players and members from a guild's data; every method can be called again.

    Raises:
        StorageError: from any method; nothing was written.
    """

    async def in_transaction(self, scope: ServerScope, work: Callable[[ErasureUnit], T]) -> T:
        """Run ``work`` in one transaction, in a thread; it may run again after a transient error."""

    async def find_holdings(self, guild_id: GuildId, member_id: MemberId) -> Holdings:
        """Return how much data a guild has about a member."""

    async def list_scopes(self, guild_id: GuildId) -> Sequence[ServerScope]:
        """Return every server with stored statistics."""

    async def list_names(self, scope: ServerScope, player_id: PlayerId) -> Collection[str]:
        """Return all names of a player on a server."""

    async def erase_player(self, guild_id: GuildId, player_id: PlayerId, names: Collection[str]) -> None:
        """Erase a player from every field that is erased by its declaration alone."""

    async def delete_sessions(self, scope: ServerScope, player_id: PlayerId, names: Collection[str]) -> None:
        """Delete a player's sessions, also one that is open, and their playtime."""

    async def erase_member(self, guild_id: GuildId, member_id: MemberId) -> None:
        """Erase a member from every field that is erased by its declaration alone."""

    async def delete_links_of(self, guild_id: GuildId, player_id: PlayerId, *, at: datetime) -> None:
        """Delete all links of a player, proven or pending; without any left, the member leaves a faction."""

    async def delete_ledger_rows(self, guild_id: GuildId, member_id: MemberId, *, limit: int) -> bool:
        """Delete a member's oldest rows of the ledger; tell whether more are left."""

    async def delete_member(self, guild_id: GuildId, member_id: MemberId, *, at: datetime) -> None:
        """Delete links, wallet and the rest of the ledger, and withdraw open bounties without refund."""


@dataclass(eq=False, repr=False)
class Eraser:
    """Erases persons from a guild's data, and keeps the data of others.

    Args:
        store: the guild's data.
        deaths_at_once: how many deaths are changed in one transaction.
    """

    store: ErasureStore
    _: KW_ONLY
    clock: Clock
    deaths_at_once: int = DEATHS_AT_ONCE

    def __post_init__(self) -> None:
        self._stepping = asyncio.Lock()  # all deaths of a player are in memory during a step

    async def erase(self, person: Person) -> int:
        """Erase a person; return how many deaths no longer name one of the players.

        Raises:
            StorageError: it is not complete yet; call it again.
        """
        names = await self._list_names(person)
        await self._erase_traces(person, names)
        if person.member_id is None and not person.is_asker:
            # the player's names, not the link, let an admin find the rest
            await self._delete_links(person.guild_id, person.player_ids[0])
        deaths = 0
        for scope in await self.store.list_scopes(person.guild_id):
            for player_id in person.player_ids:
                deaths += await self.erase_deaths(scope, player_id)
        await self._erase_traces(person, names)
        if person.member_id is not None:
            await self._erase_member(person.guild_id, person.member_id)
        for player_id in person.player_ids:
            await self._delete_links(person.guild_id, player_id)
        return deaths

    async def _delete_links(self, guild_id: GuildId, player_id: PlayerId) -> None:
        await self.store.delete_links_of(guild_id, player_id, at=self.clock.now())

    async def _list_names(self, person: Person) -> dict[PlayerId, frozenset[str]]:
        scopes = await self.store.list_scopes(person.guild_id)
        found = {player.player_id: {player.name} for player in person.players}
        for scope in scopes:
            for player_id, names in found.items():
                names.update(await self.store.list_names(scope, player_id))
        return {player_id: frozenset(names - {""}) for player_id, names in found.items()}

    async def _erase_traces(self, person: Person, names: dict[PlayerId, frozenset[str]]) -> None:
        """Erase a person from everything except their deaths, figures, links and wallet."""
        guild_id, member_id = person.guild_id, person.member_id
        for scope in await self.store.list_scopes(guild_id):
            for player_id, known in names.items():
                await self._withdraw_bounties(scope, player_id)
                await self.store.delete_sessions(scope, player_id, known)
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
                if close_with_refund(unit.money, nameless, end, refund=bounty.amount):
                    unit.money.tell(tell_placer(nameless, DirectEvent.REFUNDED, at=end.closed_at))

        await self.store.in_transaction(scope, withdraw)

    async def erase_deaths(
        self, scope: ServerScope, player_id: PlayerId, *, before: datetime | None = None
    ) -> int:
        """Replace a player in their deaths up to a moment, some in each transaction; return their number."""
        erased, limit = 0, self.deaths_at_once

        def step(unit: ErasureUnit) -> tuple[int, int]:
            return _erase_some_deaths(unit, player_id, limit=limit, before=before)

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
        await self.store.erase_member(guild_id, member_id)  # the placed bounties that were still open


def _erase_some_deaths(
    unit: ErasureUnit, player_id: PlayerId, *, limit: int, before: datetime | None
) -> tuple[int, int]:
    """Take one step; return how many deaths were changed and how many are left to change."""
    generation = unit.hold_counts()
    deaths = unit.list_deaths_of(player_id)
    old = [death for death in deaths if before is None or death.at <= before]
    if deaths and not old:
        return 0, 0  # a new record, which stays
    killer_id, some = _choose_deaths(player_id, old, limit=limit)
    changed = {death.id for death in some}
    rest = [death for death in deaths if death.id not in changed]
    unit.delete_figures(player_id)
    if generation is None or not some:
        return 0, 0
    unit.rename_deaths(player_id, some)
    counted = {player_id: rest, ERASED_PLAYER_ID: unit.list_deaths_of(ERASED_PLAYER_ID)}
    if killer_id is not None:
        counted[killer_id] = unit.list_deaths_of(killer_id)
        unit.silence_levels(killer_id)
    for one, rows in counted.items():
        if rows:
            recount = count_one_player(one, rows, xp_events=unit.list_xp_events())
            unit.replace_figures(recount.record, recount.days, generation=generation)
    return len(some), len(old) - len(some)


def _choose_deaths(
    player_id: PlayerId, deaths: Sequence[Death], *, limit: int
) -> tuple[PlayerId | None, Sequence[Death]]:
    """Return the deaths of a step, and the killer whose XP it changes, one in each step.

    Kills of erased players always give XP. So XP changes for a killer who killed the player too often to be
    paid for each of these kills.
    """
    kills = [death for death in deaths if death.row.kind.is_kill and death.row.killer_id != player_id]
    often = [
        killer_id
        for killer_id, number in Counter(kill.row.killer_id for kill in kills).items()
        if number > PAID_KILLS_OF_A_VICTIM and killer_id != ERASED_PLAYER_ID
    ]
    if not often:
        return None, deaths[:limit]
    return often[0], [kill for kill in kills if kill.row.killer_id == often[0]][:limit]
