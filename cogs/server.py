"""Game servers as players see them: who is online, how they are, and what happens there."""

from collections.abc import Sequence

import discord

from utils.embeds.events import list_events
from utils.embeds.presence import list_online
from utils.interactions.answer_views import Answer
from utils.interactions.choosing import asks_which
from utils.interactions.context import KillfeedContext
from utils.interactions.declarations import Access
from utils.interactions.guild_cog import GuildCog
from utils.interactions.limits import CHART_COST
from utils.interactions.options import name_choices, server_option
from utils.interactions.paging import respond_with_rows
from utils.models.event_settings import POSTED_KIND_NAMES, PostedKind
from utils.models.game_log import PlayersReport
from utils.models.populations import POPULATION_CHOICES, PopulationPeriod
from utils.models.premium import Feature
from utils.models.world_events import WorldEventKind

EVENT_KINDS = name_choices(
    {
        kind: POSTED_KIND_NAMES[PostedKind(kind)]
        for kind in WorldEventKind
        if kind is not WorldEventKind.RESTART
    }
)


class ServerCog(GuildCog):
    """Shows who is on the game servers, and how these are."""

    server = discord.SlashCommandGroup("server", "Who is on the game servers, and how they are")

    @server.command(name="online", description="Who is online, and since when")
    @server_option()
    @asks_which
    @Access(feature=Feature.ONLINE)
    async def online(self, ctx: KillfeedContext, server: str | None) -> None:
        """Answer ``/server online``."""
        lines = [line for report in await self._describe(ctx, server) for line in list_online(report)]
        await respond_with_rows(ctx, lines, ctx.embeds.build_online)

    @server.command(name="status", description="Is a game server running, and how many are on it?")
    @server_option()
    @asks_which
    @Access(feature=Feature.SERVER_STATUS)
    async def status(self, ctx: KillfeedContext, server: str | None) -> None:
        """Answer ``/server status``."""
        await ctx.respond(embed=ctx.embeds.build_server_state(await self._describe(ctx, server)))

    async def _describe(self, ctx: KillfeedContext, server: str | None) -> Sequence[PlayersReport]:
        health = await self.services.readings.get_health(ctx.guild_id)
        return await self.services.server_players.describe(ctx.guild_id, server, health)

    @server.command(name="events", description="Missions, airdrops and more that are open now")
    @server_option()
    @discord.option("kind", str, description="Only these", choices=EVENT_KINDS, default=None)
    @asks_which
    @Access(feature=Feature.EVENTS)
    async def events(self, ctx: KillfeedContext, server: str | None, kind: str | None) -> None:
        """Answer ``/server events``."""
        wanted = None if kind is None else WorldEventKind(kind)
        reports = await self.services.world_reports.describe(ctx.guild_id, server, wanted)
        lines = [line for report in reports for line in list_events(report)]
        await respond_with_rows(ctx, lines, ctx.embeds.build_events)

    @server.command(name="population", description="How many players there were, as a picture")
    @server_option()
    @discord.option(
        "period",
        str,
        description="How far to look back",
        choices=name_choices(POPULATION_CHOICES),
        default=PopulationPeriod.DAY.value,
    )
    @asks_which
    @Access(feature=Feature.POPULATION, cost=CHART_COST)
    async def population(self, ctx: KillfeedContext, server: str | None, period: str) -> None:
        """Answer ``/server population``."""
        report = await self.services.populations.describe(ctx.guild_id, server, PopulationPeriod(period))
        picture = None if report.peak is None else await ctx.embeds.charts.draw_population(report)
        answer = Answer(ctx.embeds.build_population(report), picture=picture)
        await ctx.respond(**answer.build_parts())


setup = ServerCog.setup
