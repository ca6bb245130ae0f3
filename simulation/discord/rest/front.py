"""The way of every request: record, fault, token, rate limit, contract, handler, answer."""

import asyncio
import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from simulation.discord.errors import ApiError, ErrorCode
from simulation.discord.faults import BAD_GATEWAY_HTML, Fault, FaultPlan
from simulation.discord.openapi import ApiContract
from simulation.discord.ratelimits import RateLimitHit, RateLimits, hit_headers, hit_payload
from simulation.discord.requests import ReceivedRequest, Refusal, RequestJournal
from simulation.discord.rest.bodies import read_body
from simulation.discord.rest.call import Answer, Call, Endpoint
from simulation.discord.rest.channels import RateLimitedError
from simulation.discord.world import World

API_PREFIX = "/api/v10"
_MAJOR_PARAMETERS = ("channel_id", "guild_id", "webhook_token", "interaction_token")
VIA = {"Via": "1.1 google"}  # header of a 429 from Discord itself; one from Cloudflare does not have it
_PARAMETER = re.compile(r"\{(\w+)\}")


class RouteTable:
    """Finds the endpoint of a method and path; literal segments win over parameters."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        ordered = sorted(endpoints, key=lambda endpoint: endpoint.template.count("{"))
        self._routes = [(self._pattern(endpoint.template), endpoint) for endpoint in ordered]

    @staticmethod
    def _pattern(template: str) -> re.Pattern[str]:
        parts = _PARAMETER.split(template)
        texts = [f"(?P<{part}>[^/]+)" if index % 2 else re.escape(part) for index, part in enumerate(parts)]
        return re.compile("".join(texts))

    def find(self, method: str, path: str) -> tuple[Endpoint, dict[str, str]]:
        """Return the endpoint and the parameters of the path.

        Raises:
            ApiError: 404 for an unknown path, 405 for a method that it does not have.
        """
        is_known_path = False
        for pattern, endpoint in self._routes:
            if (match := pattern.fullmatch(path)) is None:
                continue
            is_known_path = True
            if endpoint.method == method:
                return endpoint, match.groupdict()
        raise ApiError(ErrorCode.METHOD_NOT_ALLOWED if is_known_path else ErrorCode.NOT_FOUND)


class FrontDoor:
    """Receives every REST request and answers as Discord does."""

    def __init__(
        self,
        world: World,
        endpoints: Sequence[Endpoint],
        *,
        token: str,
        journal: RequestJournal,
        faults: FaultPlan,
        rate_limits: RateLimits,
        contract: ApiContract,
    ) -> None:
        self._world = world
        self._table = RouteTable(endpoints)
        self._token = token
        self._journal = journal
        self._faults = faults
        self._rate_limits = rate_limits
        self._contract = contract
        self.in_flight = 0

    async def receive(self, request: web.Request) -> web.StreamResponse:
        """Handle one HTTP request."""
        path = request.path.removeprefix(API_PREFIX)
        record = ReceivedRequest(
            request.method,
            path,
            path,
            self._world.clock.now(),
            query=dict(request.query),
            reason=unquote(request.headers.get("X-Audit-Log-Reason", "")),
        )
        self._journal.note(record)
        endpoint, refusal = self._route(record)
        try:
            body = await read_body(request)
            record.body, record.files, record.content_type = body.content, body.files, body.content_type
        except ApiError as error:
            refusal = refusal or error
        except ConnectionResetError:
            return _cut(request)  # the client was ended in the middle of its request
        self.in_flight += 1
        try:
            return await self._answer(request, record, endpoint, refusal)
        finally:
            self.in_flight -= 1
            self._world.signal.notify()

    def _route(self, record: ReceivedRequest) -> tuple[Endpoint | None, ApiError | None]:
        try:
            endpoint, record.parameters = self._table.find(record.method, record.path)
        except ApiError as error:
            return None, error
        record.route = endpoint.template
        return endpoint, None

    async def _answer(
        self,
        request: web.Request,
        record: ReceivedRequest,
        endpoint: Endpoint | None,
        refusal: ApiError | None,
    ) -> web.StreamResponse:
        fault = self._faults.choose(record)
        if fault is not None:
            self._world.signal.notify()  # the fault was applied
            if fault.delay_seconds:
                await asyncio.sleep(fault.delay_seconds)
            if fault.held is not None:
                await fault.held.wait()
            if fault.cut == "before":
                return _cut(request)
            if fault.status is not None:
                return _faulty_answer(record, fault)
        self._contract.check(record)
        if endpoint is None or refusal is not None:
            return self._refuse(record, refusal or ApiError(ErrorCode.NOT_FOUND))
        response = await self._handle(request, record, endpoint)
        if fault is not None and fault.cut == "after":
            return _cut(request)
        return response

    async def _handle(
        self, request: web.Request, record: ReceivedRequest, endpoint: Endpoint
    ) -> web.StreamResponse:
        if endpoint.needs_token and request.headers.get("Authorization") != f"Bot {self._token}":
            return self._refuse(record, ApiError(ErrorCode.UNAUTHORIZED))
        verdict = self._rate_limits.check(
            endpoint.template,
            _bucket(endpoint, record),
            endpoint.limit,
            is_global_counted=endpoint.is_global_counted,
        )
        if verdict.hit is not None:
            return _limited(record, verdict.hit, verdict.headers)
        try:
            answer = await endpoint.handler(Call(self._world, record))
        except ApiError as error:
            return self._refuse(record, error, verdict.headers)
        except RateLimitedError as error:
            return _limited(record, error.hit, {})
        return _respond(record, answer, verdict.headers)

    def _refuse(
        self, record: ReceivedRequest, error: ApiError, headers: dict[str, str] | None = None
    ) -> web.Response:
        self._journal.refusals.append(
            Refusal(
                record.method,
                record.path,
                error.code.status,
                error.code.number,
                error.code.text,
                error.tree,
                record.body,
            )
        )
        return _respond(record, Answer(error.code.status, error.to_payload()), headers or {})


def _bucket(endpoint: Endpoint, record: ReceivedRequest) -> str:
    majors = [record.parameters[name] for name in _MAJOR_PARAMETERS if name in record.parameters]
    return ":".join([endpoint.method, endpoint.template, *majors])


def _respond(record: ReceivedRequest, answer: Answer, headers: dict[str, str]) -> web.Response:
    """Build the response; the content type carries no charset, as Discord's does not."""
    record.status, record.answer = answer.status, answer.body
    if answer.status == 204:
        return web.Response(status=204, headers=headers)
    raw = json.dumps(answer.body, separators=(",", ":")).encode()
    return web.Response(
        status=answer.status, body=raw, headers={**headers, "Content-Type": "application/json"}
    )


def _limited(record: ReceivedRequest, hit: RateLimitHit, headers: dict[str, str]) -> web.Response:
    body = hit_payload(hit.retry_after, is_global=hit.scope == "global")
    return _respond(record, Answer(429, body), {**headers, **hit_headers(hit), **VIA})


def _faulty_answer(record: ReceivedRequest, fault: Fault) -> web.Response:
    status = fault.status or 500
    record.status = status
    if status == 429 and fault.body is None:
        hit = RateLimitHit(
            record.route, "scripted", fault.retry_after or 1.0, "global" if fault.is_global else "user"
        )
        return _limited(record, hit, {})
    body: Any = fault.body
    if body is None and status == 502:
        body = BAD_GATEWAY_HTML
    if status == 429 and not isinstance(body, str):
        return _respond(record, Answer(status, body), VIA)
    if isinstance(body, str):
        return web.Response(status=status, text=body, content_type="text/html")
    return _respond(record, Answer(status, body or {"message": f"{status}: scripted", "code": 0}), {})


def _cut(request: web.Request) -> web.Response:
    """Break the connection without an answer."""
    if isinstance(request.transport, asyncio.Transport):
        request.transport.abort()
    return web.Response(status=500)
