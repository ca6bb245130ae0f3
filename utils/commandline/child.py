"""``bot.py child``: heavy work for another process of the bot; nobody calls it by hand."""

import logging
import os
import sys

from utils.backup.child import serve_job
from utils.composition.verification import list_jobs
from utils.telemetry.log_setup import log_to_console


def work_as_child() -> int:
    """Do the job that comes on the standard input, and return the exit code.

    Standard output carries the answers alone, so everything else that is printed goes to standard error.
    """
    log_to_console(level=logging.ERROR)  # operations of a trial are slow, and nobody has to know
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8") as answers:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        return serve_job(list_jobs(), sys.stdin, answers)
