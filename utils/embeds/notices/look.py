"""The parts of the look of a kind of notice, and the frame that all posts share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

import discord

from utils.embeds.style import Style
from utils.embeds.values import SEPARATOR, show_name
from utils.models.notices.notice import Notice
from utils.models.texts import Moment, Value

N = TypeVar("N", bound=Notice)


@dataclass(frozen=True, slots=True)
class VariantLook:
    """The look of posts of one variant.

    Attributes:
        colour: 0xRRGGBB; also the background of its picture.
        mark: the emoji before the title.
        picture: name of the file that is attached once to a message and shown by all embeds of the variant;
            empty for none.
        pool: name of its titles and lines in each language (``utils/localization/pools``).
    """

    colour: int
    mark: str
    picture: str
    pool: str


@dataclass(frozen=True, slots=True)
class NoticeLook(Generic[N]):
    """The look of one kind of notice.

    Attributes:
        variants: the look of each variant of the kind.
        build: returns the embed of a notice; equal notices give equal embeds, also after a restart.
        sample: makes an invented notice for ``/admin channel test``, from the style and the facts that every
            notice has.
    """

    variants: Mapping[StrEnum, VariantLook]
    build: Callable[[Style, VariantLook, N], discord.Embed]
    sample: Callable[..., N]


def write_line(style: Style, look: VariantLook, notice: Notice, **places: Value) -> str:
    """Return the line that belongs to a notice, with foreign names highlighted."""
    parts = {name: _write_part(style, value) for name, value in places.items()}
    return style.words.pools[look.pool].choose_line(notice.event_id).format_map(parts)


def build_post(style: Style, look: VariantLook, notice: Notice, lines: Sequence[str]) -> discord.Embed:
    """Return an embed with a title of the pool, the lines that are not empty, server and time."""
    where = style.write(show_name(notice.server_name))
    place = (where, style.write(Moment(notice.at, "t")), style.write(Moment(notice.at)))
    embed = discord.Embed(
        title=f"{look.mark} {style.words.pools[look.pool].choose_title(notice.event_id)}",
        description="\n".join(line for line in (*lines, SEPARATOR.join(place)) if line),
        colour=look.colour,
    )
    return embed.set_thumbnail(url=f"attachment://{look.picture}") if look.picture else embed


def _write_part(style: Style, value: Value) -> str:
    return f"**{style.write(show_name(value))}**" if isinstance(value, str) else style.write(value)
