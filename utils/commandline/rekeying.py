"""``bot.py rekey``: encrypts the stored logins with a new secret key."""

import asyncio
import os
import sys

from utils.clock import SystemClock
from utils.commandline.call import DONE, FAILED
from utils.commandline.configured import CallContext
from utils.commandline.preparing import build_redactor, open_logs
from utils.composition.restores import build_recovery
from utils.composition.storage import build_key_place, build_place
from utils.data_folder import load_instance_id, lock_data_folder
from utils.database.migrations.migrations import MIGRATIONS
from utils.database.migrations.secret_keys import OLD_DATA, Rekeying, StoredLogins
from utils.database.process.opening import open_database
from utils.database.repositories.leases import LeaseRepository
from utils.errors import ConfigurationError, KillfeedError
from utils.redaction import Redactor
from utils.secret_key import change_secret_key
from utils.settings import Settings
from utils.tasks import TaskManager

NEW_KEY_VARIABLE = "KILLFEED_NEW_SECRET_KEY"  # of the environment, for this call alone


async def rekey_logins(settings: Settings, redactor: Redactor, *, is_lost: bool) -> str:
    """Encrypt every stored login with a new key, and return the sentence that says so."""
    clock, given = SystemClock(), os.environ.get(NEW_KEY_VARIABLE, "")
    redactor.register(given)
    recover = build_recovery(settings, clock, waits=False)
    opened = open_database(build_place(settings), TaskManager(clock), clock=clock, recover=recover)
    async with opened as database:
        if not MIGRATIONS.is_current(await MIGRATIONS.ensure_version(database)):
            raise ConfigurationError(OLD_DATA)
        leases = LeaseRepository(database, shard_count=settings.discord.sharding.count)
        instance_id = load_instance_id(settings.data_dir)
        work = Rekeying(StoredLogins(database), leases, instance_id=instance_id, clock=clock)
        place = build_key_place(settings)
        return await change_secret_key(place, work, redactor, given=given, is_lost=is_lost)


def rekey(context: CallContext) -> int:
    """Change the secret key, print what to do next, and return the exit code."""
    settings = context.settings
    redactor = build_redactor(settings)
    try:
        with lock_data_folder(settings.data_dir), open_logs(settings, redactor, level="ERROR"):
            sentence = asyncio.run(rekey_logins(settings, redactor, is_lost=context.options.lost))
    except KillfeedError as error:
        sys.stderr.write(f"{redactor.redact(str(error))}\n")
        return FAILED
    sys.stdout.write(f"{sentence}\n")
    return DONE
