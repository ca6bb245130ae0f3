"""Reading request bodies: JSON, or form data with `payload_json` and `files[n]`."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from aiohttp import BodyPartReader, web

from simulation.discord.errors import ApiError, ErrorCode
from simulation.discord.requests import UploadedFile

MAX_UPLOAD_BYTES = 10 * 1024 * 1024  # the limit of a server without boosts
_FILE_PART = re.compile(r"files?\[(\d+)\]")


@dataclass(slots=True)
class RequestBody:
    """The parsed body of a request."""

    content: Any = None
    files: dict[int, UploadedFile] = field(default_factory=dict)
    content_type: str = "application/json"


async def read_body(request: web.Request) -> RequestBody:
    """Read the body of a request.

    Raises:
        ApiError: 50109 for invalid JSON, 40005 for files that are too large.
    """
    if request.content_type == "multipart/form-data":
        return await _read_multipart(request)
    if request.content_type == "application/x-www-form-urlencoded":
        form = await request.post()
        text = str(form.get("payload_json", ""))
        return RequestBody(_parse_json(text.encode()), content_type=request.content_type)
    raw = await request.read()
    if not raw:
        return RequestBody()
    return RequestBody(_parse_json(raw))


async def _read_multipart(request: web.Request) -> RequestBody:
    body = RequestBody(content_type="multipart/form-data")
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            continue
        data = bytes(await part.read(decode=True))
        if part.name == "payload_json":
            body.content = _parse_json(data)
        elif (match := _FILE_PART.fullmatch(part.name or "")) is not None:
            kind = part.headers.get("Content-Type", "application/octet-stream")
            body.files[int(match[1])] = UploadedFile(part.filename or "unknown", kind, data)
    if sum(len(file.data) for file in body.files.values()) > MAX_UPLOAD_BYTES:
        raise ApiError(ErrorCode.PAYLOAD_TOO_LARGE)
    _name_files(body)
    return body


def _name_files(body: RequestBody) -> None:
    """Give files the names that the body's `attachments` state; they win over the parts' own."""
    if not isinstance(body.content, dict):
        return
    inner = body.content.get("data")
    holder = inner if isinstance(inner, dict) else body.content
    for entry in holder.get("attachments") or ():
        index = str(entry.get("id"))
        if entry.get("filename") and index.isdecimal() and int(index) in body.files:
            file = body.files[int(index)]
            body.files[int(index)] = UploadedFile(entry["filename"], file.content_type, file.data)


def _parse_json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError as error:
        raise ApiError(ErrorCode.INVALID_JSON) from error
