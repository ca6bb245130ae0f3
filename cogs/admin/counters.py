"""``/admin counter``: the names of channels that show how many players are online."""

import discord

from cogs.admin.groups import COUNTER, admin_access
from utils.interactions.context import KillfeedContext
from utils.interactions.options import server_option
from utils.interactions.services import Services
from utils.models.counters import NAME_CHARACTERS
from utils.models.guilds import ChannelKind
from utils.models.premium import Feature
from utils.models.texts import Command, join, text


class CounterCommands:
    """The format of a counter's name."""

    services: Services
    counter = COUNTER

    @counter.command(name="format", description="Choose what a counter's name says")
    @server_option(description="Which one", is_required=True)
    @discord.option(
        "format",
        str,
        parameter_name="template",
        description="Such as {server}: {online} of {max}",
        max_length=NAME_CHARACTERS,
        default=None,
    )
    @admin_access(feature=Feature.COUNTERS, is_change=True)
    async def counter_format(self, ctx: KillfeedContext, server: str, template: str | None) -> None:
        """Answer ``/admin counter format`` with the name as it would be now."""
        changed = await self.services.guild_changes.set_counter_format(
            ctx.guild_id, server, template, actor_id=ctx.member_id
        )
        health = await self.services.readings.get_health(ctx.guild_id)
        (report,) = await self.services.server_players.describe_servers([changed], health)
        name = ctx.embeds.write_counter(report, changed.counter_format)
        said = [text("Now its name would be **{name}**.", name=name)]
        if ChannelKind.COUNTER not in changed.channels:
            said.append(
                text("It has no channel yet. Choose one with {set}.", set=Command("admin channel set"))
            )
        title = text("Counter of {server} set", server=changed.name)
        if changed.counter_format is None:
            title = text("Counter of {server} has the default format", server=changed.name)
        await ctx.respond(embed=ctx.embeds.build_success(title, join(said)))
