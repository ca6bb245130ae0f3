"""Decisions about messages, from stored data: pure functions without Discord and without storage.

A prepared message is tried until its fate is known (``service.py`` says why that is safe). ``choose_step``
returns a ``Step``; the first matching rule wins.
"""

import base64
import hashlib
import heapq
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum, auto
from itertools import islice, takewhile

from utils.backoff import Backoff
from utils.delivery.ports import PostedMessage, Texts
from utils.embeds.limits import MAX_CHARACTERS, MAX_EMBEDS
from utils.errors import DeliveryDelayedError, DeliveryError
from utils.models.notices.outbox import Feed, OutboxEntry, OutgoingMessage

NONCE_MEMORY = timedelta(minutes=2)  # Discord says "a few minutes"; this is the least that it can mean

UNUSABLE_BACKOFF = Backoff(first_seconds=60, longest_seconds=600)
"""Only an admin can fix this, so retry slowly."""

DELAY_BACKOFF = Backoff(first_seconds=1, longest_seconds=60)


class Step(Enum):
    """The next step for a prepared message."""

    FORGET = auto()  # all its entries are deleted
    EXPIRE = auto()  # even its newest notice is too old
    DISCARD = auto()  # none of its notices has a channel now
    LOOK_FIRST = auto()  # it may have arrived, and Discord may have forgotten the nonce
    SEND = auto()


def choose_step(
    message: OutgoingMessage,
    entries: Sequence[OutboxEntry],
    *,
    has_channel: bool,
    now: datetime,
    max_age: timedelta,
) -> Step:
    """Decide about a prepared message.

    Args:
        message: as stored.
        entries: its entries that still exist.
        has_channel: whether any of them has a channel now, this one or another.
        now: the time, UTC.
        max_age: the age up to which an entry is news.
    """
    if not entries:
        return Step.FORGET
    if max(entry.due_at for entry in entries) < now - max_age:
        return Step.EXPIRE
    if not has_channel:
        return Step.DISCARD
    return Step.SEND if is_remembered(message.prepared_at, now) else Step.LOOK_FIRST


def is_remembered(first_tried_at: datetime, now: datetime) -> bool:
    """Tell whether Discord surely remembers a nonce that was first sent at this time."""
    # negative if the clock was set back
    return timedelta() <= now - first_tried_at < NONCE_MEMORY


def list_due(pending: Mapping[Feed, Sequence[OutboxEntry]], now: datetime) -> dict[Feed, list[OutboxEntry]]:
    """Return the entries of each feed up to the first one that is not due yet."""
    return {
        feed: list(takewhile(lambda one: one.due_at <= now, waiting)) for feed, waiting in pending.items()
    }


def find_wake_ups(pending: Mapping[Feed, Sequence[OutboxEntry]], now: datetime) -> dict[Feed, datetime]:
    """Return when each feed goes on that has to wait for its first entry."""
    return {feed: some[0].due_at for feed, some in pending.items() if some and some[0].due_at > now}


def merge_feeds(feeds: Iterable[Sequence[OutboxEntry]]) -> list[OutboxEntry]:
    """Return the first entries of a channel, oldest first, without changing the order of a feed."""
    merged = heapq.merge(*feeds, key=lambda entry: (entry.due_at, entry.feed))
    return list(islice(merged, MAX_EMBEDS))


def list_alike(entries: Sequence[OutboxEntry]) -> list[OutboxEntry]:
    """Return the first entries up to one that may not share a message with them.

    A message that is edited later is built again from the facts of all its posts, so posts that are edited
    share none with others.
    """
    return list(takewhile(lambda one: one.notice.is_standing is entries[0].notice.is_standing, entries))


def choose_group(
    entries: Sequence[OutboxEntry], sizes: Sequence[int], *, single: bool = False
) -> list[OutboxEntry]:
    """Return the entries of the next message: the first one, and the following ones that fit.

    Args:
        entries: pending entries for one channel, in order.
        sizes: characters of each entry's line or card.
        single: take one entry alone.

    The notices keep their order.
    """
    group: list[OutboxEntry] = []
    remaining = MAX_CHARACTERS
    for entry, size in zip(entries, sizes, strict=True):
        remaining -= size
        if group and (single or remaining < 0 or len(group) == MAX_EMBEDS):
            break
        group.append(entry)
    return group


def find_match(
    posted: Sequence[PostedMessage], *, nonce: str, texts: Texts, after: int
) -> PostedMessage | None:
    """Return the message of a channel with this nonce, or with all these lines in this order.

    It may have other lines between them, of entries that were removed since the first try. Two kills can have
    the same line, so an earlier message does not count.

    Args:
        posted: messages of the channel.
        nonce: of the message that is searched.
        texts: title and description of each of its embeds.
        after: the message has a higher id than this.
    """
    for message in posted:
        is_alike = message.nonce is None and message.message_id > after and _shows(message.texts, texts)
        if message.nonce == nonce or is_alike:
            return message
    return None


def make_nonce() -> str:
    """Return a fresh nonce of 24 characters (Discord accepts 25)."""
    return base64.b32encode(secrets.token_bytes(15)).decode().lower()


def derive_nonce(matter: str) -> str:
    """Return the nonce of the only message about a matter, the same in every process."""
    return base64.b32encode(hashlib.sha256(matter.encode()).digest()[:15]).decode().lower()


def compute_retry_seconds(error: DeliveryError, failures: int, *, now: datetime) -> float:
    """Return the wait after this many failures, at least Discord's Retry-After."""
    seconds = DELAY_BACKOFF.compute_seconds(failures)
    if isinstance(error, DeliveryDelayedError) and error.retry_at is not None:
        seconds = max(seconds, (error.retry_at - now).total_seconds())
    return seconds


def _shows(shown: Texts, texts: Texts) -> bool:
    rest = iter(_list_lines(shown))
    return all(line in rest for line in _list_lines(texts))  # searches on after the last match


def _list_lines(texts: Texts) -> list[str]:
    """Return all lines, with their white space normalised, which Discord trims."""
    lines = [line for title, description in texts for line in (title, *description.split("\n"))]
    return [squashed for line in lines if (squashed := " ".join(line.split()))]
