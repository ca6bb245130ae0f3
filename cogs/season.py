"""Seasons: ``/season``."""

import discord

from utils.interactions.access import get_guild_id
from utils.interactions.answer_views import Answer, Chosen
from utils.interactions.autocomplete import get_services, offer, offer_if_found
from utils.interactions.choosing import asks_which
from utils.interactions.confirming import ask_first
from utils.interactions.context import KillfeedContext
from utils.interactions.declarations import Access
from utils.interactions.guild_cog import GuildCog
from utils.interactions.limits import PAGE_COST
from utils.interactions.options import Decorator, name_choices, server_option
from utils.interactions.paging import cut_page, respond_with_answer, respond_with_rows
from utils.models.premium import Feature
from utils.models.seasons import NAME_CHARACTERS, SEASON_BOARDS, SeasonState
from utils.models.statistics import BOARD_CHOICES, Board
from utils.models.texts import Day, text
from utils.models.typed_text import TYPED_CHARACTERS
from utils.services.seasons.seasons import SeasonForm

DAY_CHARACTERS = 20
BOARDS = name_choices({board: BOARD_CHOICES[board] for board in SEASON_BOARDS})


@offer_if_found
async def complete_season(ctx: discord.AutocompleteContext) -> list[discord.OptionChoice]:
    """Offer the guild's seasons, newest first; the value is the season's id."""
    seasons = await get_services(ctx).season_reports.list_seasons(get_guild_id(ctx.interaction))
    return offer(ctx, [(one.season_id, one.name) for one in seasons])


@offer_if_found
async def complete_open_season(ctx: discord.AutocompleteContext) -> list[discord.OptionChoice]:
    """Offer the seasons that are planned or running."""
    seasons = await get_services(ctx).season_reports.list_seasons(get_guild_id(ctx.interaction))
    return offer(ctx, [(one.season_id, one.name) for one in seasons if one.state.is_open])


def season_option(*, description: str, is_open: bool = False) -> Decorator:
    """Give a command the option of a season; an empty text if it is left out."""
    decorator: Decorator = discord.option(
        "season",
        str,
        description=description,
        autocomplete=complete_open_season if is_open else complete_season,
        max_length=TYPED_CHARACTERS,
        default="",
    )
    return decorator


