"""Answers with pages and pictures: one way for every command."""

import discord

from utils.embeds.pictures import Picture, build_file
from utils.interactions.access import get_access, verify_caller
from utils.interactions.context import KillfeedContext
from utils.interactions.services import Services
from utils.interactions.views import PageBuilder, PagedView
from utils.localization.localizer import Localizer
from utils.models.texts import Number, text


async def respond_with_picture(
    ctx: KillfeedContext,
    embed: discord.Embed,
    picture: Picture | None,
    *,
    is_private: bool = False,
) -> None:
    """Answer with an embed that shows a picture, if there is one."""
    if picture is None:
        await ctx.respond(embed=embed, ephemeral=is_private)
        return
    embed.set_image(url=f"attachment://{picture.name}")
    await ctx.respond(embed=embed, file=build_file(picture), ephemeral=is_private)


async def respond_with_pages(
    ctx: KillfeedContext,
    services: Services,
    build: PageBuilder,
    *,
    picture: Picture | None = None,
    is_private: bool = False,
) -> None:
    """Answer with the first page, and with buttons when there are more; all pages show the picture.

    A member who turns a page must still be allowed to use the command. The page counts as one of their
    commands under way, because it is looked up anew.
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
        await respond_with_picture(ctx, embed, picture, is_private=is_private)
        return

    async def turn_to(page: int) -> tuple[discord.Embed, int]:
        with services.limits.working(ctx.author.id):
            await verify_caller(services, view.shown_in or ctx.interaction, get_access(ctx.command))
            return await build_page(page)

    view = PagedView(
        turn_to,
        pages=pages,
        invoker_id=ctx.author.id,
        live=services.views,
        replies=services.replies,
        limits=services.limits,
        words=ctx.embeds.words,
    )
    view.shown_in = ctx.interaction
    if picture is None:
        await ctx.respond(embed=embed, view=view, ephemeral=is_private)
    else:
        await ctx.respond(embed=embed, view=view, file=build_file(picture), ephemeral=is_private)


def count_pages(rows: int, rows_per_page: int) -> int:
    """Return how many pages rows fill, at least one."""
    return max(1, -(-rows // rows_per_page))


def _number(embed: discord.Embed, page: int, pages: int, words: Localizer) -> None:
    """Write which page an embed is before what its footer says already."""
    own = embed.footer.text if embed.footer else ""
    number = words.write_plain(text("Page {page} of {pages}", page=Number(page + 1), pages=Number(pages)))
    embed.set_footer(text=f"{number} · {own}" if own else number)
