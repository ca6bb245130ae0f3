"""The names of one guild's players for search; each name is folded once, when it is added."""

import asyncio
import heapq
from bisect import bisect_left, insort
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from utils.models.deaths import Death
from utils.models.labels import MARK_SIGN, SEPARATOR, fold_label, make_mark
from utils.models.players import KnownPlayer
from utils.models.scope import PlayerId, ServerId, ServerScope
from utils.models.typed_text import TYPED_CHARACTERS, fold_text
from utils.services.players.close_names import is_close

SLICE_PLAYERS = 250  # players handled before the event loop runs again: a few milliseconds
SEARCHED_PLAYERS = 500  # players searched before the event loop runs again
MOST_COMPARED = 2_000_000  # pairs of letters and names in a search for similar names: a tenth of a second
MOST_WEIGHED = 50  # names that share most pairs; the letters of these are compared
NAME_BORDER = "\n"  # is in no name: the log has one row a line


Rank = tuple[int, str, PlayerId]


@dataclass(slots=True)
class _Entry:
    """A player with folded names.

    Attributes:
        rank: the unique place among the others: most kills first, then by name.
        folded: all names, folded, between borders.
        label: the folded label under which the player is offered.
    """

    player: KnownPlayer
    rank: Rank
    folded: str
    label: str


