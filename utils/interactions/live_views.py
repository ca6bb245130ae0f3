"""The buttons and forms that still work, and the interactions that came before."""

import secrets

import discord
from structlog import get_logger

CUSTOM_ID_PREFIX = "kf:"
REMEMBERED_INTERACTIONS = 10_000  # enough for some minutes of a very busy bot

logger = get_logger(__name__)


class LiveViews:
    """The custom ids of buttons and forms that work in this process, and the interactions it has seen."""

    def __init__(self) -> None:
        self._live: set[str] = set()
        self._had: dict[tuple[int, str], None] = {}  # the oldest first

    def add(self, custom_id: str) -> None:
        """Note that a button or a form works from now on."""
        self._live.add(custom_id)

    def remove(self, custom_id: str) -> None:
        """Note that a button or a form has ended."""
        self._live.discard(custom_id)

    def is_repeated(self, interaction: discord.Interaction, where: str) -> bool:
        """Tell whether an interaction came before, because Discord may send one twice.

        The caller handles only the first.
        """
        key = (interaction.id, where)
        if key in self._had:
            logger.info("an interaction came twice", interaction_id=interaction.id, where=where)
            return True
        self._had[key] = None
        if len(self._had) > REMEMBERED_INTERACTIONS:
            del self._had[next(iter(self._had))]
        return False

    def is_ended(self, custom_id: str) -> bool:
        """Tell whether a button or a form of ours no longer works, after its time or a restart."""
        return custom_id.startswith(CUSTOM_ID_PREFIX) and custom_id not in self._live


def make_custom_id() -> str:
    """Return a custom id that marks a button or a form as ours."""
    return f"{CUSTOM_ID_PREFIX}{secrets.token_urlsafe(12)}"
