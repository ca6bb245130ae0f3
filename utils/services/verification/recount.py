"""A recount that writes nothing: it compares what a new generation would hold with what is shown.

It goes the way of an import's recount (``count_anew``), as its storage.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from utils.models.deaths import Death
from utils.models.players import PlayerDay, PlayerRecord, ServerMonth
from utils.models.scope import ERASED_PLAYER_ID, GuildId, ServerScope
from utils.models.verification import ShownServer
from utils.models.xp import XpEvents
from utils.services.ingestion.fingerprint import build_scope_prefix, compute_death_id
from utils.services.verification.stores import WholeData
from utils.services.verification.verifier import is_same_month, is_same_player


class ComparedGeneration:
    """Takes the counters of a recount, and compares them with those that are shown.

    Args:
        pause: is awaited after each piece of deaths.

    Attributes:
        deaths: the number of deaths so far.
        denied: the ids of deaths that cannot be read, or whose fields do not give their own id.
        wrong: the number of players, days and months that are not as they should be.
    """

    def __init__(self, data: WholeData, server: ShownServer, *, pause: Callable[[], Awaitable[None]]) -> None:
        self._data = data
        self._server = server
        self._pause = pause
        self._months: set[str] = set()
        self.deaths = 0
        self.denied: list[bytes] = []
        self.wrong = 0

    async def iterate_deaths(self, scope: ServerScope, *, batch: int) -> AsyncIterator[Sequence[Death]]:
        """Yield every death that can be read, and look at each of them."""
        prefix = build_scope_prefix(scope)
        for piece in self._data.iterate_deaths(scope, batch=batch):
            self.denied += piece.unreadable
            self.denied += [death.id for death in piece.deaths if denies_id(death, prefix)]
            self.deaths += len(piece.deaths)
            yield piece.deaths
            await self._pause()

    async def list_xp_events(self, guild_id: GuildId) -> XpEvents:
        """Return the times in which kills of a guild give more XP."""
        return self._data.list_xp_events(guild_id)

    async def drop_generation(self, scope: ServerScope, generation: int) -> None:
        """Do nothing: nothing was written."""

    async def write_generation(
        self,
        scope: ServerScope,
        generation: int,
        *,
        players: Sequence[PlayerRecord] = (),
        days: Sequence[PlayerDay] = (),
        months: Sequence[ServerMonth] = (),
    ) -> None:
        """Compare counters: of days all of their months, of players and months all there are."""
        del scope, generation
        if days:
            self._compare_days(days)
        else:
            self._compare_players(players)
            self._compare_months(months)
        await self._pause()

    def finish(self) -> None:
        """Count the months of days that no death is in."""
        self.wrong += len(set(self._data.list_months_of_days(self._server)) - self._months)

    def _compare_days(self, days: Sequence[PlayerDay]) -> None:
        months = {f"{day.day:%Y-%m}" for day in days}
        self._months |= months
        stored = set(self._data.iterate_days(self._server, months))
        self.wrong += len({(day.player_id, day.day) for day in stored ^ set(days) if day is not None})
        self.wrong += None in stored

    def _compare_players(self, players: Sequence[PlayerRecord]) -> None:
        counted = {player.player_id: player for player in players}
        for player_id, stored in self._data.iterate_players(self._server):
            player = counted.pop(player_id, None)
            if player is None or stored is None or not is_same_player(stored, player):
                self.wrong += 1
        self.wrong += len(counted)

    def _compare_months(self, months: Sequence[ServerMonth]) -> None:
        stored = self._data.read_months(self._server)
        counted = {month.month: month for month in months}
        if stored is None:
            self.wrong += 1
            return
        self.wrong += len(stored.keys() ^ counted.keys())
        self.wrong += sum(
            not is_same_month(stored[key], counted[key]) for key in stored.keys() & counted.keys()
        )


def denies_id(death: Death, prefix: bytes) -> bool:
    """Tell whether the fields of a death do not give its own id; those of erased players cannot."""
    if ERASED_PLAYER_ID in (death.row.killer_id, death.row.victim_id):
        return False
    return compute_death_id(prefix, death.row) != death.id
