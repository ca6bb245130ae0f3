"""Personal data in memory, for exports and erasures."""

import hashlib
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from tests.fakes.clock import FakeClock
from tests.fakes.money import FakeMoneyUnit, MoneyData
from tests.fakes.storage import Outage
from utils.models.deaths import Death
from utils.models.personal import ErasureRecord, Holdings
from utils.models.players import PlayerDay, PlayerRecord
from utils.models.scope import GuildId, MemberId, PlayerId, ServerId, ServerScope
from utils.models.xp import XpEvents
from utils.services.personal.erasure_log import ErasureLog

T = TypeVar("T")
Stored = Mapping[str, Any]


class FakePersonalStore(Outage):
    """One server's data of any person, which a test sets.

    Attributes:
        deaths: batches of death rows.
        player_parts: the server's data of every player.
        member_parts: the guild's data of every member.
        asked: the players whose deaths were read.
    """

    def __init__(self) -> None:
        super().__init__()
        self.deaths: list[list[Stored]] = []
        self.player_parts: dict[str, Sequence[Stored]] = {"figures": (), "rejected_lines": ()}
        self.member_parts: dict[str, Sequence[Stored]] = {"wallet": ()}
        self.links: list[Stored] = []
        self.attempts: dict[PlayerId, Sequence[Stored]] = {}
        self.asked: list[tuple[PlayerId, ...]] = []

    async def list_servers(self, guild_id: GuildId) -> Mapping[ServerScope, str]:
        """Return one server."""
        self.note("list_servers")
        return {ServerScope(guild_id, ServerId("aaaaaaaa")): "Mirny"}

    async def list_parts_of_player(
        self, scope: ServerScope, player_id: PlayerId
    ) -> Mapping[str, Sequence[Stored]]:
        """Return the set parts."""
        del scope, player_id
        return self.player_parts

    async def list_guild_parts_of_player(
        self, guild_id: GuildId, player_id: PlayerId
    ) -> Mapping[str, Sequence[Stored]]:
        """Return the set links and attempts."""
        del guild_id
        return {"links": self.links, "proof_attempts": self.attempts.get(player_id, ())}

    async def list_parts_of_member(
        self, guild_id: GuildId, member_id: MemberId
    ) -> Mapping[str, Sequence[Stored]]:
        """Return the set parts."""
        del guild_id, member_id
        return self.member_parts

    async def iterate_deaths(
        self, scope: ServerScope, player_ids: Sequence[PlayerId]
    ) -> AsyncIterator[Sequence[Stored]]:
        """Yield the set deaths."""
        del scope
        self.asked.append(tuple(player_ids))
        for batch in self.deaths:
            yield batch


class FakeErasureRecords:
    """Records of erasures, of which the latest of a digest counts.

    Attributes:
        stored: the stored records; ``appended`` are those in files.
        kept_since: the limit of the last tidying.
    """

    def __init__(self) -> None:
        self.stored: dict[bytes, ErasureRecord] = {}
        self.appended: list[ErasureRecord] = []
        self.kept_since: datetime | None = None

    async def put_erasures(self, guild_id: GuildId, records: Sequence[ErasureRecord]) -> None:
        """Store records."""
        assert {one.guild_id for one in records} <= {guild_id}
        self.stored |= {one.digest: one for one in records}

    async def list_erasures(
        self, guild_id: GuildId, *, since: datetime | None = None
    ) -> Sequence[ErasureRecord]:
        """Return the records."""
        own = [one for one in self.stored.values() if one.guild_id == guild_id]
        return [one for one in own if since is None or one.at > since]

    async def prune_erasures(self, guild_id: GuildId, *, before: datetime) -> None:
        """Delete old records."""
        old = [one for one in await self.list_erasures(guild_id) if one.at < before]
        for one in old:
            del self.stored[one.digest]

    async def append(self, records: Sequence[ErasureRecord]) -> None:
        """Add records to the files."""
        self.appended += records

    async def tidy(self, records: Sequence[ErasureRecord], *, before: datetime) -> None:
        """Write the files again."""
        self.appended, self.kept_since = list(records), before


class FakeDigests:
    """Digests that everyone can compute.

    Attributes:
        fingerprint: the fingerprint of the key.
    """

    def __init__(self, fingerprint: str = "0a1b2c3d") -> None:
        self.fingerprint = fingerprint

    def compute_digest(self, purpose: str, message: str) -> bytes:
        """Return a digest of everything."""
        return hashlib.sha256(f"{self.fingerprint}:{purpose}:{message}".encode()).digest()


