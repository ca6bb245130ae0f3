"""What the look of a kind of notice is made of, and the frame that all posts share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

import discord

from utils.embeds.figures import write_time
from utils.embeds.style import Style
from utils.embeds.wording import choose_text
from utils.localization.escape import escape_name
from utils.models.notices.notice import Notice

N = TypeVar("N", bound=Notice)

SEPARATOR = " · "


@dataclass(frozen=True, slots=True)
class VariantLook:
    """How posts of one variant look.

    Attributes:
        colour: 0xRRGGBB; also the ground of its picture.
        mark: the emoji before the title.
        picture: name of the file that is attached once to a message and shown by all embeds of the variant;
            empty for none.
        titles: a pool; the title of a post is chosen by its event.
        lines: likewise, with places in braces that the embed of the kind fills.
    """

    colour: int
    mark: str
    picture: str
    titles: Sequence[str]
    lines: Sequence[str]


@dataclass(frozen=True, slots=True)
class NoticeLook(Generic[N]):
    """How one kind of notice looks.

    Attributes:
        variants: the look of each variant of the kind.
        build: returns the embed of a notice; equal notices give equal embeds, also after a restart.
        sample: makes an invented notice for ``/admin channel test``, given what every notice has by name.
    """

    variants: Mapping[StrEnum, VariantLook]
    build: Callable[[Style, VariantLook, N], discord.Embed]
    sample: Callable[..., N]


def choose_line(look: VariantLook, notice: Notice) -> str:
    """Return the line that belongs to a notice, its places still open."""
    return choose_text(look.lines, notice.event_id, part="line")


def build_post(look: VariantLook, notice: Notice, lines: Sequence[str]) -> discord.Embed:
    """Return an embed with a title of the pool, the lines that say something, server and time."""
    place = (escape_name(notice.server_name), write_time(notice.at, "t"), write_time(notice.at))
    embed = discord.Embed(
        title=f"{look.mark} {choose_text(look.titles, notice.event_id, part='title')}",
        description="\n".join(line for line in (*lines, SEPARATOR.join(place)) if line),
        colour=look.colour,
    )
    return embed.set_thumbnail(url=f"attachment://{look.picture}") if look.picture else embed
