"""``bot.py status``: whether a bot runs and is well, for HEALTHCHECK, cron and dead man's switches."""

import json
import os
import sys

from utils.clock import SystemClock
from utils.commandline.call import DONE, FAILED
from utils.commandline.configured import CallContext
from utils.telemetry.health.status import judge_status, read_status
from utils.telemetry.last_words import STATUS_FOLDER


def show_status(context: CallContext) -> int:
    """Print the status and return the exit code: 1 if no bot runs, it hangs, or something is critical."""
    status = read_status(context.settings.data_dir / STATUS_FOLDER)
    lives = status is not None and is_alive(status["pid"])
    verdict = judge_status(status, now=SystemClock().now(), is_alive=lives)
    if context.options.json:
        shown = {"is_well": verdict.is_well, "said": verdict.lines[0], "status": status}
        sys.stdout.write(f"{json.dumps(shown, ensure_ascii=False)}\n")
    else:
        sys.stdout.writelines(f"{line}\n" for line in verdict.lines)
    return DONE if verdict.is_well else FAILED


def is_alive(pid: int) -> bool:
    """Tell whether a process exists; one of another user does."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
