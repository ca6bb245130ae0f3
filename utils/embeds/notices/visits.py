"""The posts of the connections channel: a line for each player who joined or left."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import discord

from utils.embeds.notices.look import NoticeLook, VariantLook
from utils.embeds.style import Style
from utils.embeds.values import join_facts, show_name
from utils.models.notices.notice import Notice
from utils.models.notices.visits import NamedVisit, VisitEvent, VisitNotice
from utils.models.post_styles import PostStyle
from utils.models.texts import Span, Text, Value, plural, text


def write_visit_lines(style: Style, look: VariantLook, notice: VisitNotice) -> str:
    """Return the lines of a post: one for each name, and one for all others."""
    told = [_tell(notice.event, visit) for visit in notice.players]
    others = notice.count - len(told)
    if notice.event is VisitEvent.RETURNED:
        told = [
            plural(
                "Back after the restart: {count} player", "Back after the restart: {count} players", others
            )
        ]
    elif others > 0:
        told.append(plural("and {count} more", "and {count} more", others))
    server = show_name(notice.server_name)
    facts: list[list[Value]] = [[one, server] if server else [one] for one in told]
    return "\n".join(f"{look.mark} {style.write(join_facts(one))}" for one in facts)


def build_visit_embed(style: Style, look: VariantLook, notice: VisitNotice) -> discord.Embed:
    """Return the same lines as a card."""
    return discord.Embed(description=write_visit_lines(style, look, notice), colour=look.colour)


def build_sample_visits(
    style: Style, *, event_id: bytes, server_name: str, at: datetime
) -> Sequence[VisitNotice]:
    """Return an invented player who joined, and one who left."""
    played = timedelta(hours=2, minutes=5)
    players = {
        VisitEvent.JOINED: NamedVisit(style.write_plain(text("Sample player"))),
        VisitEvent.LEFT: NamedVisit(style.write_plain(text("Other player")), int(played.total_seconds())),
    }
    return [
        VisitNotice(event_id=event_id, server_name=server_name, at=at, event=event, players=(player,))
        for event, player in players.items()
    ]


def _tell(event: VisitEvent, visit: NamedVisit) -> Text:
    name = show_name(visit.name)
    if event is VisitEvent.JOINED:
        return text("**{player}** joined", player=name)
    played = Span(timedelta(seconds=visit.seconds))
    return text("**{player}** left after {time}", player=name, time=played)


def _always(notice: Notice, style: PostStyle) -> bool:
    del notice, style
    return True


VISIT_LOOK = NoticeLook(
    {
        VisitEvent.JOINED: VariantLook(0x4F8A4C, "📥", "", ""),
        VisitEvent.LEFT: VariantLook(0x5B6B7A, "📤", "", ""),
        VisitEvent.RETURNED: VariantLook(0x4F8A4C, "🔁", "", ""),
    },
    build=build_visit_embed,
    samples=build_sample_visits,
    write=write_visit_lines,
    is_line=_always,
)