class NameIndex:
    """Players by id and by any part of any of their names, best known first."""

    def __init__(self) -> None:
        self._by_id: dict[PlayerId, _Entry] = {}
        self._by_label: dict[str, dict[PlayerId, None]] = {}  # in order of arrival
        self._ranked: list[_Entry] = []  # always sorted: sorting all of them would block the event loop
        self._turn = asyncio.Lock()  # one search at a time, so that others wait for only one slice

    @classmethod
    async def build(cls, players: Sequence[KnownPlayer]) -> "NameIndex":
        """Return an index of players, made in slices so that the event loop is not blocked."""
        index = cls()
        slices: list[list[_Entry]] = []
        for start in range(0, len(players), SLICE_PLAYERS):
            entries = [index._enter(player) for player in players[start : start + SLICE_PLAYERS]]
            slices.append(sorted(entries, key=_get_rank))
            await asyncio.sleep(0)
        merged = heapq.merge(*slices, key=_get_rank)
        while some := list(islice(merged, SLICE_PLAYERS)):
            index._ranked += some
            await asyncio.sleep(0)
        return index

    def put(self, player: KnownPlayer) -> None:
        """Add or replace a player."""
        before = self._by_id.get(player.player_id)
        if before is not None:
            del self._ranked[bisect_left(self._ranked, before.rank, key=_get_rank)]
        insort(self._ranked, self._enter(player), key=_get_rank)

    def _enter(self, player: KnownPlayer) -> _Entry:
        """Store the names of a player; the caller keeps the order."""
        entry = self._by_id.get(player.player_id)
        if entry is None:
            entry = self._by_id[player.player_id] = _Entry(player, (0, "", player.player_id), "", "")
            self._write_names(entry, player)
        elif player.names != entry.player.names or player.name != entry.player.name:
            self._write_names(entry, player)
        entry.player, entry.rank = player, (-player.kills, entry.rank[1], player.player_id)
        return entry

    def _write_names(self, entry: _Entry, player: KnownPlayer) -> None:
        names = {name: fold_text(name) for name in (*player.names, player.name)}
        entry.folded = f"{NAME_BORDER}{NAME_BORDER.join(dict.fromkeys(names.values()))}{NAME_BORDER}"
        entry.rank = (-player.kills, names[player.name], player.player_id)
        label = fold_label(player.name, names[player.name])
        if label == entry.label:
            return
        before = self._by_label.get(entry.label, {})
        before.pop(player.player_id, None)
        if not before:
            self._by_label.pop(entry.label, None)
        self._by_label.setdefault(label, {})[player.player_id] = None
        entry.label = label

    def find(self, player_id: PlayerId) -> KnownPlayer | None:
        """Return the player with an id."""
        entry = self._by_id.get(player_id)
        return entry.player if entry else None

    def knows(self, text: str) -> bool:
        """Tell whether a text is the id, the label or the newest name of a player."""
        return (
            PlayerId(text) in self._by_id
            or fold_text(text) in self._by_label
            or self.find_marked(text) is not None
        )

    async def search(
        self, part: str, *, limit: int, server_ids: Collection[ServerId] = frozenset()
    ) -> list[KnownPlayer]:
        """Return the best known players with a name that holds a folded text, in slices.

        With ``server_ids`` only players who were seen on one of these servers.
        """
        found: list[KnownPlayer] = []
        async with self._turn:
            ranked = tuple(self._ranked)
            for start in range(0, len(ranked), SEARCHED_PLAYERS):
                fitting = (
                    entry.player for entry in ranked[start : start + SEARCHED_PLAYERS] if part in entry.folded
                )
                found += islice(select_seen(fitting, server_ids), limit - len(found))
                if len(found) >= limit:
                    break
                await asyncio.sleep(0)
        return found

    async def search_exact(
        self, name: str, *, limit: int, server_ids: Collection[ServerId] = frozenset()
    ) -> list[KnownPlayer]:
        """Return the best known players with a name that equals a folded text, like ``search``."""
        return await self.search(f"{NAME_BORDER}{name}{NAME_BORDER}", limit=limit, server_ids=server_ids)

    def search_labelled(self, label: str) -> Iterator[KnownPlayer]:
        """Yield every player with a folded label, without its mark."""
        return (self._by_id[player_id].player for player_id in self._by_label.get(label, ()))

    def has_twins(self, label: str) -> bool:
        """Tell whether several players have a folded label, without its mark."""
        return len(self._by_label.get(label, ())) > 1

    def find_marked(self, text: str) -> KnownPlayer | None:
        """Return the player of a label with a mark, even if the rest of the label is out of date."""
        text = text[:TYPED_CHARACTERS]
        for end in _list_separators(text):
            rest = text[end + len(SEPARATOR) :].split(SEPARATOR)
            marks = {part for part in rest if part.startswith(MARK_SIGN)}
            twins = self._by_label.get(fold_text(text[:end]), ()) if marks else ()
            for player_id in twins:
                if make_mark(player_id) in marks:
                    return self._by_id[player_id].player
        return None

    async def list_closest(self, wanted: str, *, limit: int) -> tuple[str, ...]:
        """Return the names that are close to a folded text (``is_close``), closest first, found in a thread.

        A longer text is compared with fewer players: the best known ones.
        """
        end = min(len(wanted), TYPED_CHARACTERS) - 1
        pairs = {wanted[index : index + 2] for index in range(end)}
        if not pairs:
            return ()
        entries = self._ranked[: MOST_COMPARED // len(pairs)]
        return await asyncio.to_thread(_find_closest, wanted, pairs, entries, limit)

    def learn(self, scope: ServerScope, death: Death) -> None:
        """Add the players of a new death."""
        row = death.row
        self._see(scope, death, row.victim_id, row.victim_name, kills=0)
        if row.killer_id is not None and row.kind.is_kill:
            self._see(scope, death, row.killer_id, row.killer_name, kills=1)

    def _see(self, scope: ServerScope, death: Death, player_id: PlayerId, name: str, *, kills: int) -> None:
        before = self.find(player_id)
        if before is None:
            self.put(KnownPlayer(player_id, name, (name,), kills, death.at, (scope.server_id,)))
            return
        is_late = death.at < before.last_seen_at  # a row that appeared after newer ones
        self.put(
            KnownPlayer(
                player_id=player_id,
                name=before.name if is_late else name,
                names=tuple(dict.fromkeys((*before.names, name))),
                kills=before.kills + kills,
                last_seen_at=max(before.last_seen_at, death.at),
                servers=tuple(dict.fromkeys((*before.servers, scope.server_id))),
            )
        )


def select_seen(players: Iterable[KnownPlayer], server_ids: Collection[ServerId]) -> Iterator[KnownPlayer]:
    """Yield the players who were seen on one of the servers; all of them if no server is given."""
    servers = frozenset(server_ids)
    return (player for player in players if not servers or servers.intersection(player.servers))


def _list_separators(text: str) -> list[int]:
    """Return where separators begin; they may overlap, because a name may end like a separator begins."""
    return [index for index in range(len(text)) if text.startswith(SEPARATOR, index)]


def _get_rank(entry: _Entry) -> Rank:
    return entry.rank


def _find_closest(
    wanted: str, pairs: Collection[str], entries: Sequence[_Entry], limit: int
) -> tuple[str, ...]:
    scored = (
        (sum(pair in entry.rank[1] for pair in pairs), entry.player.kills, entry.player.name, entry.rank[1])
        for entry in entries
    )
    best = heapq.nlargest(MOST_WEIGHED, (score for score in scored if score[0]))
    close = (name for shared, _, name, folded in best if is_close(wanted, folded, shared / len(pairs)))
    return tuple(islice(close, limit))
