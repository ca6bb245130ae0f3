"""Whole payloads to Discord, in a form that is equal from run to run."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from simulation.discord import Interaction, ReceivedRequest

FOLDER = Path(__file__).parent / "snapshots"
TRANSLATED = Path(__file__).parent / "translated"
REQUESTS = {
    ("POST", "callback"): "POST callback",
    ("POST", ""): "POST follow-up",
    ("PATCH", "@original"): "PATCH answer",
    ("DELETE", "@original"): "DELETE answer",
}

COMMAND_MENTION = re.compile(r"</([^:>]+):\d+>")

Snapshot = list[dict[str, Any]]


def record(
    requests: Sequence[ReceivedRequest], interactions: Sequence[Interaction], names: Mapping[int, str]
) -> Snapshot:
    """Return the requests that answer interactions, in order: request, body, and files by name and type.

    Args:
        requests: all requests that the world received.
        interactions: the interactions whose answers are recorded.
        names: the replacement of each id of Discord.
    """
    tokens = [interaction.token for interaction in interactions]
    own = [request for request in requests if any(token in request.path for token in tokens)]
    written = json.dumps([_describe(request) for request in own])
    for number, name in names.items():
        written = written.replace(str(number), name)
    written = COMMAND_MENTION.sub(r"</\1:id>", written)
    snapshot: Snapshot = json.loads(written)
    for part in walk(snapshot):
        if "custom_id" in part:
            part["custom_id"] = "kf:…" if part["custom_id"].startswith("kf:") else "…"
    return snapshot


def _describe(request: ReceivedRequest) -> dict[str, Any]:
    last = re.search(r"/(callback|@original)$", request.path)
    described: dict[str, Any] = {"request": REQUESTS[request.method, last[1] if last else ""]}
    if request.body is not None:
        described["body"] = request.body
    if request.files:
        described["files"] = [f"{file.filename} ({file.content_type})" for file in request.files.values()]
    return described


def walk(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every object inside a value, itself included."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from walk(inner)


def find_file(command: str) -> Path:
    """Return the file of a command's snapshots; a menu may have the name of a slash command."""
    name = command.strip("/") if command.startswith("/") else f"menu {command.lower()}"
    return FOLDER / f"{name.replace(' ', '_')}.json"


def read_snapshots(command: str) -> dict[str, Snapshot]:
    """Return the snapshots of a command by name; an empty mapping without a file."""
    return _read(find_file(command))


def write_snapshots(command: str, snapshots: Mapping[str, Snapshot]) -> None:
    """Write the snapshots of a command."""
    _write(find_file(command), snapshots)


def read_translated(language: str) -> dict[str, Snapshot]:
    """Return the snapshots in a language by command; an empty mapping without a file."""
    return _read(TRANSLATED / f"{language}.json")


def write_translated(language: str, snapshots: Mapping[str, Snapshot]) -> None:
    """Write the snapshots in a language."""
    _write(TRANSLATED / f"{language}.json", snapshots)


def _read(file: Path) -> dict[str, Snapshot]:
    snapshots: dict[str, Snapshot] = json.loads(file.read_text("utf-8")) if file.exists() else {}
    return snapshots


def _write(file: Path, snapshots: Mapping[str, Snapshot]) -> None:
    file.parent.mkdir(exist_ok=True)
    text = json.dumps(snapshots, ensure_ascii=False, indent=2, sort_keys=True)
    file.write_text(f"{text}\n", "utf-8")
