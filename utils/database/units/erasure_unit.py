"""One step of an erasure: some deaths of a player go to "erased player", and both are counted again."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from utils.database.core.blocking import BlockingCollection
from utils.database.core.keys import build_key_range, build_key_since
from utils.database.core.operations import Document
from utils.database.core.pending_writes import PendingWrites
from utils.database.core.transaction import Transaction
from utils.database.documents.death_documents import KILLS, decode_deaths
from utils.database.units.count_lock import hold_counts, void_import
from utils.database.units.ingestion_unit import IngestionTransaction
from utils.database.units.level_unit import silence_levels
from utils.database.units.money_unit import MoneyTransaction
from utils.database.units.server_numbers import Draw, draw_numbers
from utils.models.deaths import Death
from utils.models.players import PlayerDay, PlayerRecord
from utils.models.scope import ERASED_NAME, ERASED_PLAYER_ID, PlayerId, ServerScope
from utils.models.xp import XpEvents

_SIDES = ("killer", "victim")
ZONES = timedelta(days=1)
"""No zone of a game server is further from UTC."""


class ErasureTransaction:
    """One open transaction over one server's deaths, figures and bounties.

    Attributes:
        money: wallets and bounties within this transaction.
    """

    money: MoneyTransaction

    def __init__(self, transaction: Transaction, scope: ServerScope) -> None:
        self._transaction = transaction
        self._scope = scope
        self.money = MoneyTransaction(transaction, scope)
        self._writes = PendingWrites(transaction)
        self._counted = IngestionTransaction(transaction, scope, self._writes)

    def hold_counts(self) -> int | None:
        """Keep imports from beginning; return the shown generation, or None without a server."""
        hold_counts(self._of("cursors"))
        server = self._of("game_servers").find_one({}, projection={"generation": 1})
        return None if server is None else int(server["generation"])

    def list_deaths_of(self, player_id: PlayerId) -> Sequence[Death]:
        """Return every stored death row a player takes part in, in order."""
        found: dict[bytes, Death] = {}
        for side in _SIDES:
            pieces = self._of("kills").find_raw(
                {f"{side}_id": player_id}, sort=[("written_at", 1)], hint=side
            )
            for encoded in pieces:
                found.update((death.id, death) for death in decode_deaths(encoded))
        return sorted(found.values(), key=lambda death: death.order)

    def rename_deaths(self, player_id: PlayerId, deaths: Sequence[Death]) -> None:
        """Replace a player's id, name and platform in deaths by those of "erased player"; the ``_id`` stays.

        A running import counts again.
        """
        self.outdate_counts()
        for side in _SIDES:
            own = {"_id": {"$in": [death.id for death in deaths]}, f"{side}_id": player_id}
            update: Document = {
                "$set": {f"{side}_id": ERASED_PLAYER_ID, f"{side}_name": ERASED_NAME},
                "$unset": {f"{side}_platform": ""},
            }
            self._of("kills").update_many(own, update)

    def delete_figures(self, player_id: PlayerId) -> None:
        """Delete a player's counters of all time and of their days, in every generation."""
        # MongoDB uses the last field of an index only if each field before it has a bound
        own: Document = {"generation": {"$gte": 0}, "player_id": player_id}
        self._count_change()
        self._of("players").delete(own)
        self._of("player_days").delete({**own, "month": {"$gte": ""}})

    def outdate_counts(self) -> None:
        """Let batches and imports that read earlier data run again, and standings in memory be read again."""
        void_import(self._of("cursors"))
        self._count_change()

    def list_killers(self, *, since: datetime) -> Sequence[PlayerId]:
        """Return the players with stored kills from a moment on (UTC)."""
        last = build_key_range(self._scope)[1]
        found = self._of("kills").find(
            {
                "_id": {"$gte": build_key_since(self._scope, (since - ZONES).date()), "$lte": last},
                "at": {"$gte": since},
                "kind": KILLS,
            },
            projection={"_id": 0, "killer_id": 1},
            hint="_id_",
        )
        return sorted({PlayerId(one["killer_id"]) for one in found})

    def list_xp_events(self) -> XpEvents:
        """Return the times in which kills of the guild give more XP."""
        return self._counted.list_xp_events()

    def silence_levels(self, player_id: PlayerId) -> None:
        """Let the next look take the level of a player's member as it is then, without telling it."""
        silence_levels(self._transaction, self._scope.guild_id, [player_id])

    def replace_figures(self, player: PlayerRecord, days: Iterable[PlayerDay], *, generation: int) -> None:
        """Write a player's counters and the counters of their days."""
        self._counted.replace_players([player], generation=generation)
        self._counted.replace_days(days, generation=generation)
        self._writes.carry_out()

    def _count_change(self) -> None:
        """Count a batch, so that the standings in memory are read again."""
        draw_numbers(self._transaction, self._scope, Draw({}, changes_counters=True))

    def _of(self, name: str) -> BlockingCollection:
        return self._transaction.of_server(name, self._scope)
