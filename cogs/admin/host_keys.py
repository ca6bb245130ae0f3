"""The host key of a game server: shown, and accepted after a question."""

import discord

from utils.interactions.confirming import ask_first
from utils.interactions.context import KillfeedContext
from utils.models.servers import GameServer, HostKeys
from utils.models.texts import Names, text


async def show_host_key(ctx: KillfeedContext, typed: str) -> None:
    """Answer with the host key of a server; a changed one is accepted if its admin says yes."""
    server, keys = await ctx.services.server_changes.read_host_keys(ctx.guild_id, typed)
    embed = ctx.embeds.build_host_keys(server.name, keys)
    if not keys.is_changed:
        await ctx.respond(embed=embed)
        return
    is_accepted = await ask_first(ctx, embed, text("Accept")) is not None
    answer = await _decide(ctx, server, keys, is_accepted=is_accepted)
    await ctx.edit(embed=answer, view=None)


async def _decide(
    ctx: KillfeedContext, server: GameServer, keys: HostKeys, *, is_accepted: bool
) -> discord.Embed:
    if not is_accepted:
        refused = text("I won't read {server} while its host shows another key.", server=server.name)
        return ctx.embeds.build_notice(text("Key not accepted"), refused)
    changes = ctx.services.server_changes
    accepted = await changes.accept_host_key(server, keys, actor_id=ctx.member_id)
    names = Names(tuple(one.name for one in accepted))
    return ctx.embeds.build_success(
        text("New host key saved"), text("I'm reading {servers} again.", servers=names)
    )
