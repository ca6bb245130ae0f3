"""Makes the notice about the results of a season."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from utils.models.notices.notice import compute_event_id
from utils.models.notices.seasons import SeasonNotice, SeasonPlace
from utils.models.scope import ERASED_PLAYER_ID
from utils.models.seasons import Season, SeasonResult

TOLD_PLACES = 3


def build_season_notice(
    season: Season, results: Sequence[SeasonResult], *, game_server: str, at: datetime
) -> SeasonNotice:
    """Return the notice with the first three of each board; erased players are left out."""
    places = tuple(place for result in results for place in _list_places(result))
    return SeasonNotice(
        event_id=compute_event_id(f"{season.guild_id};season;{season.season_id}"),
        server_name="",
        at=at,
        season=season.name,
        game_server=game_server,
        places=places,
    )


def _list_places(result: SeasonResult) -> Iterator[SeasonPlace]:
    for row in result.rows[:TOLD_PLACES]:
        if row.player_id != ERASED_PLAYER_ID:
            yield SeasonPlace(result.board, row.rank, row.name, round(row.value * 100))
    for faction in result.factions[:TOLD_PLACES]:
        yield SeasonPlace(result.board, faction.rank, faction.name, faction.kills * 100)