def build_erasure_log(clock: FakeClock, records: FakeErasureRecords | None = None) -> ErasureLog:
    """Return a log of erasures in memory."""
    store = records or FakeErasureRecords()
    return ErasureLog(store, store, FakeDigests(), clock=clock)


class FakeErasureUnit:
    """One open transaction over the deaths of a fake store."""

    def __init__(self, store: "FakeErasureStore", scope: ServerScope) -> None:
        self._store = store
        self.money = FakeMoneyUnit(store.money, scope)

    def hold_counts(self) -> int | None:
        """Return the only generation."""
        return 0

    def list_deaths_of(self, player_id: PlayerId) -> Sequence[Death]:
        """Return the deaths that still name the player."""
        return self._store.deaths.get(player_id, [])

    def rename_deaths(self, player_id: PlayerId, deaths: Sequence[Death]) -> None:
        """Remove the player's name from deaths."""
        self._store.done.append(f"rename {len(deaths)}")
        self._store.deaths[player_id] = self._store.deaths[player_id][len(deaths) :]

    def list_xp_events(self) -> XpEvents:
        """Return no time of more XP."""
        return ()

    def silence_levels(self, player_id: PlayerId) -> None:
        """Record the call."""
        self._store.done.append(f"silence {player_id}")

    def delete_figures(self, player_id: PlayerId) -> None:
        """Record the call."""
        self._store.figures.pop(player_id, None)

    def replace_figures(self, player: PlayerRecord, days: Sequence[PlayerDay], *, generation: int) -> None:
        """Store the counters."""
        del days, generation
        self._store.figures[player.player_id] = player


class FakeErasureStore(Outage):
    """One server's deaths, and records of all calls.

    Attributes:
        deaths: the deaths that still name a player, by player.
        figures: the figures by player.
        done: the calls in order.
        long_ledger: the number of steps after which the ledger still has rows.
    """

    def __init__(self) -> None:
        super().__init__()
        self.holdings = Holdings()
        self.deaths: dict[PlayerId, list[Death]] = {}
        self.figures: dict[PlayerId, PlayerRecord] = {}
        self.names: dict[PlayerId, set[str]] = {}
        self.money = MoneyData()
        self.records = FakeErasureRecords()
        self.done: list[str] = []
        self.long_ledger = 0

    async def in_transaction(self, scope: ServerScope, work: Callable[[FakeErasureUnit], T]) -> T:
        """Run the work."""
        self.note("in_transaction")
        return work(FakeErasureUnit(self, scope))

    async def find_holdings(self, guild_id: GuildId, member_id: MemberId) -> Holdings:
        """Return the set holdings."""
        del guild_id, member_id
        return self.holdings

    async def list_scopes(self, guild_id: GuildId) -> Sequence[ServerScope]:
        """Return one server."""
        return [ServerScope(guild_id, ServerId("aaaaaaaa"))]

    async def list_names(self, scope: ServerScope, player_id: PlayerId) -> Collection[str]:
        """Return the player's names."""
        del scope
        return self.names.get(player_id, set())

    async def erase_player(self, guild_id: GuildId, player_id: PlayerId, names: Collection[str]) -> None:
        """Record the call."""
        del guild_id
        self.done.append(f"player {player_id}: {', '.join(sorted(names))}")

    async def delete_sessions(self, scope: ServerScope, player_id: PlayerId, names: Collection[str]) -> None:
        """Record the call."""
        del scope, names
        self.done.append(f"sessions of {player_id}")

    async def erase_member(self, guild_id: GuildId, member_id: MemberId) -> None:
        """Record the call."""
        del guild_id, member_id
        self.done.append("traces of member")

    async def delete_links_of(self, guild_id: GuildId, player_id: PlayerId, *, at: datetime) -> None:
        """Record the call."""
        del guild_id, player_id, at
        self.done.append("links of player")

    async def delete_ledger_rows(self, guild_id: GuildId, member_id: MemberId, *, limit: int) -> bool:
        """Record the call."""
        del guild_id, member_id, limit
        self.long_ledger -= 1
        return self.long_ledger >= 0

    async def delete_member(self, guild_id: GuildId, member_id: MemberId, *, at: datetime) -> None:
        """Record the call."""
        del guild_id, member_id, at
        self.done.append("member")
