"""The post about the results of a season."""

from collections.abc import Sequence
from datetime import datetime

import discord

from utils.embeds.notices.look import NoticeLook, VariantLook, write_line, write_title
from utils.embeds.players import BOARDS, write_place
from utils.embeds.style import Style
from utils.embeds.values import frame, join_facts, show_money, show_name
from utils.models.notices.seasons import SeasonEvent, SeasonNotice, SeasonPlace
from utils.models.statistics import BOARD_CHOICES, Board
from utils.models.texts import Command, Value, join, text

HUNDREDTHS = 100
SAMPLE_KILLS = (120, 96, 81)


def build_season_notice_embed(style: Style, look: VariantLook, notice: SeasonNotice) -> discord.Embed:
    """Return the card with the first three of each board."""
    if notice.places:
        said: Value = text("{results} shows everybody.", results=Command("season results"))
    else:
        said = text("Nobody had a kill.")
    season: Value = text("**{season}**", season=show_name(notice.season))
    server = (show_name(notice.game_server),) if notice.game_server else ()
    named = style.write(join_facts([season, *server]))
    embed = discord.Embed(
        title=write_title(style, look, notice),
        description="\n".join((named, write_line(style, look, notice), style.write(said))),
        colour=look.colour,
    )
    for board in dict.fromkeys(place.board for place in notice.places):
        rows = [_show(style, place) for place in notice.places if place.board is board]
        style.add_field(embed, BOARD_CHOICES[board], join(rows, "\n"), inline=True)
    return embed


def build_sample_seasons(
    style: Style, *, event_id: bytes, server_name: str, at: datetime
) -> Sequence[SeasonNotice]:
    """Return invented results."""
    name = style.write_plain(text("Sample player"))
    places = tuple(
        SeasonPlace(Board.KILLS, place, name, kills * HUNDREDTHS)
        for place, kills in enumerate(SAMPLE_KILLS, start=1)
    )
    return [
        SeasonNotice(
            event_id=event_id,
            server_name=server_name,
            at=at,
            season=style.write_plain(text("Sample season")),
            game_server=server_name,
            places=places,
        )
    ]


def _show(style: Style, place: SeasonPlace) -> Value:
    look, value = BOARDS[place.board], place.hundredths / HUNDREDTHS
    shown = show_money(style.theme, round(value)) if look.is_money else look.show_value(value)
    medal = write_place(style, place.place)
    return frame(f"{medal} {{facts}}", facts=join_facts([show_name(place.name), shown]))


SEASON_LOOK = NoticeLook(
    {SeasonEvent.CLOSED: VariantLook(0xB08A3E, "🏁", "", "season.closed")},
    build=build_season_notice_embed,
    samples=build_sample_seasons,
)
