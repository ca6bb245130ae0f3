"""The login to Discord, and why Discord refuses or ends a connection for good."""

import aiohttp
import discord
from structlog import get_logger

from utils.clock import Clock
from utils.error_sink import ErrorSink, ErrorSource, Where
from utils.errors import ConfigurationError
from utils.gateway.pace import generate_pauses

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


async def log_in(bot: discord.Client, token: str, *, clock: Clock, errors: ErrorSink) -> None:
    """Log in, and try again while Discord is away: kills are read and stored in the meantime.

    Raises:
        ConfigurationError: Discord refuses the token.
    """
    for pause in generate_pauses():
        try:
            await bot.login(token)
        except discord.LoginFailure:
            raise ConfigurationError(REFUSED_LOGIN) from None
        except (discord.HTTPException, aiohttp.ClientError, OSError) as failure:
            logger.warning("Discord is not reached, trying again", problem=str(failure), seconds=pause)
            errors.report(failure, where=Where(source=ErrorSource.DISCORD, name="login"))
            await bot.http.close()
            await clock.sleep(pause)
        else:
            return


def explain_close(code: int) -> ConfigurationError:
    """Return why Discord's gateway closed for good; after every other code the library comes back."""
    if code == AUTHENTICATION_FAILED:
        return ConfigurationError(REFUSED_LOGIN)
    return ConfigurationError(CLOSED_FOR_GOOD.format(code=code))
