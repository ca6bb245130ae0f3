"""Faults of the simulated Discord on demand: which requests, which fault, and how often."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from simulation.discord.requests import ReceivedRequest

BAD_GATEWAY_HTML = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1>"
    "</center>\r\n<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n"
)
GATEWAY_ROUTE = "/gateway-socket"  # the value of `Fault.route` for the websocket


@dataclass(slots=True)
class Fault:
    """One fault.

    Args:
        method: HTTP method, None for any.
        route: route template such as `/channels/{channel_id}/messages`, None for any.
        status: answer with this status instead of handling the request. The library repeats 500 to 504 for
            25 seconds, and 520, an answer of Cloudflare, not at all.
        body: the answer's body: text is sent as HTML, an object as JSON, None as Discord's usual body. A 429
            with a body has no `Retry-After`; with a text it looks like one of Discord's proxy.
        retry_after: with status 429, seconds to wait.
        is_global: with status 429, whether the limit is the global one.
        cut: break the connection `before` the request is handled or `after` it took effect.
        delay_seconds: wait first; without another fault the request is then handled as usual.
        held: wait first until this event is set.
        times: how often it strikes; None: until it is removed.
        skip: the number of matching requests that pass first.
        only_if: a finer condition on the request, its body included.
    """

    method: str | None = None
    route: str | None = None
    status: int | None = None
    body: str | Mapping[str, Any] | None = None
    retry_after: float | None = None
    is_global: bool = False
    cut: Literal["before", "after"] | None = None
    delay_seconds: float = 0.0
    held: asyncio.Event | None = None
    times: int | None = 1
    skip: int = 0
    only_if: Callable[[ReceivedRequest], bool] | None = None
    struck: int = field(default=0, init=False)
    _passed: int = field(default=0, init=False, repr=False)

    @property
    def is_spent(self) -> bool:
        """Whether it will never strike again."""
        return self.times is not None and self.struck >= self.times

    def strikes(self, request: ReceivedRequest) -> bool:
        """Decide whether this request is hit, and count it."""
        if self.is_spent or self.method not in (None, request.method):
            return False
        if self.route not in (None, request.route) or (self.only_if and not self.only_if(request)):
            return False
        if self._passed < self.skip:
            self._passed += 1
            return False
        self.struck += 1
        return True


class FaultPlan:
    """The faults in force, oldest first; the first that matches a request strikes."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._outage: Fault | None = None

    def add(self, fault: Fault) -> Fault:
        """Put a fault in force and return it, so that its `struck` can be read."""
        self._faults.append(fault)
        return fault

    def remove(self, fault: Fault) -> None:
        """Take a fault back."""
        self._faults.remove(fault)

    def clear(self) -> None:
        """Take all faults back, an outage too."""
        self._faults.clear()
        self._outage = None

    def choose(self, request: ReceivedRequest) -> Fault | None:
        """Return the fault that strikes this request."""
        if self._outage is not None and self._outage.strikes(request):
            return self._outage
        return next((fault for fault in self._faults if fault.strikes(request)), None)

    def begin_outage(self) -> Fault:
        """Break every connection until the end of the outage."""
        self._outage = Fault(cut="before", times=None)
        return self._outage

    def end_outage(self) -> None:
        """Let the world answer again."""
        self._outage = None
