"""Makes the notice of a recap."""

from datetime import datetime

from utils.models.notices.notice import compute_event_id
from utils.models.notices.recaps import RecapFact, RecapNotice, RecapPlace, RecapRival, RecapServer
from utils.models.recaps import RecapFigures, RecapServerFigures, RecapSpan
from utils.models.scope import GuildId


def build_recap_notice(
    guild_id: GuildId, span: RecapSpan, figures: RecapFigures, *, at: datetime
) -> RecapNotice:
    """Return the notice; a guild with one game server is not compared with itself."""
    best = {
        RecapFact.MVP: figures.mvp,
        RecapFact.LONGEST: figures.longest,
        RecapFact.STREAK: figures.streak,
    }
    rivals = (figures.rivalry.first, figures.rivalry.second) if figures.rivalry else ()
    return RecapNotice(
        event_id=compute_event_id(f"{guild_id};recap;{span.kind};{span.key}"),
        server_name="",
        at=at,
        kind=span.kind,
        first_day=span.first_day.isoformat(),
        last_day=span.last_day.isoformat(),
        kills=figures.kills,
        kills_before=figures.kills_before,
        killers=figures.killers,
        places=tuple(
            RecapPlace(fact, one.name, one.value, figures.mvp_xp if fact is RecapFact.MVP else None)
            for fact, one in best.items()
            if one is not None
        ),
        weapon=figures.weapon.name if figures.weapon else "",
        weapon_kills=figures.weapon.count if figures.weapon else 0,
        rivals=tuple(RecapRival(one.name, one.value) for one in rivals),
        servers=tuple(map(_build_server, figures.servers)) if len(figures.servers) > 1 else (),
    )


def _build_server(figures: RecapServerFigures) -> RecapServer:
    first = figures.first
    return RecapServer(
        figures.name,
        figures.kills,
        figures.killers,
        first.name if first else "",
        first.value if first else 0,
    )
