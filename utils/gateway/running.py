"""Runs the connection to Discord: login, then one connection or those of several shards."""

import discord

from utils.clock import Clock
from utils.error_sink import ErrorSink
from utils.gateway.connection import GatewayConnection, ServiceStatus, TryReasons
from utils.gateway.login import DISALLOWED_INTENTS, explain_close, log_in
from utils.gateway.pace import IdentifyBudget
from utils.gateway.shards import ShardConnections


async def run_gateway(
    bot: discord.Client,
    token: str,
    *,
    clock: Clock,
    identifies: IdentifyBudget,
    status: ServiceStatus,
    errors: ErrorSink,
) -> None:
    """Log in and stay connected until cancelled; ``errors`` takes what goes wrong in between.

    Raises:
        ConfigurationError: Discord refuses the token, or closed the connection for good.
    """
    await log_in(bot, token, clock=clock, errors=errors)
    reasons = TryReasons(errors)
    try:
        if isinstance(bot, discord.AutoShardedClient):
            await ShardConnections(bot, reasons, clock=clock, identifies=identifies, status=status).run()
        else:
            await GatewayConnection(bot, reasons, clock=clock, identifies=identifies, status=status).run()
    except discord.ConnectionClosed as failure:
        raise explain_close(failure.code) from None
    except discord.PrivilegedIntentsRequired:
        raise explain_close(DISALLOWED_INTENTS) from None
