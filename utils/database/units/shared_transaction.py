"""One transaction that several game servers share; one read finds the counters of all of them."""

from collections.abc import Collection, Sequence
from itertools import chain, islice

from utils.database.core.pending_writes import PendingWrites
from utils.database.core.transaction import Transaction
from utils.database.units.ingestion_unit import IngestionTransaction
from utils.errors import ScopeViolationError
from utils.models.reading import CountingNeeds
from utils.models.scope import GuildId, ServerScope

READ_AHEAD_PLAYERS = 100  # limit of players per read, so that the result stays below 16 MB


class SharedTransaction:
    """One open transaction over servers of one guild or of several.

    Args:
        guild_ids: the guilds whose fence it was begun with.
    """

    def __init__(self, transaction: Transaction, guild_ids: Collection[GuildId]) -> None:
        self._transaction = transaction
        self._guild_ids = frozenset(guild_ids)
        self._writes = PendingWrites(transaction)
        self._units: dict[ServerScope, IngestionTransaction] = {}

    def of_server(self, scope: ServerScope) -> IngestionTransaction:
        """Return a server's part of the transaction.

        Raises:
            ScopeViolationError: the server is of another guild.
        """
        if scope.guild_id not in self._guild_ids:
            raise ScopeViolationError("A transaction is not for servers of a guild that does not share it.")
        if scope not in self._units:
            self._units[scope] = IngestionTransaction(self._transaction, scope, self._writes)
        return self._units[scope]

    def read_ahead(self, needs: Sequence[CountingNeeds]) -> None:
        """Read in advance, in one read, everything that counting and judging of several batches needs.

        Batches beyond ``READ_AHEAD_PLAYERS`` players read for themselves later.
        """
        chosen, left = list[CountingNeeds](), READ_AHEAD_PLAYERS
        for one in needs:
            if one.days and len(one.players) <= left:
                left -= len(one.players)
                chosen.append(one)
        if not chosen:
            return
        lookups = [self.of_server(one.scope).list_lookups(one) for one in chosen]
        found = iter(self._transaction.find_together([*chain(*lookups)], hint="player"))
        for one, own in zip(chosen, lookups, strict=True):
            self.of_server(one.scope).take_in(one, list(islice(found, len(own))))

    def finish(self) -> None:
        """Carry out the collected writes.

        Raises:
            CursorMovedError: a cursor was changed after it was read.
            StorageConflictError: a new document exists already.
        """
        for unit in self._units.values():
            unit.finish()
        self._writes.carry_out()
