"""What a run of the bot leaves behind and must not: tracebacks, and secrets in plain."""

import re
from collections.abc import Mapping, Sequence

from simulation.bot_process import BotProcess
from simulation.discord import SimulatedDiscord


def list_stumbles(output: str) -> list[str]:
    """Return what was logged with a traceback.

    The library logs one for each reconnect that failed; nobody else has a reason to.
    """
    entries = re.split(r"^(?=\d{4}-\d\d-\d\dT)", output, flags=re.MULTILINE)
    stumbles = [entry for entry in entries if "Traceback" in entry]
    return [entry for entry in stumbles if "Attempting a reconnect" not in entry]


def find_secrets(secrets: Sequence[str], bot: BotProcess, world: SimulatedDiscord) -> list[str]:
    """Return where one of the secrets stands in plain: in the output, a log file, a request to Discord."""
    texts = bot.read_traces()
    for index, request in enumerate(world.requests):
        texts[f"{request.method} {request.path} ({index})"] = repr((request.query, request.body)).encode()
    return find_texts(texts, secrets)


def find_texts(texts: Mapping[str, bytes], wanted: Sequence[str]) -> list[str]:
    """Return the names of the texts in which any of the wanted ones stands."""
    return [name for name, text in texts.items() if any(one.encode() in text for one in wanted)]
