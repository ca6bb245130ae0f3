"""Answers in pages: plain where one page is enough, with buttons where it is not."""

import discord

from utils.interactions.services import Services
from utils.interactions.views import PageBuilder, PagedView


async def respond_in_pages(
    ctx: discord.ApplicationContext, services: Services, build: PageBuilder, *, is_private: bool
) -> None:
    """Answer with the first page."""
    embed, pages = await build(0)
    if pages <= 1:
        await ctx.respond(embed=embed, ephemeral=is_private)
        return
    view = PagedView(
        build, pages=pages, invoker_id=ctx.author.id, live=services.views, replies=services.replies
    )
    view.shown_in = ctx.interaction
    await ctx.respond(embed=embed, view=view, ephemeral=is_private)
