"""The gateway: logs in to Discord, stays connected, and says why when Discord ends that for good."""

import aiohttp
import discord
from structlog import get_logger

from utils.backoff import Backoff
from utils.clock import Clock
from utils.errors import ConfigurationError

LOGIN_BACKOFF = Backoff(first_seconds=1, longest_seconds=60)
REFUSED_LOGIN = (
    "Discord refuses the token. Copy it again from the Discord developer portal (Bot, Reset Token) "
    "into discord.token of your configuration."
)
MISSING_LOGIN = (
    "discord.token is empty. Copy the token from the Discord developer portal (Bot, Reset Token) "
    "into discord.token of your configuration."
)
CLOSED_FOR_GOOD = (
    "Discord closed the connection for good (gateway code {code}). A restart does not help: look for a newer "
    "version of the bot, or tell its makers the code."
)
AUTHENTICATION_FAILED = 4004  # the token was renewed while the bot ran
DISALLOWED_INTENTS = 4014

logger = get_logger(__name__)


def check_token(token: str) -> None:
    """Make sure that there is a token, without asking Discord.

    Raises:
        ConfigurationError: the token is empty.
    """
    if not token.strip():
        raise ConfigurationError(MISSING_LOGIN)


async def run_gateway(bot: discord.Client, token: str, *, clock: Clock) -> None:
    """Log in and stay connected until cancelled.

    Raises:
        ConfigurationError: Discord refuses the token, or closed the connection for good.
    """
    await _log_in(bot, token, clock)
    try:
        await bot.connect(reconnect=True)
    except discord.ConnectionClosed as failure:
        raise _explain_close(failure.code) from None
    except discord.PrivilegedIntentsRequired:
        raise _explain_close(DISALLOWED_INTENTS) from None


async def _log_in(bot: discord.Client, token: str, clock: Clock) -> None:
    """Log in, and try again while Discord is away: kills are read and stored in the meantime."""
    for pause in LOGIN_BACKOFF.generate_seconds():
        try:
            await bot.login(token)
        except discord.LoginFailure:
            raise ConfigurationError(REFUSED_LOGIN) from None
        except (discord.HTTPException, aiohttp.ClientError, OSError) as failure:
            logger.warning("Discord is not reached, trying again", problem=str(failure), seconds=pause)
            await bot.http.close()
            await clock.sleep(pause)
        else:
            return


def _explain_close(code: int) -> ConfigurationError:
    """Return why Discord's gateway closed for good; after every other code the library comes back."""
    if code == AUTHENTICATION_FAILED:
        return ConfigurationError(REFUSED_LOGIN)
    return ConfigurationError(CLOSED_FOR_GOOD.format(code=code))
