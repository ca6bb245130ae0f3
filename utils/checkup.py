"""The checkup: tries everything that the bot needs, in the order of its start."""

from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp
import discord

from utils.clock import SystemClock
from utils.composition.build import build_application
from utils.composition.storage import build_key_place, build_leases, build_place
from utils.data_folder import lock_data_folder
from utils.database.core.database import SafeDatabase
from utils.database.core.indexes import list_index_problems
from utils.database.migrations.migrations import MIGRATIONS
from utils.database.process.opening import open_database
from utils.errors import KillfeedError
from utils.gateway import REFUSED_LOGIN
from utils.interactions.client import KillfeedBot
from utils.interactions.command_set import list_commands
from utils.redaction import Redactor
from utils.secret_key import open_secret_box
from utils.settings import Settings
from utils.tasks import TaskManager

CHECK_PATIENCE_SECONDS = 5.0  # a person waits for the result


@dataclass(frozen=True, slots=True)
class SelfCheck:
    """One line of ``bot.py check``: what was tried and how it went, in English."""

    name: str
    ok: bool
    detail: str


async def check_bot(settings: Settings, redactor: Redactor, *, extensions: Sequence[str]) -> list[SelfCheck]:
    """Try everything that the bot needs, in the order of its start."""
    steps = [SelfCheck("Configuration", ok=True, detail="every key is understood")]
    clock = SystemClock()
    try:
        with lock_data_folder(settings.data_dir):
            steps.append(SelfCheck("Data folder", ok=True, detail=f"{settings.data_dir} can be written"))
            place, tasks = build_place(settings), TaskManager(clock)
            async with open_database(
                place, tasks, clock=clock, patience_seconds=CHECK_PATIENCE_SECONDS
            ) as database:
                steps += await _check_database(database)
                leases = build_leases(settings, database, "check", clock)
                box = await open_secret_box(build_key_place(settings), database, redactor)
                steps.append(SelfCheck("Secret key", ok=True, detail="fits the stored logins"))
                application = build_application(
                    settings, database, leases, box, tasks, extensions=extensions, clock=clock
                )
                steps.append(_check_commands(application.bot, len(extensions)))
                steps.append(await _check_token(settings, application.bot))
    except KillfeedError as error:
        steps.append(SelfCheck("Not checked further", ok=False, detail=str(error)))
    return steps


async def _check_database(database: SafeDatabase) -> list[SelfCheck]:
    facts = await database.command("buildInfo")
    server = SelfCheck("MongoDB", ok=True, detail=f"version {facts['version']}, transactions work")
    version = await MIGRATIONS.ensure_version(database)
    if not MIGRATIONS.is_current(version):
        older = version.number if version.upgraded_from is None else version.upgraded_from
        detail = f"of version {older}; the start brings it to {MIGRATIONS.newest} once no older bot runs"
        return [server, SelfCheck("Data", ok=True, detail=detail)]
    problems = await list_index_problems(database)
    indexes = "; ".join(problems) if problems else "all there"
    return [server, SelfCheck("Indexes", ok=not problems, detail=indexes)]


def _check_commands(bot: KillfeedBot, features: int) -> SelfCheck:
    detail = f"{features} features with {len(list_commands(bot))} commands"
    return SelfCheck("Commands", ok=True, detail=detail)


async def _check_token(settings: Settings, bot: KillfeedBot) -> SelfCheck:
    try:
        await bot.login(settings.discord.token.get_secret_value())
    except discord.LoginFailure:
        return SelfCheck("Discord", ok=False, detail=REFUSED_LOGIN)
    except (discord.HTTPException, aiohttp.ClientError, OSError) as failure:
        return SelfCheck("Discord", ok=True, detail=f"not reached, so the token is not checked ({failure})")
    finally:
        await bot.close()
    return SelfCheck("Discord", ok=True, detail=f"logged in as {bot.user}")
