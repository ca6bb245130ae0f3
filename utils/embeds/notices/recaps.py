"""The post of a recap: a day or a week on the game servers."""

from collections.abc import Awaitable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

import discord

from utils.embeds.charts.painter import ChartPainter
from utils.embeds.notices.look import NoticeLook, VariantLook, write_line, write_title
from utils.embeds.pictures import Picture
from utils.embeds.players import describe_days
from utils.embeds.style import Style
from utils.embeds.values import count_kills, frame, join_facts, show_name, show_weapon
from utils.models.lasting_buttons import LastingButton
from utils.models.levels import RankReport
from utils.models.notices.recaps import RecapFact, RecapNotice, RecapPlace, RecapRival
from utils.models.notifications import NOTIFY
from utils.models.players import NamedPlayer
from utils.models.recaps import RECAP_PLACE, RecapKind, RecapSpan
from utils.models.scope import PlayerId
from utils.models.statistics import PlayerPlace
from utils.models.texts import Metres, Number, Text, Value, join, plural, text

SHOWN_SERVERS = 10
SAMPLE_KILLS, SAMPLE_BEFORE, SAMPLE_KILLERS = 412, 377, 38
SAMPLE_PLACES = (
    RecapPlace(RecapFact.MVP, "", 57, PlayerPlace(2_800, 4, 38)),
    RecapPlace(RecapFact.LONGEST, "", 436),
    RecapPlace(RecapFact.STREAK, "", 12),
)
SAMPLE_WEAPON, SAMPLE_WEAPON_KILLS = "AK-SU", 74
SAMPLE_RIVALS = (7, 5)

FACT_NAMES: Mapping[RecapFact, Text] = {
    RecapFact.MVP: text("MVP"),
    RecapFact.LONGEST: text("Longest shot"),
    RecapFact.STREAK: text("Best streak"),
}


def build_recap_embed(style: Style, look: VariantLook, notice: RecapNotice) -> discord.Embed:
    """Return the card with the figures of the days."""
    days = describe_days(date.fromisoformat(notice.first_day), date.fromisoformat(notice.last_day))
    server = (show_name(notice.server_name),) if notice.server_name else ()
    said = join([_describe_kills(notice), _describe_change(notice)])
    lines = (style.write(join_facts([days, *server])), write_line(style, look, notice), style.write(said))
    embed = discord.Embed(
        title=write_title(style, look, notice), description="\n".join(lines), colour=look.colour
    )
    for name, value in _list_fields(notice):
        style.add_field(embed, name, value, inline=True)
    if notice.servers:
        style.add_field(embed, text("Game servers"), join(tuple(_list_servers(notice)), "\n"))
    return embed


def build_sample_recaps(
    style: Style, *, event_id: bytes, server_name: str, at: datetime
) -> Sequence[RecapNotice]:
    """Return an invented week."""
    name = style.write_plain(text("Sample player"))
    other = style.write_plain(text("Sample rival"))
    monday = at.date() - timedelta(days=at.weekday() + 7)
    return [
        RecapNotice(
            event_id=event_id,
            server_name=server_name,
            at=at,
            kind=RecapKind.WEEKLY,
            first_day=monday.isoformat(),
            last_day=(monday + timedelta(days=6)).isoformat(),
            kills=SAMPLE_KILLS,
            kills_before=SAMPLE_BEFORE,
            killers=SAMPLE_KILLERS,
            places=tuple(replace(place, name=name) for place in SAMPLE_PLACES),
            weapon=SAMPLE_WEAPON,
            weapon_kills=SAMPLE_WEAPON_KILLS,
            rivals=tuple(
                RecapRival(rival, kills) for rival, kills in zip((name, other), SAMPLE_RIVALS, strict=True)
            ),
            servers=(),
        )
    ]


