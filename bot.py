"""The killfeed bot: entry point.

``python bot.py`` runs the bot (``utils.commandline.running``); its other calls are the table ``CALLS``
(``utils.commandline.arguments``). Each call loads the modules that it uses and no others.
Exit codes: 0 done or stopped cleanly, 1 could not start or a call failed, 2 wrong usage or configuration.
"""

import sys

from utils.commandline.arguments import AS_CHILD, CONFIGURED, find_call, parse_arguments
from utils.composition.version import CHILD

EXTENSIONS = (
    "cogs.setup",
    "cogs.killfeed",
    "cogs.server",
    "cogs.events",
    "cogs.playtime",
    "cogs.stats",
    "cogs.leaderboard",
    "cogs.levels",
    "cogs.link",
    "cogs.premium",
    "cogs.roles",
    "cogs.bounty",
    "cogs.season",
    "cogs.faction",
    "cogs.notify",
    "cogs.owner",
    "cogs.admin",
    "cogs.help",
)

SWITCH_SECONDS = 0.002
"""Seconds that a thread with MongoDB's answer waits for the interpreter at most.

Python's own value is 5 ms. With that this wait was longer than MongoDB's work: posts of 500 busy servers came
6.0 s late, with 0.5 ms 4.8 s late. With 2 ms they come as soon as with 0.5 ms, and the bot takes a tenth less
CPU.
"""


def main(arguments: list[str]) -> int:
    """Run the command line."""
    sys.setswitchinterval(SWITCH_SECONDS)
    options = parse_arguments(arguments)
    if options.call == CHILD:
        return AS_CHILD.load()()
    return CONFIGURED.load()(find_call(options), options, EXTENSIONS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
