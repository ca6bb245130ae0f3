"""Answers with pages and selects: one way for every command."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import discord

from utils.interactions.answer_views import Answer, AnswerBuilder, AnswerView, Chosen, Selection
from utils.interactions.context import KillfeedContext
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


PageBuilder = Callable[[int], Awaitable[tuple[discord.Embed, int]]]
"""Builds a page (from 0) of a list, and returns the number of pages."""


async def respond_with_pages(ctx: KillfeedContext, build: PageBuilder) -> None:
    """Answer with the first page of a list, and with buttons if there are more."""

    async def build_answer(_: Chosen, page: int) -> Answer:
        return Answer(*await build(page))

    await respond_with_answer(ctx, build_answer)


async def respond_with_rows(
    ctx: KillfeedContext, rows: Sequence[R], build: Callable[[Sequence[R]], discord.Embed]
) -> None:
    """Answer with the first page of rows that are known already; ``build`` shows those of one page."""

    async def build_page(page: int) -> tuple[discord.Embed, int]:
        shown = cut_page(rows, page)
        return build(shown.rows), shown.count

    await respond_with_pages(ctx, build_page)


async def respond_with_answer(
    ctx: KillfeedContext,
    build: AnswerBuilder,
    *,
    selections: Sequence[Selection] = (),
    has_pictures: bool = False,
    cost: float = 0,
) -> None:
    """Answer with the first page, and with controls if there is anything to choose or to turn.

    Args:
        ctx: the command to answer.
        build: builds a page.
        selections: the selects below it.
        has_pictures: pages may have a picture.
        cost: the work of building a page again, beside that of a press.
    """

    async def build_page(chosen: Chosen, page: int) -> Answer:
        answer = await build(chosen, page)
        if answer.pages > 1:
            _number(answer.embed, page, answer.pages, ctx.embeds.words)
        return answer

    first = await build_page({each.name: each.chosen for each in selections}, 0)
    if first.pages == 1 and not selections:
        await ctx.respond(**first.build_parts())
        return
    view = AnswerView(
        build_page, ctx, pages=first.pages, selections=selections, has_pictures=has_pictures, cost=cost
    )
    await ctx.respond(**first.build_parts(), view=view)


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
