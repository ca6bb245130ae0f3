"""One transaction that several game servers share: each has a part, what they need is read at once."""

from collections.abc import Collection, Sequence
from itertools import chain, islice

from utils.database.core.pending_writes import PendingWrites
from utils.database.core.transaction import Transaction
from utils.database.units.ingestion_unit import IngestionTransaction
from utils.errors import ScopeViolationError
from utils.models.reading import CountingNeeds
from utils.models.scope import GuildId, ServerScope

READ_AHEAD_PLAYERS = 100  # what is stored of them for a month is a few MB at the very most


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
        """Read at once what is asked for when several batches are counted and judged.

        Of more players than ``READ_AHEAD_PLAYERS`` each batch reads for itself.
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
        """Write what waited for the end.

        Raises:
            CursorMovedError: a cursor is not as it was read.
            StorageConflictError: a new document is there already.
        """
        for unit in self._units.values():
            unit.finish()
        self._writes.carry_out()
