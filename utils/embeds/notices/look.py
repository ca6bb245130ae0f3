"""The parts of the look of a kind of notice, and the frame that all cards share."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

import discord

from utils.embeds.charts.painter import ChartPainter
from utils.embeds.pictures import Picture
from utils.embeds.style import Style
from utils.embeds.values import SEPARATOR, show_name
from utils.models.lasting_buttons import LastingButton
from utils.models.notices.notice import Notice
from utils.models.post_styles import PostStyle
from utils.models.texts import Value

N = TypeVar("N", bound=Notice)


@dataclass(frozen=True, slots=True)
class VariantLook:
    """The look of posts of one variant.

    Attributes:
        colour: 0xRRGGBB; also the background of its picture.
        mark: the emoji before the title, or before the line.
        picture: name of the file that is attached once to a message and shown by all its cards of the
            variant; empty for none.
        pool: name of its titles and lines in each language (``utils/localization/pools``); empty where it is
            never a card.
    """

    colour: int
    mark: str
    picture: str
    pool: str


def _get_variant(notice: Notice) -> StrEnum:
    return notice.variant


def is_always_line(notice: Notice, style: PostStyle) -> bool:
    """Be a line in every style."""
    del notice, style
    return True


def _list_no_buttons(notice: Notice) -> Sequence[LastingButton]:
    del notice
    return ()


def _draw_nothing(charts: ChartPainter, notice: Notice) -> None:
    del charts, notice


def _never(notice: Notice, style: PostStyle) -> bool:
    del notice, style
    return False


@dataclass(frozen=True, slots=True)
class NoticeLook(Generic[N]):
    """The look of one kind of notice.

    Attributes:
        variants: the look of each variant of the kind, and of what ``choose`` returns.
        build: returns the card of a notice; equal notices give equal cards, also after a restart.
        samples: makes invented notices for ``/admin channel test``, from the style and the facts that every
            notice has.
        choose: names the look of a notice; its variant, if that alone decides.
        write: returns the line of a notice; None if the kind has cards alone.
        is_line: tells whether a notice is a line in a channel of a style.
        list_buttons: names the lasting buttons below the message of a card.
        draw: draws the picture of a card from its facts; None if it has none.
    """

    variants: Mapping[StrEnum, VariantLook]
    build: Callable[[Style, VariantLook, N], discord.Embed]
    samples: Callable[..., Sequence[N]]
    choose: Callable[[N], StrEnum] = _get_variant
    write: Callable[[Style, VariantLook, N], str] | None = None
    is_line: Callable[[N, PostStyle], bool] = _never
    list_buttons: Callable[[N], Sequence[LastingButton]] = _list_no_buttons
    draw: Callable[[ChartPainter, N], Awaitable[Picture] | None] = _draw_nothing

    def find(self, notice: N) -> VariantLook:
        """Return the look of a notice."""
        return self.variants[self.choose(notice)]


def write_title(style: Style, look: VariantLook, notice: Notice, **places: Value) -> str:
    """Return the title that belongs to a notice, behind the mark."""
    parts = {name: style.write(value) for name, value in places.items()}
    return f"{look.mark} {style.words.pools[look.pool].choose_title(notice.event_id).format_map(parts)}"


def write_line(style: Style, look: VariantLook, notice: Notice, **places: Value) -> str:
    """Return the sentence that belongs to a notice, with foreign names highlighted."""
    parts = {name: _write_part(style, value) for name, value in places.items()}
    return style.words.pools[look.pool].choose_line(notice.event_id).format_map(parts)


def build_post(
    style: Style,
    look: VariantLook,
    notice: Notice,
    lines: Sequence[str],
    *,
    facts: Sequence[Value] = (),
    title: str = "",
) -> discord.Embed:
    """Return a card: a title of the pool unless given, the lines that are not empty, and a row of facts.

    The row is small print with a small picture, so that a card stays flat on a phone; it ends with the game
    server if the notice names one. Without such a row the picture is a large one.
    """
    embed = discord.Embed(
        title=title or write_title(style, look, notice),
        description="\n".join(line for line in lines if line),
        colour=look.colour,
    )
    row = [style.write_plain(fact) for fact in (*facts, show_name(notice.server_name)) if fact]
    picture: Any = f"attachment://{look.picture}" if look.picture else None
    if row:
        return embed.set_footer(text=SEPARATOR.join(row), icon_url=picture)
    return embed.set_thumbnail(url=picture) if picture else embed


def _write_part(style: Style, value: Value) -> str:
    return f"**{style.write(show_name(value))}**" if isinstance(value, str) else style.write(value)
