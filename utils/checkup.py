"""The checkup: tries everything that the bot needs, in the order of its start."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractContextManager

import aiohttp
import discord

from utils.clock import SystemClock
from utils.composition.build import build_application
from utils.composition.restores import build_recovery
from utils.composition.start_checks import (
    START_CHECKS,
    Mark,
    SelfCheck,
    describe_data,
    list_start_checks,
    probe_start,
    verify_data,
)
from utils.composition.storage import build_key_place, build_leases, build_place
from utils.data_folder import lock_data_folder
from utils.database.core.database import SafeDatabase
from utils.database.migrations.migrations import MIGRATIONS
from utils.database.process.opening import open_database
from utils.errors import ConfigurationError, KillfeedError
from utils.gateway.login import REFUSED_LOGIN, check_token
from utils.interactions.client import KillfeedBot
from utils.interactions.command_set import list_commands
from utils.localization.languages import Languages
from utils.models.verification import DataFault
from utils.redaction import Redactor
from utils.secret_key import open_secret_box
from utils.settings import Settings
from utils.tasks import TaskManager

CHECK_PATIENCE_SECONDS = 5.0  # a person waits for the result
INSTALLATION = (
    "Data folder",
    "MongoDB",
    "Data",
    "Data check",
    "Secret key",
    "Commands",
    "Languages",
    *START_CHECKS,
)


async def check_bot(
    settings: Settings, redactor: Redactor, logs: AbstractContextManager[None], *, extensions: Sequence[str]
) -> list[SelfCheck]:
    """Try everything that the bot needs, in the order of its start.

    A check of the installation that fails leaves those after it unchecked; Discord is asked in any case.

    Args:
        settings: the configuration.
        redactor: learns the secrets that are found on the way.
        logs: opens the logs, which are in the data folder.
        extensions: the modules of the bot's features.
    """
    checks: list[SelfCheck] = []
    try:
        async for mark, detail in _check_installation(settings, redactor, logs, extensions):
            checks.append(SelfCheck(INSTALLATION[len(checks)], mark, detail))
    except KillfeedError as error:
        failed, *others = INSTALLATION[len(checks) :]
        checks.append(SelfCheck(failed, Mark.FAILED, str(error)))
        checks += [SelfCheck(name, Mark.UNCHECKED, f"not checked while {failed} fails") for name in others]
    configuration = SelfCheck("Configuration", Mark.OK, "every key is understood")
    return [configuration, *checks, await check_discord(settings)]


async def _check_installation(
    settings: Settings, redactor: Redactor, logs: AbstractContextManager[None], extensions: Sequence[str]
) -> AsyncIterator[tuple[Mark, str]]:
    """Yield mark and detail of each check of ``INSTALLATION``.

    Raises:
        KillfeedError: this check failed, and the next ones cannot be made without it.
    """
    clock = SystemClock()
    with lock_data_folder(settings.data_dir), logs:
        yield Mark.OK, f"{settings.data_dir} can be written"
        place, tasks = build_place(settings), TaskManager(clock)
        recover = build_recovery(settings, clock, waits=False)
        opened = open_database(
            place, tasks, clock=clock, recover=recover, patience_seconds=CHECK_PATIENCE_SECONDS
        )
        async with opened as database:
            facts = await database.command("buildInfo")
            yield Mark.OK, f"version {facts['version']}, transactions work"
            async for found in _check_data(database, settings):
                yield found
            box = await open_secret_box(build_key_place(settings), database, redactor)
            yield Mark.OK, f"fits the stored logins; its fingerprint is {box.fingerprint}"
            leases = build_leases(settings, database, "check", clock)
            application = build_application(
                settings, database, leases, box, tasks, extensions=extensions, clock=clock
            )
            yield Mark.OK, _count_commands(application.bot, len(extensions))
            yield await _check_languages(application.factory.languages)
            async for one in list_start_checks(application, await probe_start(application)):
                yield one.mark, one.detail


async def _check_data(database: SafeDatabase, settings: Settings) -> AsyncIterator[tuple[Mark, str]]:
    version = await MIGRATIONS.ensure_version(database)
    if not MIGRATIONS.is_current(version):
        older = version.number if version.upgraded_from is None else version.upgraded_from
        newest = MIGRATIONS.newest
        yield Mark.OK, f"of version {older}; the start brings it to {newest} once no older bot runs"
        yield Mark.UNCHECKED, "data of an older version is not verified"
        return
    report = await verify_data(database, settings)
    problems = [str(one.said) for one in report.findings if one.fault is DataFault.INDEX]
    yield (Mark.FAILED, " ".join(problems)) if problems else (Mark.OK, "every index is there")
    verified = describe_data(report)
    yield verified.mark, verified.detail


async def _check_languages(languages: Languages) -> tuple[Mark, str]:
    if damaged := await languages.find_damaged():
        return Mark.FAILED, "; ".join(f"{name}: {problem}" for name, problem in damaged.items())
    return Mark.OK, f"every file can be read: {', '.join(sorted(languages.names))}"


def _count_commands(bot: KillfeedBot, features: int) -> str:
    return f"{features} features with {len(list_commands(bot))} commands"


async def check_discord(settings: Settings) -> SelfCheck:
    """Tell whether Discord takes the token."""
    mark, detail = await _try_login(settings.discord.token.get_secret_value())
    return SelfCheck("Discord", mark, detail)


async def _try_login(token: str) -> tuple[Mark, str]:
    """Log in without the gateway, so that a bot that runs stays undisturbed."""
    client = discord.Client(intents=discord.Intents.none())
    try:
        check_token(token)
        await client.login(token)
    except ConfigurationError as error:
        return Mark.FAILED, str(error)
    except discord.LoginFailure:
        return Mark.FAILED, REFUSED_LOGIN
    except (discord.HTTPException, aiohttp.ClientError, OSError) as failure:
        return Mark.UNCHECKED, f"not reached, so the token is not checked ({failure})"
    finally:
        await client.close()
    return Mark.OK, f"logged in as {client.user}"
