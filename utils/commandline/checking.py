"""``bot.py check``: whether the bot could run."""

import asyncio
import sys
from functools import partial

from utils.checkup import check_bot
from utils.commandline.backing_up import run_until_stopped
from utils.commandline.call import DONE, FAILED
from utils.commandline.configured import CallContext
from utils.commandline.preparing import apply_api_address, build_redactor, open_logs
from utils.composition.start_checks import Mark, SelfCheck
from utils.data_folder import list_readable_by_others

STOPPED = "Stopped before the end. Nothing was changed.\n"


def check(context: CallContext) -> int:
    """Print what works, what fails, what is unwise and what was not checked, and return the exit code."""
    settings = context.settings
    redactor = build_redactor(settings)
    apply_api_address(settings)
    logs = open_logs(settings, redactor, level="ERROR")
    work = partial(check_bot, settings, redactor, logs, extensions=context.extensions)
    if (checks := asyncio.run(run_until_stopped(work))) is None:
        sys.stderr.write(STOPPED)
        return FAILED
    checks += [
        SelfCheck("Readable by others", Mark.WARNING, sentence)
        for sentence in list_readable_by_others(context.config, settings.data_dir)
    ]
    for one in checks:
        sys.stdout.write(f"{redactor.redact(str(one))}\n")
    return FAILED if any(one.mark is Mark.FAILED for one in checks) else DONE
