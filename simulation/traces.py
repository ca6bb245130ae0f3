"""Finds traces that a run of the bot must not leave: tracebacks, and secrets in plain."""

import re
from collections.abc import Mapping, Sequence

from simulation.bot_process import BotProcess
from simulation.discord import SimulatedDiscord


def list_stumbles(output: str) -> list[str]:
    """Return the log entries with a traceback.

    Discord's library logs one for each failed reconnect; those do not count.
    """
    entries = re.split(r"^(?=\d{4}-\d\d-\d\dT)", output, flags=re.MULTILINE)
    stumbles = [entry for entry in entries if "Traceback" in entry]
    return [entry for entry in stumbles if "Attempting a reconnect" not in entry]


def find_secrets(secrets: Sequence[str], bot: BotProcess, world: SimulatedDiscord) -> list[str]:
    """Return the names of texts that contain a secret: the output, log files, requests to Discord."""
    texts = bot.read_traces()
    for index, request in enumerate(world.requests):
        texts[f"{request.method} {request.path} ({index})"] = repr((request.query, request.body)).encode()
    return find_texts(texts, secrets)


def find_texts(texts: Mapping[str, bytes], wanted: Sequence[str]) -> list[str]:
    """Return the names of the texts that contain a wanted one."""
    return [name for name, text in texts.items() if any(one.encode() in text for one in wanted)]
