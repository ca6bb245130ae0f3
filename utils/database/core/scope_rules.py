"""Scope rules: the operations that a repository may use, decided without I/O.

A scope is a small mapping (``guild_id``, or ``guild_id`` and ``server_id``). It is added to every filter and
document and in front of every pipeline. MongoDB joins the top level of a filter by AND, so a scope on that
level cannot be widened. Operators that could bypass it (other collections, JavaScript) are refused.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from types import NoneType
from typing import Any

from utils.errors import ScopeViolationError
from utils.models.scope import GuildId, ServerScope

Scope = Mapping[str, int | str]
Query = Mapping[str, Any]

FORBIDDEN_ANYWHERE = frozenset(
    {"$lookup", "$graphLookup", "$unionWith", "$out", "$merge", "$where", "$function", "$accumulator"}
)
FILTER_OPERATORS = frozenset({"$and", "$or", "$nor", "$expr"})
_PLAIN = (str, bytes, int, float, datetime, NoneType)
STAGES = frozenset(
    {"$match", "$group", "$sort", "$skip", "$limit", "$project", "$set", "$addFields", "$unset", "$unwind"}
    | {"$count", "$facet", "$sortByCount", "$replaceRoot", "$replaceWith", "$setWindowFields", "$bucket"}
)


def scope_of_guild(guild_id: GuildId) -> Scope:
    """Return the fields of all documents of a guild."""
    return {"guild_id": int(guild_id)}


def scope_of_server(scope: ServerScope) -> Scope:
    """Return the fields of all documents of a game server."""
    return {"guild_id": int(scope.guild_id), "server_id": str(scope.server_id)}


def scope_filter(scope: Scope, query: Query) -> dict[str, Any]:
    """Return the filter within the scope.

    Raises:
        ScopeViolationError: it names a field of the scope, or uses a forbidden operator.
    """
    for key in query:
        if key in scope:
            raise ScopeViolationError(f"A filter may not name {key}: the scope does.")
        if key.startswith("$") and key not in FILTER_OPERATORS:
            raise ScopeViolationError(f"A filter may not use {key} at its top.")
    _refuse_forbidden(query)
    return {**scope, **query}


def scope_document(scope: Scope, document: Query) -> dict[str, Any]:
    """Return the document with its scope.

    Raises:
        ScopeViolationError: it names another scope already.
    """
    for key, value in scope.items():
        if document.get(key, value) != value:
            raise ScopeViolationError(f"A document of another {key} does not belong here.")
    return {**scope, **document}


def scope_pipeline(scope: Scope, pipeline: Sequence[Query]) -> list[dict[str, Any]]:
    """Return the pipeline within the scope; a first ``$match`` is merged with the scope's, for the indexes.

    Raises:
        ScopeViolationError: a stage is not allowed, or holds something forbidden at any depth.
    """
    for stage in pipeline:
        if len(stage) != 1 or next(iter(stage)) not in STAGES:
            raise ScopeViolationError(f"A pipeline may not have the stage {', '.join(stage)}.")
    _refuse_forbidden(pipeline)
    first = pipeline[0].get("$match") if pipeline else None
    if first is None:
        return [{"$match": dict(scope)}, *(dict(stage) for stage in pipeline)]
    return [{"$match": scope_filter(scope, first)}, *(dict(stage) for stage in pipeline[1:])]


def check_update(scope: Scope, update: Any) -> None:
    """Make sure that an update leaves scope and ``_id`` alone.

    Raises:
        ScopeViolationError: it changes one of them, or is a whole document or a pipeline.
    """
    if not isinstance(update, Mapping) or not update or not all(key.startswith("$") for key in update):
        raise ScopeViolationError("An update must be made of operators.")
    _refuse_forbidden(update)
    for path in _list_paths(update):
        root = str(path).split(".", 1)[0]
        if root in scope or root == "_id":
            raise ScopeViolationError(f"An update may not change {root}.")


def _list_paths(update: Query) -> Iterator[object]:
    for operator, fields in update.items():
        yield from fields
        if operator == "$rename":
            yield from fields.values()


def _refuse_forbidden(part: object) -> None:
    if isinstance(part, _PLAIN):
        return
    # dict and list come first, because a check of an abstract class is slow
    if isinstance(part, dict | Mapping):
        for key, value in part.items():
            if key in FORBIDDEN_ANYWHERE:
                raise ScopeViolationError(f"{key} would leave the scope.")
            _refuse_forbidden(value)
    elif isinstance(part, list | Sequence):
        for value in part:
            _refuse_forbidden(value)
