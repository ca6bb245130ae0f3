"""Discord's rate limits: per route and channel, for renames, and in all."""

import hashlib
import math
from collections import deque
from dataclasses import dataclass, field

from simulation.discord.clock import WorldClock


@dataclass(frozen=True, slots=True)
class Limit:
    """A number of requests in a number of seconds."""

    requests: int
    per_seconds: float


GLOBAL_LIMIT = Limit(50, 1.0)
MESSAGE_LIMIT = Limit(5, 5.0)  # per channel
RENAME_LIMIT = Limit(2, 600.0)  # per channel; no header of Discord announces it
WEBHOOK_LIMIT = Limit(5, 2.0)  # per interaction token
ROLE_LIMIT = Limit(10, 10.0)  # roles of members, per server, giving and taking each
DEFAULT_LIMIT = Limit(50, 1.0)


@dataclass(slots=True)
class _Window:
    """The requests of one bucket that still count."""

    limit: Limit
    times: deque[float] = field(default_factory=deque)

    def forget(self, now: float) -> None:
        while self.times and self.times[0] <= now - self.limit.per_seconds:
            self.times.popleft()

    @property
    def remaining(self) -> int:
        return max(0, self.limit.requests - len(self.times))

    def reset_after(self, now: float) -> float:
        """Seconds until a request is free again."""
        if not self.times:
            return self.limit.per_seconds
        return max(0.0, self.times[0] + self.limit.per_seconds - now)


@dataclass(frozen=True, slots=True)
class RateLimitHit:
    """A 429 that the bot provoked."""

    route: str
    bucket: str
    retry_after: float
    scope: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a check: the headers, and the hit if the request is above the limit."""

    headers: dict[str, str]
    hit: RateLimitHit | None = None


class RateLimits:
    """Counts requests; `is_enforced = False` lets all pass, for tests of other things."""

    def __init__(self, clock: WorldClock) -> None:
        self._clock = clock
        self._windows: dict[str, _Window] = {}
        self.is_enforced = True
        self.hits: list[RateLimitHit] = []

    def relax(self) -> None:
        """Count no request any more."""
        self.is_enforced = False

    def check(self, route: str, bucket: str, limit: Limit, *, is_global_counted: bool) -> Verdict:
        """Count a request against its bucket and the global limit.

        Args:
            route: the route template, for the record of hits.
            bucket: method, route and its major parameters.
            limit: the bucket's limit.
            is_global_counted: whether the global limit counts the request; it does not count interaction
                endpoints.
        """
        if not self.is_enforced:
            return Verdict({})
        now = self._clock.now()
        if is_global_counted and (hit := self._take("global", GLOBAL_LIMIT, route, "global", now)):
            return Verdict({}, hit)
        hit = self._take(bucket, limit, route, "user", now)
        return Verdict(self._headers(bucket, now), hit)

    def check_rename(self, channel_id: str) -> Verdict:
        """Count a change of a channel's name or topic."""
        if not self.is_enforced:
            return Verdict({})
        route = "/channels/{channel_id}"
        hit = self._take(f"rename:{channel_id}", RENAME_LIMIT, route, "shared", self._clock.now())
        return Verdict({}, hit)

    def _take(self, key: str, limit: Limit, route: str, scope: str, now: float) -> RateLimitHit | None:
        window = self._windows.setdefault(key, _Window(limit))
        window.forget(now)
        if window.remaining:
            window.times.append(now)
            return None
        hit = RateLimitHit(route, key, round(window.reset_after(now), 3), scope)
        self.hits.append(hit)
        return hit

    def _headers(self, bucket: str, now: float) -> dict[str, str]:
        window = self._windows[bucket]
        reset_after = window.reset_after(now)
        return {
            "X-RateLimit-Limit": str(window.limit.requests),
            "X-RateLimit-Remaining": str(window.remaining),
            "X-RateLimit-Reset": f"{now + reset_after:.3f}",
            "X-RateLimit-Reset-After": f"{reset_after:.3f}",
            "X-RateLimit-Bucket": hashlib.sha256(bucket.encode()).hexdigest()[:32],
        }


def hit_headers(hit: RateLimitHit) -> dict[str, str]:
    """Return the headers of a 429; `Retry-After` is in whole seconds, rounded up."""
    headers = {"Retry-After": str(math.ceil(hit.retry_after)), "X-RateLimit-Scope": hit.scope}
    if hit.scope == "global":
        headers["X-RateLimit-Global"] = "true"
    return headers


def hit_payload(retry_after: float, *, is_global: bool) -> dict[str, object]:
    """Return the JSON body of a 429."""
    return {"message": "You are being rate limited.", "retry_after": retry_after, "global": is_global}
