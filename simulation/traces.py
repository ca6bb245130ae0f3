"""What a run of the bot leaves behind and must not: tracebacks, and secrets in plain."""

import re
from collections.abc import Mapping, Sequence


def list_stumbles(output: str) -> list[str]:
    """Return what was logged with a traceback.

    The library logs one for each reconnect that failed; nobody else has a reason to.
    """
    entries = re.split(r"^(?=\d{4}-\d\d-\d\dT)", output, flags=re.MULTILINE)
    stumbles = [entry for entry in entries if "Traceback" in entry]
    return [entry for entry in stumbles if "Attempting a reconnect" not in entry]


def find_texts(texts: Mapping[str, bytes], wanted: Sequence[str]) -> list[str]:
    """Return the names of the texts in which any of the wanted ones stands."""
    return [name for name, text in texts.items() if any(one.encode() in text for one in wanted)]
