"""What to do next, decided from what is stored: pure functions without Discord and without storage.

Theory of operation: a group of entries and its nonce are stored right before the first try, and from then on
that message is tried until its fate is known. Discord posts a nonce once, but remembers it for some minutes
only; so a message that was prepared longer ago than ``NONCE_MEMORY`` is looked for in its channel before it
is tried again. The decision for a stored message is one of ``Step``, first rule that matches.
"""

import base64
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import Enum, auto

from utils.delivery.ports import PostedMessage
from utils.embeds.limits import MAX_CHARACTERS, MAX_EMBEDS
from utils.models.notices import OutboxEntry, OutgoingMessage
from utils.models.scope import ChannelId

NONCE_MEMORY = timedelta(minutes=2)  # Discord says "a few minutes"; the least that can mean

UNUSABLE_RETRY_SECONDS = (60, 120, 240, 480, 600)  # an admin has to act; each try is a request for nothing
DELAY_RETRY_SECONDS = (1, 2, 4, 8, 15, 30, 60)


class Step(Enum):
    """What happens next to a prepared message."""

    FORGET = auto()  # all its entries are gone
    EXPIRE = auto()  # its newest entry is no news any more
    DISCARD = auto()  # its channel is not set any more
    LOOK_FIRST = auto()  # it may have arrived, and Discord may have forgotten the nonce
    SEND = auto()


def choose_step(
    message: OutgoingMessage,
    entries: Sequence[OutboxEntry],
    *,
    channel_id: ChannelId | None,
    now: datetime,
    max_age: timedelta,
) -> Step:
    """Decide about a prepared message.

    Args:
        message: as stored.
        entries: those of its entries that are still there.
        channel_id: the channel that is set for them now.
        now: the time, UTC.
        max_age: how long an entry is news.
    """
    if not entries:
        return Step.FORGET
    if max(entry.created_at for entry in entries) < now - max_age:
        return Step.EXPIRE
    if channel_id is None:
        return Step.DISCARD
    since_first_try = now - message.prepared_at  # below nothing when the machine's clock was set back
    return Step.SEND if timedelta() <= since_first_try < NONCE_MEMORY else Step.LOOK_FIRST


def choose_group(
    entries: Sequence[OutboxEntry], sizes: Sequence[int], *, single: bool = False
) -> list[OutboxEntry]:
    """Return the entries of the next message: the first one, and those behind it that fit in.

    Args:
        entries: pending entries for one channel, by sequence.
        sizes: characters of each entry's embed.
        single: take one entry alone.

    They never overtake each other.
    """
    group: list[OutboxEntry] = []
    room = MAX_CHARACTERS
    for entry, size in zip(entries, sizes, strict=True):
        room -= size
        if group and (single or room < 0 or len(group) == MAX_EMBEDS):
            break
        group.append(entry)
    return group


def find_match(
    posted: Sequence[PostedMessage], *, nonce: str, texts: tuple[tuple[str, str], ...]
) -> PostedMessage | None:
    """Return the message of a channel that is the one with this nonce, or shows the same texts throughout."""
    for message in posted:
        if message.nonce == nonce or (message.nonce is None and _squash(message.texts) == _squash(texts)):
            return message
    return None


def make_nonce() -> str:
    """Return a fresh nonce of 24 characters (Discord takes 25)."""
    return base64.b32encode(secrets.token_bytes(15)).decode().lower()


def choose_retry_seconds(table: Sequence[int], failures: int) -> int:
    """Return how long to wait after so many failures in a row (from 1)."""
    return table[min(failures, len(table)) - 1]


def _squash(texts: tuple[tuple[str, str], ...]) -> list[tuple[str, ...]]:
    """Even out white space, which Discord trims."""
    return [tuple(" ".join(text.split()) for text in pair) for pair in texts]
