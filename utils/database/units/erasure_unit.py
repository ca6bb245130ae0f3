"""One step of an erasure: some deaths of a player become nobody's, and both are counted anew with them."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from utils.database.core.database import Document, SafeDatabase
from utils.database.core.gathered_writes import GatheredWrites
from utils.database.core.scoped import ScopedCollection
from utils.database.core.sessions import Session
from utils.database.documents.death_documents import decode_deaths
from utils.database.repositories.ingestion import TransactionUnit
from utils.database.units.count_lock import hold_counts, void_import
from utils.database.units.money_unit import MoneyTransaction
from utils.database.units.server_numbers import draw_numbers
from utils.models.deaths import Death
from utils.models.players import PlayerDay, PlayerRecord
from utils.models.scope import ERASED_NAME, ERASED_PLAYER_ID, PlayerId, ServerScope

_SIDES = ("killer", "victim")


class ErasureTransaction:
    """One open transaction over one server's deaths, figures and bounties.

    Attributes:
        money: wallets and bounties within this very transaction.
    """

    def __init__(self, database: SafeDatabase, scope: ServerScope, session: Session) -> None:
        self._database = database
        self._scope = scope
        self._session = session
        self.money = MoneyTransaction(database, scope, session)
        self._writes = GatheredWrites(database, session)
        self._counted = TransactionUnit(database, scope, session, self._writes)

    async def hold_counts(self) -> int | None:
        """Let no import begin meanwhile; return the shown generation, None without a server."""
        await hold_counts(self._of("cursors"), session=self._session)
        server = await self._of("game_servers").find_one(
            {}, projection={"generation": 1}, session=self._session
        )
        return None if server is None else int(server["generation"])

    async def list_deaths_of(self, player_id: PlayerId) -> Sequence[Death]:
        """Return every stored death row a player takes part in, in order."""
        found: dict[bytes, Death] = {}
        for side in _SIDES:
            pieces = await self._of("kills").find_raw(
                {f"{side}_id": player_id}, sort=[("written_at", 1)], hint=side, session=self._session
            )
            for encoded in pieces:
                found.update((death.id, death) for death in decode_deaths(encoded))
        return sorted(found.values(), key=_get_order)

    async def rename_deaths(self, player_id: PlayerId, deaths: Sequence[Death]) -> None:
        """Make a player's part in deaths nobody's: id, name and platform; the ``_id`` stays.

        An import that is under way counts again.
        """
        await void_import(self._of("cursors"), session=self._session)
        await self._count_change()
        for side in _SIDES:
            own = {"_id": {"$in": [death.id for death in deaths]}, f"{side}_id": player_id}
            update: Document = {
                "$set": {f"{side}_id": ERASED_PLAYER_ID, f"{side}_name": ERASED_NAME},
                "$unset": {f"{side}_platform": ""},
            }
            await self._of("kills").update_many(own, update, session=self._session)

    async def delete_figures(self, player_id: PlayerId) -> None:
        """Delete a player's counters of all time and of their days, in every generation."""
        # MongoDB looks at the last field of an index when each one before it has a bound
        own: Document = {"generation": {"$gte": 0}, "player_id": player_id}
        await self._count_change()
        await self._of("players").delete(own, session=self._session)
        await self._of("player_days").delete({**own, "month": {"$gte": ""}}, session=self._session)

    async def replace_figures(
        self, player: PlayerRecord, days: Iterable[PlayerDay], *, generation: int
    ) -> None:
        """Write a player's counters and those of their days."""
        await self._counted.replace_players([player], generation=generation)
        await self._counted.replace_days(days, generation=generation)
        await self._writes.carry_out()

    async def _count_change(self) -> None:
        """Count a batch, so that what is kept in memory is read anew."""
        await draw_numbers(self._database, self._scope, changes_counters=True, session=self._session)

    def _of(self, name: str) -> ScopedCollection:
        return ScopedCollection.of_server(self._database, name, self._scope)


def _get_order(death: Death) -> tuple[datetime, str, str, int]:
    return death.order
