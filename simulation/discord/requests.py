"""The record of the bot's requests and of refusals."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file part of a multipart request."""

    filename: str
    content_type: str
    data: bytes = field(repr=False)


@dataclass(slots=True)
class ReceivedRequest:
    """One REST call.

    `route` is the template (`/channels/{channel_id}/messages`), `at` the time in seconds since 1970, and
    `reason` what the audit log of the server shows.
    """

    method: str
    path: str
    route: str
    at: float
    parameters: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    files: Mapping[int, UploadedFile] = field(default_factory=dict, repr=False)
    content_type: str = "application/json"
    reason: str = ""
    status: int | None = None
    answer: Any = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class MembersRequest:
    """One request for members over the gateway (op 8), and when it came."""

    guild_id: int
    user_ids: tuple[int, ...]
    at: float


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that Discord refused (4xx), scripted faults and rate limits aside."""

    method: str
    path: str
    status: int
    code: int
    message: str
    errors: Mapping[str, Any] | None = None
    body: Any = None


@dataclass(frozen=True, slots=True)
class ContractViolation:
    """A request that Discord's published API document does not allow."""

    method: str
    path: str
    pointer: str
    message: str


# refusals that a correct bot can get: something was deleted or is full, or a right was taken away
WORLDLY_CODES = frozenset({10003, 10004, 10007, 10008, 10011, 10013, 30013, 50001, 50007, 50013})


MAX_REQUESTS_KEPT = 20_000  # a benchmark sends more; the oldest are forgotten


@dataclass(slots=True)
class RequestJournal:
    """Everything that was asked, refused, or out of contract, in order."""

    requests: deque[ReceivedRequest] = field(default_factory=lambda: deque(maxlen=MAX_REQUESTS_KEPT))
    received: int = 0
    refusals: list[Refusal] = field(default_factory=list)
    contract_violations: list[ContractViolation] = field(default_factory=list)
    gateway_violations: list[str] = field(default_factory=list)
    members_requests: list[MembersRequest] = field(default_factory=list)

    def note(self, request: ReceivedRequest) -> None:
        """Add a request to the record."""
        self.received += 1
        self.requests.append(request)

    @property
    def violations(self) -> list[Refusal | str]:
        """The refusals that a correct bot never provokes, and breaches of the gateway's protocol."""
        refused = [refusal for refusal in self.refusals if refusal.code not in WORLDLY_CODES]
        return [*refused, *self.gateway_violations]

    def requests_to(self, method: str, route: str) -> list[ReceivedRequest]:
        """Return the requests of one method and route template."""
        return [request for request in self.requests if (request.method, request.route) == (method, route)]
