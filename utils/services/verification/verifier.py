"""The verifier: compares the stored data with what it must be.

*Theory of operation.* Deaths are the truth: every counter follows from them by ``Counting``, and a wallet
follows from its last row of the ledger. A verification recounts with the same code that counts, because a
second formula would disagree in rare cases. It holds no lock, and other processes may write at the same
moment. So a difference is looked at twice, and counts only if the stored value is the same both times: every
write of a death or a booking changes the counters or the wallet in the same transaction.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

from utils.models.deaths import Death
from utils.models.players import PlayerRecord, ServerMonth
from utils.models.scope import PlayerId, ServerScope
from utils.models.verification import (
    DataFault,
    DataFinding,
    DeathCounts,
    KeptCommunities,
    ShownServer,
    StoredFigures,
    VerificationReport,
)
from utils.models.xp import XpEvents
from utils.services.ingestion.counting import count_one_player
from utils.services.verification.gone import find_gone
from utils.services.verification.stores import VerifiedData

SAMPLED_SERVERS = 50
SAMPLED_PLAYERS = 20  # of each of these servers
SAMPLED_WALLETS = 200


@dataclass(eq=False)
class DataVerifier:
    """Verifies one database; every method blocks, so it belongs into a thread.

    Args:
        newest_version: the version of the data that this bot works with.
        rng: chooses the samples.
    """

    data: VerifiedData
    newest_version: int
    rng: Random

    def quick(
        self, expected: DeathCounts | None = None, kept: KeptCommunities | None = None
    ) -> VerificationReport:
        """Verify samples of the data within seconds; an empty database costs a few reads.

        Args:
            expected: the deaths of the newest backup; a server may only have more.
            kept: the communities of that backup.

        Raises:
            StorageError: the database does not answer.
        """
        version = self.data.find_data_version()
        if version is not None and version != self.newest_version:
            return VerificationReport(
                findings=(DataFinding(DataFault.VERSION, found=version, expected=self.newest_version),)
            )
        findings = [
            DataFinding(DataFault.INDEX, detail=problem) for problem in self.data.list_index_problems()
        ]
        servers, unreadable = self.data.list_servers()
        findings += unreadable
        findings += self.compare_deaths(servers, expected or {})
        findings += find_gone(self.data, kept) if kept else ()
        chosen = self.rng.sample(servers, min(len(servers), SAMPLED_SERVERS))
        players = 0
        for server in chosen:
            found, counted = self._sample_players(server)
            findings += found
            players += counted
        wallets, differing = self._sample_wallets()
        findings += differing
        return VerificationReport(
            findings=tuple(findings), servers=len(chosen), players=players, wallets=wallets
        )

    def compare_deaths(self, servers: Sequence[ShownServer], expected: DeathCounts) -> Sequence[DataFinding]:
        """Return the game servers that have fewer deaths than a backup."""
        counts = {
            server.scope: self.data.count_deaths(server.scope)
            for server in servers
            if expected.get(server.scope)
        }
        return [
            of_server(DataFault.DEATHS, scope, found=number, expected=expected[scope])
            for scope, number in counts.items()
            if number < expected[scope]
        ]

    def _sample_players(self, server: ShownServer) -> tuple[Sequence[DataFinding], int]:
        """Recount some players of a server: neighbours by their ids, which say nothing about a player."""
        if self.data.is_importing(server.scope):
            return (), 0
        number = self.data.count_players(server)
        if not number:
            is_missing = self.data.count_deaths(server.scope) and self._is_still_shown(server)
            return ([of_server(DataFault.GENERATION, server.scope)] if is_missing else []), 0
        skip = self.rng.randrange(max(number - SAMPLED_PLAYERS, 0) + 1)
        player_ids = self.data.list_player_ids(server, skip=skip, limit=SAMPLED_PLAYERS)
        wrong = self.count_wrong(server, player_ids)
        return ([of_server(DataFault.COUNTERS, server.scope, found=wrong)] if wrong else []), len(player_ids)

    def count_wrong(self, server: ShownServer, player_ids: Collection[PlayerId]) -> int:
        """Return how many of these players have other counters than their deaths say."""
        first = self._list_wrong(server, player_ids)
        if not first:
            return 0
        second = self._list_wrong(server, first)
        same = [player_id for player_id, stored in second.items() if stored == first[player_id]]
        return len(same) if same and self._is_still_shown(server) else 0

    def _list_wrong(
        self, server: ShownServer, player_ids: Collection[PlayerId]
    ) -> Mapping[PlayerId, StoredFigures]:
        stored = self.data.read_figures(server, player_ids)
        deaths = self.data.list_deaths_of(server.scope, player_ids)
        if deaths is None:
            return stored
        own, xp_events = group_by_player(deaths), self.data.list_xp_events(server.scope.guild_id)
        return {
            player_id: figures
            for player_id, figures in stored.items()
            if not fits_deaths(player_id, figures, own.get(player_id, ()), xp_events)
        }

    def _is_still_shown(self, server: ShownServer) -> bool:
        """Tell whether an import has neither shown other counters by now nor begun to."""
        is_shown = self.data.find_generation(server.scope) == server.generation
        return is_shown and not self.data.is_importing(server.scope)

    def _sample_wallets(self) -> tuple[int, Sequence[DataFinding]]:
        wallets = self.data.pick_wallets(SAMPLED_WALLETS)
        wrong = [wallet for wallet in wallets if not wallet.fits_ledger]
        still = [wallet for wallet in wrong if self.data.find_wallet(wallet) == wallet]
        return len(wallets), [
            DataFinding(DataFault.WALLET, wallet.guild_id, member_id=wallet.member_id) for wallet in still
        ]


def is_same_month(stored: ServerMonth, counted: ServerMonth) -> bool:
    """Tell whether a stored month is that which was counted; ``days`` may be from before it was stored."""
    return stored == (counted if stored.days else replace(counted, days=()))


def of_server(fault: DataFault, scope: ServerScope, *, found: int = 0, expected: int = 0) -> DataFinding:
    """Return a finding about a game server."""
    return DataFinding(fault, scope.guild_id, scope.server_id, found=found, expected=expected)


def group_by_player(deaths: Sequence[Death]) -> Mapping[PlayerId, Sequence[Death]]:
    """Return the deaths in which each player takes part, in the same order."""
    found: dict[PlayerId, list[Death]] = {}
    for death in deaths:
        row = death.row
        for player_id in {row.victim_id, row.killer_id or row.victim_id}:
            found.setdefault(player_id, []).append(death)
    return found


def fits_deaths(
    player_id: PlayerId, stored: StoredFigures, deaths: Sequence[Death], xp_events: XpEvents
) -> bool:
    """Tell whether a player's counters follow from all their deaths, given in order."""
    if stored.record is None or not deaths:
        return False
    recount = count_one_player(player_id, deaths, xp_events=xp_events)
    return is_same_player(stored.record, recount.record) and stored.days == frozenset(recount.days)


def is_same_player(stored: PlayerRecord, counted: PlayerRecord) -> bool:
    """Tell whether stored counters are those that were counted; the order of the names does not matter.

    ``recent`` is compared if it is there: counters from before it was stored lack it.
    """
    recent = counted.recent if stored.recent else ()
    return replace(stored, names=()) == replace(counted, names=(), recent=recent) and (
        frozenset(stored.names) == frozenset(counted.names)
    )
