"""The answer of ``/admin recap``."""

import discord

from utils.embeds.replies import build_success_embed
from utils.embeds.style import Style
from utils.models.recaps import WEEKDAY_CHOICES, RecapKind, RecapOverview
from utils.models.texts import Command, Moment, Number, Text, Value, text, text_in


def build_recap_settings_embed(style: Style, overview: RecapOverview, *, is_saved: bool) -> discord.Embed:
    """Return when recaps are posted; ``is_saved``: after a change, not only asked for."""
    embed = build_success_embed(style, text("Recaps saved")) if is_saved else style.build(text("⚙️ Recaps"))
    settings = overview.settings
    hour = text("{hour}:00 {zone}", hour=Number(settings.hour), zone=overview.timezone)
    weekly = text(
        "{weekday} at {time}, about the last week from Monday to Sunday",
        weekday=WEEKDAY_CHOICES[settings.weekday],
        time=hour,
    )
    daily = text("every day at {time}, about the day before", time=hour)
    for kind, name, said in (
        (RecapKind.WEEKLY, text("Weekly recap"), weekly),
        (RecapKind.DAILY, text("Daily recap"), daily),
    ):
        style.add_field(embed, name, _show(overview, kind, said))
    if not overview.has_channel:
        set_up = Command("admin channel set")
        missing = text("No news channel is set, so I don't post recaps. Choose one with {set}.", set=set_up)
        style.add_field(embed, text("News channel"), missing)
    return embed


def _show(overview: RecapOverview, kind: RecapKind, said: Text) -> Value:
    """Return when a recap is posted, and when next."""
    if kind not in overview.settings.kinds:
        return text_in("a setting", "off")
    if not overview.has_channel:
        return said
    return text("{times}; next {moment}", times=said, moment=Moment(overview.next_at[kind]))