class SeasonCog(GuildCog):
    """Seasons: what they show, and for admins their beginning and end."""

    season = discord.SlashCommandGroup("season", "Seasons: figures of some days, and their winners")

    @season.command(name="info", description="How the season stands: days and first players")
    @season_option(description="Which season; leave it out for the running one")
    @server_option(description="The season of this game server")
    @asks_which
    @Access(feature=Feature.SEASON)
    async def season_info(self, ctx: KillfeedContext, season: str, server: str | None) -> None:
        """Answer ``/season info``."""
        report = await self.services.season_reports.describe(ctx.guild_id, season, server)
        await ctx.respond(embed=ctx.embeds.build_season_info(report))

    @season.command(name="results", description="The results of a season that is over")
    @season_option(description="Which season; leave it out for the last one")
    @discord.option("board", str, description="Which board", choices=BOARDS, default=Board.KILLS.value)
    @server_option(description="The season of this game server")
    @asks_which
    @Access(feature=Feature.SEASON, cost=PAGE_COST)
    async def season_results(self, ctx: KillfeedContext, season: str, board: str, server: str | None) -> None:
        """Answer ``/season results``."""
        standing = await self.services.season_reports.get_results(
            ctx.guild_id, season, Board(board), server, asker_id=ctx.member_id
        )

        async def build(_: Chosen, page: int) -> Answer:
            if standing.result.board is Board.FACTIONS:
                rows = cut_page(standing.result.factions, page)
                embed = ctx.embeds.build_faction_board(rows.rows, standing.coverage, own=standing.own_faction)
                return Answer(embed, rows.count)
            shown = cut_page(standing.result.rows, page)
            return Answer(ctx.embeds.build_season_results(standing, shown.rows), shown.count)

        await respond_with_answer(ctx, build)

    @season.command(name="list", description="All seasons and who won them")
    @Access(feature=Feature.SEASON)
    async def season_list(self, ctx: KillfeedContext) -> None:
        """Answer ``/season list``."""
        found = await self.services.season_reports.list_all(ctx.guild_id)
        await respond_with_rows(ctx, found.seasons, lambda rows: ctx.embeds.build_season_list(found, rows))

    @season.command(name="start", description="Start or plan a season of whole days (admins)")
    @discord.option("name", str, description="What to call it", max_length=NAME_CHARACTERS)
    @discord.option(
        "first_day",
        str,
        description="Like 2026-12-01, up to a year back or ahead; today if left out",
        max_length=DAY_CHARACTERS,
        default=None,
    )
    @discord.option(
        "last_day",
        str,
        description="Like 2026-12-31; leave it out to end the season yourself",
        max_length=DAY_CHARACTERS,
        default=None,
    )
    @server_option()
    @Access(is_admin=True, is_private=True, is_change=True, feature=Feature.SEASON)
    async def season_start(
        self,
        ctx: KillfeedContext,
        name: str,
        first_day: str | None,
        last_day: str | None,
        server: str | None,
    ) -> None:
        """Answer ``/season start``."""
        form = SeasonForm(name, first_day, last_day, server)
        season, server_name = await self.services.seasons.start(
            ctx.guild_id, form, actor_id=ctx.member_id, request_id=ctx.interaction.id
        )
        await ctx.respond(embed=ctx.embeds.build_season_started(season, server_name=server_name))

    @season.command(name="end", description="End the running season today (admins)")
    @season_option(description="Which season; leave it out if only one is running", is_open=True)
    @asks_which
    @Access(is_admin=True, is_private=True, is_change=True, feature=Feature.SEASON)
    async def season_end(self, ctx: KillfeedContext, season: str) -> None:
        """Answer ``/season end``, after a confirmation."""
        seasons = self.services.seasons
        found = await seasons.find_open(ctx.guild_id, season, is_running=True)
        last = await seasons.find_last_day(found)
        question = ctx.embeds.build_notice(
            text("End {season} today?", season=found.name),
            text("{day} will be its last day. Its results follow when that day is over.", day=Day(last)),
        )
        if await ask_first(ctx, question, text("End it")):
            ended = await seasons.end(found, actor_id=ctx.member_id)
            embed = ctx.embeds.build_success(
                text("{season} ends today", season=found.name),
                text(
                    "{day} is its last day. Its results follow when that day is over.",
                    day=Day(ended.final_day),
                ),
            )
        else:
            embed = ctx.embeds.build_notice(
                text("Cancelled"), text("**{season}** goes on.", season=found.name)
            )
        await ctx.edit(embed=embed, view=None)

    @season.command(name="cancel", description="Cancel a planned or running season (admins)")
    @season_option(description="Which season; leave it out if there is only one", is_open=True)
    @asks_which
    @Access(is_admin=True, is_private=True, is_change=True, feature=Feature.SEASON)
    async def season_cancel(self, ctx: KillfeedContext, season: str) -> None:
        """Answer ``/season cancel``, after a confirmation."""
        seasons = self.services.seasons
        found = await seasons.find_open(ctx.guild_id, season, is_running=False)
        fate = text("It goes without results. The kills and stats of its days stay.")
        if found.state is SeasonState.PLANNED:
            fate = text("It hasn't begun yet, so nothing is lost.")
        question = ctx.embeds.build_notice(text("Cancel {season}?", season=found.name), fate)
        if await ask_first(ctx, question, text("Cancel the season")):
            await seasons.cancel(found, actor_id=ctx.member_id)
            done = text("It's gone. Kills and stats stay.")
            embed = ctx.embeds.build_success(text("{season} cancelled", season=found.name), done)
        else:
            embed = ctx.embeds.build_notice(
                text("Nothing changed"), text("**{season}** stays.", season=found.name)
            )
        await ctx.edit(embed=embed, view=None)


setup = SeasonCog.setup
