"""Answers with pages and pictures: one way for every command."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import discord

from utils.embeds.pictures import Picture, build_file
from utils.interactions.context import KillfeedContext
from utils.interactions.views import PageBuilder, PagedView
from utils.localization.localizer import Localizer
from utils.models.texts import Number, text

ROWS_PER_PAGE = 10

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """The rows of a page, the number of the first of them, from 1, and how many pages there are."""

    rows: Sequence[R]
    first: int
    count: int


async def respond_with_picture(
    ctx: KillfeedContext, embed: discord.Embed, picture: Picture | None, **shown: PagedView
) -> None:
    """Answer with an embed that shows a picture, if there is one."""
    if picture is None:
        await ctx.respond(embed=embed, **shown)
        return
    embed.set_image(url=f"attachment://{picture.name}")
    await ctx.respond(embed=embed, file=build_file(picture), **shown)


async def respond_with_pages(
    ctx: KillfeedContext, build: PageBuilder, *, picture: Picture | None = None
) -> None:
    """Answer with the first page, and with buttons if there are more; all pages show the picture.

    A member who turns a page must still be allowed to use the command. The page counts as one of their
    running commands, because it is looked up again.
    """

    async def build_page(page: int) -> tuple[discord.Embed, int]:
        embed, pages = await build(page)
        if pages > 1:
            _number(embed, page, pages, ctx.embeds.words)
        if picture is not None:
            embed.set_image(url=f"attachment://{picture.name}")
        return embed, pages

    embed, pages = await build_page(0)
    if pages == 1:
        await respond_with_picture(ctx, embed, picture)
        return

    async def turn_to(page: int) -> tuple[discord.Embed, int]:
        with ctx.services.limits.working(ctx.member_id):
            await ctx.follow(view.shown_in).verify()
            return await build_page(page)

    view = PagedView(turn_to, ctx, pages=pages)
    await respond_with_picture(ctx, embed, picture, view=view)


def cut_page(rows: Sequence[R], page: int) -> Page[R]:
    """Return a page of rows, counted from 0."""
    start = page * ROWS_PER_PAGE
    return Page(rows[start : start + ROWS_PER_PAGE], start + 1, count_pages(len(rows)))


def count_pages(rows: int, rows_per_page: int = ROWS_PER_PAGE) -> int:
    """Return the number of pages for some rows, at least one."""
    return max(1, -(-rows // rows_per_page))


def _number(embed: discord.Embed, page: int, pages: int, words: Localizer) -> None:
    """Write the number of the page in front of the footer of an embed."""
    own = embed.footer.text if embed.footer else ""
    number = words.write_plain(text("Page {page} of {pages}", page=Number(page + 1), pages=Number(pages)))
    embed.set_footer(text=f"{number} · {own}" if own else number)
