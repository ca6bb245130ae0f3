"""The Protocol of a verification: blocking reads of the stored data."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from utils.models.deaths import Death
from utils.models.players import PlayerDay, PlayerRecord, ServerMonth
from utils.models.scope import GuildId, MemberId, PlayerId, ServerScope
from utils.models.verification import (
    DataFinding,
    DeathPiece,
    LedgerLine,
    ShownServer,
    StoredFigures,
    StoredWallet,
    WholeWallet,
)
from utils.models.xp import XpEvents


class VerifiedData(Protocol):  # implemented by StoredData
    """The stored data; every method blocks, so it belongs into a thread."""

    def find_data_version(self) -> int | None:
        """Return the version of the data; None in a trial, whose version the backup names."""

    def list_index_problems(self) -> Sequence[str]:
        """Return a sentence for each missing or different index."""

    def list_servers(self) -> tuple[Sequence[ShownServer], Sequence[DataFinding]]:
        """Return every game server that is there, and what of settings and game servers cannot be read."""

    def list_communities(self) -> Collection[GuildId]:
        """Return the communities with settings."""

    def count_servers(self) -> Mapping[GuildId, int]:
        """Return the number of game servers of each community, also of removed ones that are still there."""

    def count_removals(self, guild_id: GuildId, *, since: datetime) -> int:
        """Return how many game servers of a community were removed by hand since a moment."""

    def is_importing(self, scope: ServerScope) -> bool:
        """Tell whether an import of a game server runs."""

    def find_generation(self, scope: ServerScope) -> int | None:
        """Return the shown generation of a game server; None if it is gone."""

    def has_server(self, scope: ServerScope) -> bool:
        """Tell whether a game server is there and not about to be deleted."""

    def find_deaths(self, scope: ServerScope, ids: Sequence[bytes]) -> Mapping[bytes, Death | None]:
        """Return stored deaths by their ids; None for one that cannot be read."""

    def count_deaths(self, scope: ServerScope) -> int:
        """Return the number of deaths of a game server."""

    def list_xp_events(self, guild_id: GuildId) -> XpEvents:
        """Return the times in which kills of a guild give more XP."""

    def count_players(self, server: ShownServer) -> int:
        """Return the number of players with shown counters."""

    def list_player_ids(self, server: ShownServer, *, skip: int, limit: int) -> Sequence[PlayerId]:
        """Return some of these players, by their ids."""

    def read_figures(
        self, server: ShownServer, player_ids: Collection[PlayerId]
    ) -> Mapping[PlayerId, StoredFigures]:
        """Return the counters of each of these players."""

    def list_deaths_of(self, scope: ServerScope, player_ids: Collection[PlayerId]) -> Sequence[Death] | None:
        """Return every death of these players in order; None if one of them cannot be read."""

    def pick_wallets(self, limit: int) -> Sequence[StoredWallet]:
        """Return some wallets by chance."""

    def find_wallet(self, wallet: StoredWallet) -> StoredWallet | None:
        """Return the wallet of the same member as it is now; None if it is gone."""


class WholeData(VerifiedData, Protocol):  # implemented by StoredWhole
    """All of the stored data, as of one moment."""

    def iterate_deaths(self, scope: ServerScope, *, batch: int) -> Iterator[DeathPiece]:
        """Yield every death of a game server in the order of its id, which is by time."""

    def iterate_players(self, server: ShownServer) -> Iterator[tuple[PlayerId, PlayerRecord | None]]:
        """Yield all shown players; None for one who cannot be read."""

    def list_months_of_days(self, server: ShownServer) -> Sequence[str]:
        """Return the months of all shown days, for example ``2025-04``."""

    def iterate_days(self, server: ShownServer, months: Collection[str]) -> Iterator[PlayerDay | None]:
        """Yield the shown days of some months; None for a month of a player that cannot be read."""

    def read_months(self, server: ShownServer) -> Mapping[date, ServerMonth] | None:
        """Return the shown months; None if one of them cannot be read."""

    def count_wrong_playtimes(self, scope: ServerScope) -> int:
        """Return how many players of a game server have a playtime that their sessions deny."""

    def iterate_ledger(self) -> Iterator[LedgerLine]:
        """Yield the ledgers of all members, those of one member together and newest first."""

    def read_wallets(self) -> Mapping[tuple[GuildId, MemberId], WholeWallet]:
        """Return every wallet."""

    def count_wrong_marks(self) -> Mapping[GuildId, int]:
        """Return how many links of each community name another faction than their member's period."""

    def list_orphans(self) -> Sequence[DataFinding]:
        """Return the documents of game servers that are gone."""