def list_recap_buttons(notice: RecapNotice) -> tuple[LastingButton, ...]:
    """Return the buttons that show everybody their own place on these days, and what they can be told."""
    first, last = date.fromisoformat(notice.first_day), date.fromisoformat(notice.last_day)
    is_daily = notice.kind is RecapKind.DAILY
    label = text("My place that day") if is_daily else text("My place that week")
    place = LastingButton(RECAP_PLACE, label, RecapSpan(notice.kind, first, last).argument, emoji="📍")
    return place, LastingButton(NOTIFY, text("Tell me …"), emoji="📨")


def draw_mvp(charts: ChartPainter, notice: RecapNotice) -> Awaitable[Picture] | None:
    """Draw the card of the MVP; None without one, as after their erasure."""
    for place in notice.places:
        if place.xp is not None:
            return charts.draw_rank(RankReport((NamedPlayer(PlayerId(""), place.name),), place.xp))
    return None


def _describe_kills(notice: RecapNotice) -> Text:
    players = plural("{count} player", "{count} players", notice.killers)
    return text("**{kills}** by {players}.", kills=count_kills(notice.kills), players=players)


def _describe_change(notice: RecapNotice) -> Text:
    """Return the difference from the day or the week before."""
    is_daily, more = notice.kind is RecapKind.DAILY, notice.kills - notice.kills_before
    if notice.kills_before == 0:
        return text("The day before had none.") if is_daily else text("The week before had none.")
    if more == 0:
        return text("The day before had as many.") if is_daily else text("The week before had as many.")
    return _describe_difference(more, is_daily=is_daily)


def _describe_difference(more: int, *, is_daily: bool) -> Text:
    number = Number(abs(more))
    if is_daily and more > 0:
        return text("That's {number} more than the day before.", number=number)
    if is_daily:
        return text("That's {number} fewer than the day before.", number=number)
    if more > 0:
        return text("That's {number} more than the week before.", number=number)
    return text("That's {number} fewer than the week before.", number=number)


def _list_fields(notice: RecapNotice) -> Iterator[tuple[Text, Value]]:
    for place in notice.places:
        yield FACT_NAMES[place.fact], join_facts([show_name(place.name), _show_value(place)])
    if notice.weapon_kills:
        kills = count_kills(notice.weapon_kills)
        yield text("Deadliest weapon"), join_facts([show_weapon(notice.weapon), kills])
    if notice.rivals:
        first, second = notice.rivals
        yield (
            text("Rivalry"),
            frame(
                "{first} **{kills}** : **{others}** {second}",
                first=show_name(first.name),
                kills=Number(first.kills),
                others=Number(second.kills),
                second=show_name(second.name),
            ),
        )


def _show_value(place: RecapPlace) -> Value:
    if place.fact is RecapFact.LONGEST:
        return Metres(place.value)
    if place.fact is RecapFact.STREAK:
        return plural("{count} in a row", "{count} in a row", place.value)
    return count_kills(place.value)


def _list_servers(notice: RecapNotice) -> Iterator[Text]:
    for one in notice.servers[:SHOWN_SERVERS]:
        facts: list[Value] = [frame("**{server}**", server=show_name(one.server)), count_kills(one.kills)]
        if one.first_name:
            facts.append(plural("{count} player", "{count} players", one.killers))
            facts.append(
                text(
                    "most by {player} ({number})",
                    player=show_name(one.first_name),
                    number=Number(one.first_kills),
                )
            )
        yield join_facts(facts)
    if (hidden := len(notice.servers) - SHOWN_SERVERS) > 0:
        yield plural("and {count} more game server", "and {count} more game servers", hidden)


RECAP_LOOK = NoticeLook(
    {
        RecapKind.DAILY: VariantLook(0x6F7F45, "🗞️", "", "recap.daily"),
        RecapKind.WEEKLY: VariantLook(0x6F7F45, "🗞️", "", "recap.weekly"),
    },
    build=build_recap_embed,
    samples=build_sample_recaps,
    list_buttons=list_recap_buttons,
    draw=draw_mvp,
)
