"""The posts about joins and leaves: one of each kind a read, however many players come and go."""

from collections.abc import Sequence

from utils.models.notices.notice import Notice, compute_event_id
from utils.models.notices.visits import MOST_NAMES, NamedVisit, VisitEvent, VisitNotice
from utils.models.scope import ServerScope
from utils.services.presence.announcing import PresenceNews


def build_notices(scope: ServerScope, server_name: str, news: PresenceNews) -> Sequence[Notice]:
    """Return the posts of a read: the players who are back after a restart, who joined, and who left."""
    at = news.state.newest_at
    if at is None:
        return []
    joined = [NamedVisit(name) for name in news.joined]
    left = [NamedVisit(one.name, int(one.played.total_seconds())) for one in news.left]
    notices: list[Notice] = []
    for event, visits, count in (
        (VisitEvent.RETURNED, [], news.returned),
        (VisitEvent.JOINED, joined, len(joined)),
        (VisitEvent.LEFT, left, len(left)),
    ):
        if count:
            matter = f"{scope};{event};{at.isoformat()};{[one.name for one in visits]}"
            notices.append(
                VisitNotice(
                    event_id=compute_event_id(matter),
                    server_name=server_name,
                    at=at,
                    event=event,
                    players=tuple(visits[:MOST_NAMES]),
                    count=count,
                )
            )
    return notices
