"""Boards: the pipelines that rank players, decided without I/O.

A pipeline sums each player over the shown generations of some servers, from ``players``, or over days from
``player_days``, and returns ties: the players of one value and one number of deaths, the best first. It
carries no more than that order needs, for with 20,000 players every field costs its share of the answer.
Names decide within a tie; they and full counters are read afterwards, for the ties that a page touches alone.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from utils.database.player_documents import format_month
from utils.models.scope import ERASED_PLAYER_ID, PlayerId

Document = dict[str, Any]

KNOWN: Mapping[str, Any] = {"player_id": {"$ne": ERASED_PLAYER_ID}}
"""Leaves out those who were erased: many under one name, they have no place among players."""

_KD = {"$round": [{"$divide": ["$kills", {"$max": ["$deaths", 1]}]}, 2]}
SOURCES: Mapping[str, str] = {
    "kills": "kills",
    "deaths": "deaths",
    "kd": "kills",
    "streak": "best_streak",
    "longest": "longest",
    "suicides": "suicides",
}
"""The counter that each board ranks by."""

_BEST = frozenset({"longest", "best_streak"})  # the best of any; everything else adds up
_INDEXED = frozenset({"kills", "deaths"})  # stand in the index ``board``, so no document is read


@dataclass(frozen=True, slots=True)
class Shown:
    """Servers that show one generation of counters."""

    generation: int
    server_ids: tuple[str, ...]

    @property
    def query(self) -> Document:
        """The filter of their counters."""
        return {"generation": self.generation, "server_id": {"$in": list(self.server_ids)}}


def group_shown(servers: Sequence[Document]) -> tuple[Shown, ...]:
    """Return servers by the generation they show; mostly all show the same."""
    by_generation: dict[int, list[str]] = {}
    for server in servers:
        by_generation.setdefault(server["generation"], []).append(server["server_id"])
    return tuple(Shown(key, tuple(sorted(ids))) for key, ids in sorted(by_generation.items()))


def build_match(shown: Sequence[Shown], query: Mapping[str, Any]) -> Document:
    """Return the filter of what servers show and a query; one generation spares the planner an ``$or``."""
    if len(shown) == 1:
        return {**shown[0].query, **query}
    return {"$or": [{**one.query, **query} for one in shown]}


def choose_hint(board: str, since: date | None) -> str:
    """Return the index a board over all players is read by."""
    if since is not None:
        return "month"
    return "board" if SOURCES[board] in _INDEXED else "player"


def list_months(since: date) -> list[str]:
    """Return the months that hold the days from ``since`` on, for the 31 days at most that periods have."""
    first = since.replace(day=1)
    second = (first + timedelta(days=32)).replace(day=1)
    third = (second + timedelta(days=32)).replace(day=1)
    return [format_month(month) for month in (first, second, third)]


def build_totals(shown: Sequence[Shown], board: str, query: Mapping[str, Any]) -> list[Document]:
    """Return the stages that sum players who fit a query over servers, all time."""
    fields = ("kills", "deaths", SOURCES[board])
    sums = {field: _build_sum(field, f"$counters.{field}") for field in fields}
    return [{"$match": build_match(shown, query)}, {"$group": {"_id": "$player_id", **sums}}]


def build_day_totals(
    shown: Sequence[Shown], board: str, query: Mapping[str, Any], since: date
) -> list[Document]:
    """Return the stages that sum players who fit a query over servers and days."""
    fields = ("kills", "deaths", SOURCES[board])
    sums = {
        field: _build_sum(field, {"$max" if field in _BEST else "$sum": f"$days.{field}"}) for field in fields
    }
    first, *later = list_months(since)
    # whoever did nothing on those days of the first month is left out before his days are looked at
    is_active = {"$or": [{"month": first, "days.day": {"$gte": since.day}}, {"month": {"$in": later}}]}
    wanted = {**query, "month": {"$in": [first, *later]}, **is_active}
    return [
        {"$match": build_match(shown, wanted)},
        {"$project": {"_id": 0, "player_id": 1, "days": build_days_since(since)}},
        {"$group": {"_id": "$player_id", **sums}},
    ]


def build_days_since(since: date) -> Document:
    """Return the days of a bucket from ``since`` on."""
    later = {"$gte": ["$$this.day", since.day]}
    in_first = {"$eq": ["$month", format_month(since)]}
    return {"$cond": [in_first, {"$filter": {"input": "$days", "cond": later}}, "$days"]}


def build_ties(board: str, *, minimum_kills: int) -> list[Document]:
    """Return the stages that put players with a value above 0 and enough kills into ties, best first."""
    value = _KD if board == "kd" else f"${SOURCES[board]}"
    key = {"value": "$value", "deaths": "$deaths"}
    return [
        {"$set": {"value": value}},
        {"$match": {"value": {"$gt": 0}, "kills": {"$gte": minimum_kills}}},
        {"$group": {"_id": key, "player_ids": {"$push": "$_id"}}},
        {"$sort": {"_id.value": -1, "_id.deaths": 1}},
    ]


@dataclass(frozen=True, slots=True)
class Tie:
    """Players of one place but for their names."""

    value: float
    deaths: int
    player_ids: tuple[PlayerId, ...]


def read_tie(document: Document) -> Tie:
    """Return the tie of a result."""
    key = document["_id"]
    return Tie(float(key["value"]), int(key["deaths"]), tuple(map(PlayerId, document["player_ids"])))


def cut_ties(ties: Iterable[Tie], *, limit: int, offset: int) -> tuple[int, list[Tie]]:
    """Return the ties that a page touches, and how many places are before them."""
    touched: list[Tie] = []
    before = start = 0
    for tie in ties:
        end = before + len(tie.player_ids)
        if end > offset and before < offset + limit:
            start = start if touched else before
            touched.append(tie)
        before = end
    return start, touched


def find_tie(ties: Iterable[Tie], player_ids: Collection[PlayerId]) -> tuple[int, Tie, PlayerId] | None:
    """Return the best tie that holds one of these players, the places before it, and that player."""
    before = 0
    for tie in ties:
        held = [player_id for player_id in tie.player_ids if player_id in player_ids]
        if held:
            return before, tie, held[0]
        before += len(tie.player_ids)
    return None


def _build_sum(field: str, value: object) -> Document:
    return {"$max" if field in _BEST else "$sum": value}
