"""Groups as they are after more errors were counted; pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from utils.models.error_groups import (
    SAMPLES,
    TOP,
    ErrorGroup,
    GroupDelta,
    GroupState,
    GroupWrite,
    TopCount,
)
from utils.telemetry.fingerprints import ErrorIdentity

RESOLVED_FOR = timedelta(minutes=10)
"""Errors that come sooner after a group was resolved do not open it again: they may be on their way."""

KEYED = ("commands", "tasks", "servers", "members", "guilds")


def merge(stored: ErrorGroup | None, delta: GroupDelta) -> GroupWrite:
    """Return a group after more errors: it may open again, and may be new."""
    if stored is None:
        return GroupWrite(delta, build_group(delta), is_new=True)
    is_regressed = is_regression(stored, delta)
    is_open = stored.state is not GroupState.RESOLVED or is_regressed
    tops: dict[str, Any] = {name: merge_top(getattr(stored, name), getattr(delta, name)) for name in KEYED}
    samples = tuple(sorted((*stored.samples, *delta.samples), key=lambda one: one.at))[-SAMPLES:]
    group = replace(
        stored,
        text=delta.text or stored.text,
        count=stored.count + delta.count,
        first_seen_at=min(stored.first_seen_at, delta.first_seen_at),
        last_seen_at=max(stored.last_seen_at, delta.last_seen_at),
        state=GroupState.OPEN if is_open else GroupState.RESOLVED,
        regressions=stored.regressions + is_regressed,
        samples=samples,
        **tops,
    )
    return GroupWrite(
        delta, group, is_opened=stored.state is not GroupState.OPEN and is_open, is_regressed=is_regressed
    )


def is_regression(stored: ErrorGroup, delta: GroupDelta) -> bool:
    """Tell whether errors came back after somebody had resolved them; a stale group only returns."""
    if stored.state is not GroupState.RESOLVED or stored.resolved_at is None:
        return False
    return delta.last_seen_at > stored.resolved_at + RESOLVED_FOR


def build_group(delta: GroupDelta) -> ErrorGroup:
    """Return the group of the first errors."""
    tops: dict[str, Any] = {name: merge_top((), getattr(delta, name)) for name in KEYED}
    return ErrorGroup(
        fingerprint=delta.fingerprint,
        reference=delta.reference,
        category=delta.category,
        error_type=delta.error_type,
        place=delta.place,
        frames=delta.frames,
        text=delta.text,
        count=delta.count,
        first_seen_at=delta.first_seen_at,
        last_seen_at=delta.last_seen_at,
        samples=delta.samples,
        **tops,
    )


def merge_top(stored: Iterable[TopCount], counted: Mapping[str | int, int]) -> tuple[TopCount, ...]:
    """Return the most frequent ones of both."""
    total = Counter({one.id: one.count for one in stored})
    total.update(counted)
    ranked = sorted(total.items(), key=lambda one: (-one[1], str(one[0])))
    return tuple(TopCount(key, n) for key, n in ranked[:TOP])


def overflow(delta: GroupDelta, identity: ErrorIdentity) -> GroupDelta:
    """Return the same errors as a part of the group for all others, without details."""
    nothing: dict[str, Any] = {name: {} for name in KEYED}
    return replace(
        delta,
        fingerprint=identity.fingerprint,
        reference=identity.reference,
        error_type=identity.error_type,
        place=identity.place,
        frames=identity.frames,
        text="",
        samples=(),
        **nothing,
    )


def merge_deltas(first: GroupDelta, second: GroupDelta) -> GroupDelta:
    """Return the errors of two parts of one group."""
    keyed: dict[str, Any] = {
        name: Counter(getattr(first, name)) + Counter(getattr(second, name)) for name in KEYED
    }
    return replace(
        first,
        count=first.count + second.count,
        first_seen_at=min(first.first_seen_at, second.first_seen_at),
        last_seen_at=max(first.last_seen_at, second.last_seen_at),
        hours=Counter(first.hours) + Counter(second.hours),
        samples=(*first.samples, *second.samples)[-SAMPLES:],
        **keyed,
    )
