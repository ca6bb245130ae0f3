"""Checks requests against Discord's published API document, if it is available.

The document (``specs/openapi.json`` of github.com/discord/discord-api-spec) may not be distributed with this
project. ``DISCORD_OPENAPI`` is its path. Without the document no request is checked, and the log and pytest
report that.

Theory of operation
    Validators are built on first use, one for each operation and kind of body, and cached. The document is
    JSON Schema 2020-12, so it is used unchanged, with two exceptions. `_loosen` lists allowed deviations,
    each with its reason. `_discriminate` changes no verdict, but names the position of a mistake and saves
    time. Only tests need jsonschema, so it is imported on first use, and the demo runs without it.
"""

import importlib.util
import json
import os
import re
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from structlog import get_logger

from simulation.discord.requests import ContractViolation, ReceivedRequest, RequestJournal

logger = get_logger()

_BESIDE = Path(__file__).resolve().parents[3] / "shared" / "discord-openapi.json"  # the project's folder
DOCUMENT_PATH = Path(os.environ.get("DISCORD_OPENAPI") or _BESIDE)
_URI = "urn:discord"
_PARAMETER = re.compile(r"\{[^}]+\}")


@cache
def _load(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text("utf-8"))
    _loosen(document)
    _discriminate(document, document["components"]["schemas"])
    return document


def _loosen(document: dict[str, Any]) -> None:
    """Allow requests of py-cord that Discord accepts, although the document does not."""
    schemas = document["components"]["schemas"]
    # py-cord sends ids of allowed mentions, attachments and bulk deletions as numbers
    schemas["SnowflakeType"] = {
        "oneOf": [schemas["SnowflakeType"], {"type": "integer", "minimum": 0}],
    }


def _discriminate(node: Any, schemas: dict[str, Any]) -> None:
    """Turn a choice between schemas that differ in their `type` into one rule a type, throughout a tree."""
    if isinstance(node, list):
        for item in node:
            _discriminate(item, schemas)
        return
    if not isinstance(node, dict):
        return
    for value in node.values():
        _discriminate(value, schemas)
    for keyword in ("oneOf", "anyOf"):
        kinds = _types_by_reference(node.get(keyword), schemas)
        if kinds is not None:
            del node[keyword]
            node["allOf"] = [*node.get("allOf", ()), _rule_of_known_types(kinds), *_rules_by_type(kinds)]


def _types_by_reference(branches: Any, schemas: dict[str, Any]) -> dict[str, list[int]] | None:
    """Return the types of each branch, or None if the branches do not differ by type."""
    if not isinstance(branches, list) or len(branches) < 2:
        return None
    kinds: dict[str, list[int]] = {}
    for branch in branches:
        reference = branch.get("$ref", "")
        schema = schemas.get(reference.rpartition("/")[2], {})
        types = schema.get("properties", {}).get("type", {}).get("enum")
        if types is None or "type" not in schema.get("required", ()):
            return None
        kinds[reference] = types
    every = [kind for types in kinds.values() for kind in types]
    return kinds if len(every) == len(set(every)) else None


def _rule_of_known_types(kinds: dict[str, list[int]]) -> dict[str, Any]:
    every = [kind for types in kinds.values() for kind in types]
    return {"type": "object", "required": ["type"], "properties": {"type": {"enum": every}}}


def _rules_by_type(kinds: dict[str, list[int]]) -> list[dict[str, Any]]:
    return [
        {
            "if": {"properties": {"type": {"enum": types}}, "required": ["type"]},
            "then": {"$ref": reference},
        }
        for reference, types in kinds.items()
    ]


def find_obstacle(path: Path = DOCUMENT_PATH) -> str:
    """Return a sentence that says why requests are not checked; empty if they are."""
    if not path.is_file():
        return (
            f"Requests to Discord are NOT checked against its API document: there is no {path}. "
            "Set DISCORD_OPENAPI to where it is."
        )
    if importlib.util.find_spec("jsonschema") is None:
        return "Requests to Discord are NOT checked against its API document: jsonschema is not installed."
    return ""


@cache
def tell_obstacle(path: Path = DOCUMENT_PATH) -> None:
    """Log once that requests are not checked, if so."""
    if obstacle := find_obstacle(path):
        logger.warning(obstacle)


