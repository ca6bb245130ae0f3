"""How seasons and their results are stored."""

from utils.database.documents.codec import Codec, Document
from utils.models.scope import GuildId
from utils.models.seasons import Season, SeasonResult

SEASONS, RESULTS = Codec(Season, without=frozenset({"guild_id"})), Codec(SeasonResult)


def build_season_document(season: Season) -> Document:
    """Return the document of a season; ``is_moving``: the timer has something to do with it."""
    return {**SEASONS.build(season), "is_moving": season.state.is_moving}


def build_season_query(season: Season) -> Document:
    """Return the query for a season that is still as it was read."""
    stored = SEASONS.build(season)
    return {name: stored[name] for name in ("season_id", "state", "last_day")}


def read_season(guild_id: GuildId, document: Document) -> Season:
    """Return the season of a stored document."""
    return SEASONS.read(document, guild_id=guild_id)


def build_result_document(season: Season, result: SeasonResult) -> Document:
    """Return the document of a board's rows; each names season and board, so that its export tells all."""
    document = RESULTS.build(result)
    told = {"season": season.name, "board": result.board.value}
    return {**document, "rows": [{**row, **told} for row in document["rows"]]}


def read_result(document: Document) -> SeasonResult:
    """Return the rows of a stored document."""
    return RESULTS.read(document)