class ApiContract:
    """Checks each request against the document; without the document it checks nothing.

    Args:
        journal: the journal that notes mismatches.
        path: the document.
    """

    def __init__(self, journal: RequestJournal, path: Path = DOCUMENT_PATH) -> None:
        self._journal = journal
        self._path = path
        self.is_available = not find_obstacle(path)

    def check(self, request: ReceivedRequest) -> None:
        """Note every deviation of a request from the document."""
        if not self.is_available:
            return
        found = _find_operation(self._path, request.method, request.path)
        if found is None:
            self._note(request, "", "the document has no such operation")
            return
        template, operation = found
        self._check_query(request, template, operation)
        self._check_body(request, template, operation)

    def _check_query(self, request: ReceivedRequest, template: str, operation: dict[str, Any]) -> None:
        known = {
            parameter["name"]: parameter["schema"]
            for parameter in operation.get("parameters", ())
            if parameter["in"] == "query"
        }
        for name, text in request.query.items():
            if name not in known:
                self._note(request, f"?{name}", f"{template} has no such query parameter")
                continue
            schema = json.dumps(known[name], sort_keys=True)
            if not any(_validator(self._path, schema).is_valid(value) for value in _readings(text)):
                self._note(request, f"?{name}", f"{text!r} does not fit {schema}")

    def _check_body(self, request: ReceivedRequest, template: str, operation: dict[str, Any]) -> None:
        content = operation.get("requestBody", {}).get("content", {})
        if request.body is None:
            if operation.get("requestBody", {}).get("required"):
                self._note(request, "", f"{template} needs a body")
            return
        kind = request.content_type
        if kind not in content:
            self._note(request, "", f"{template} takes no {kind}")
            return
        schema = json.dumps(content[kind]["schema"], sort_keys=True)
        for pointer, message in _find_mistakes(self._path, schema, json.dumps(request.body)):
            self._note(request, pointer, message)

    def answer_mistakes(self, request: ReceivedRequest) -> list[str]:
        """Return the deviations of an answer from the document (for the simulation's own tests)."""
        found = _find_operation(self._path, request.method, request.path)
        if found is None:
            return ["the document has no such operation"]
        responses = found[1]["responses"]
        response = responses.get(str(request.status)) or responses.get(f"{str(request.status)[0]}XX")
        if response is None:
            return [f"{found[0]} does not answer {request.status}"]
        schema = response.get("content", {}).get("application/json", {}).get("schema")
        if schema is None:
            return [] if request.answer is None else [f"{found[0]} answers without a body"]
        text = json.dumps(request.answer)
        mistakes = _find_mistakes(self._path, json.dumps(schema, sort_keys=True), text)
        return [f"{found[0]} {pointer}: {message}" for pointer, message in mistakes]

    def _note(self, request: ReceivedRequest, pointer: str, message: str) -> None:
        self._journal.contract_violations.append(
            ContractViolation(request.method, request.path, pointer, message)
        )


def _readings(text: str) -> list[object]:
    """Return all values that a query text can mean; Discord reads 1 and 0 as booleans too."""
    readings: list[object] = [text]
    if text.lstrip("-").isdecimal():
        readings.append(int(text))
    if text in ("true", "false", "1", "0"):
        readings.append(text in ("true", "1"))
    return readings


@cache
def _templates(path: Path) -> list[tuple[re.Pattern[str], str]]:
    """Return the paths as patterns, those with the fewest parameters first."""
    ordered = sorted(_load(path)["paths"], key=lambda template: template.count("{"))
    return [
        (re.compile("[^/]+".join(re.escape(part) for part in _PARAMETER.split(template))), template)
        for template in ordered
    ]


def _find_operation(path: Path, method: str, requested: str) -> tuple[str, dict[str, Any]] | None:
    for pattern, template in _templates(path):
        if pattern.fullmatch(requested):
            operation = _load(path)["paths"][template].get(method.lower())
            if operation is not None:
                return template, operation
    return None


@cache
def _registry(path: Path) -> Any:
    """Return the registry that resolves the document's references."""
    from referencing import Registry  # noqa: PLC0415 - comes with jsonschema, see above
    from referencing.jsonschema import DRAFT202012  # noqa: PLC0415 - see above

    registry: Registry[Any] = Registry()
    return registry.with_resource(_URI, DRAFT202012.create_resource(_load(path)))


@lru_cache(maxsize=512)  # a bot registers the same long command set at every start
def _find_mistakes(path: Path, schema: str, body: str) -> tuple[tuple[str, str], ...]:
    """Return JSON pointer and message of each mistake; for a choice between schemas, of the likeliest one."""
    from jsonschema.exceptions import best_match  # noqa: PLC0415 - see above

    found = []
    for error in _validator(path, schema).iter_errors(json.loads(body)):
        likely = best_match([error]) or error
        found.append(("/" + "/".join(str(step) for step in likely.absolute_path), likely.message[:1000]))
    return tuple(found)


@cache
def _validator(path: Path, schema: str) -> Any:
    """Return the validator of a schema given as JSON, its references made absolute."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - see above

    absolute = json.loads(schema.replace('"#/', f'"{_URI}#/'))
    return Draft202012Validator(absolute, registry=_registry(path))
