"""Rules for the queries of repositories."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from utils.database.core.scope_rules import check_update, scope_document, scope_filter, scope_pipeline
from utils.errors import ScopeViolationError

SCOPE: Mapping[str, int | str] = {"guild_id": 1, "server_id": "a"}


def test_scope_is_added_to_filter_document_and_first_match() -> None:
    """Every filter, document and first match gets its scope."""
    assert scope_filter(SCOPE, {"name": "x"}) == {"guild_id": 1, "server_id": "a", "name": "x"}
    assert scope_document(SCOPE, {"name": "x"}) == {"guild_id": 1, "server_id": "a", "name": "x"}
    assert scope_pipeline(SCOPE, []) == [{"$match": SCOPE}]
    assert scope_pipeline(SCOPE, [{"$limit": 1}]) == [{"$match": SCOPE}, {"$limit": 1}]
    assert scope_pipeline(SCOPE, [{"$match": {"name": "x"}}, {"$limit": 1}]) == [
        {"$match": {"guild_id": 1, "server_id": "a", "name": "x"}},
        {"$limit": 1},
    ]


@pytest.mark.parametrize(
    "query",
    [
        {"guild_id": 2},
        {"server_id": {"$in": ["a", "b"]}},
        {"$where": "true"},
        {"$and": [{"$where": "true"}]},
        {"$expr": {"$function": {"body": "", "args": [], "lang": "js"}}},
        {"$text": {"$search": "x"}},
    ],
)
def test_filter_that_names_or_leaves_its_scope_is_refused(query: Mapping[str, Any]) -> None:
    """A repository cannot change its own scope."""
    with pytest.raises(ScopeViolationError):
        scope_filter(SCOPE, query)


@pytest.mark.parametrize(
    "pipeline",
    [
        [{"$lookup": {"from": "kills"}}],
        [{"$graphLookup": {}}],
        [{"$match": {}}, {"$unionWith": "kills"}],
        [{"$limit": 1}, {"$out": "kills"}],
        [{"$merge": "kills"}],
        [{"$facet": {"a": [{"$lookup": {"from": "kills"}}]}}],
        [{"$group": {"_id": {"$accumulator": {}}}}],
        [{"$match": {"guild_id": 2}}],
        [{"$currentOp": {}}],
        [{"$limit": 1, "$match": {}}],
        [{}],
    ],
)
def test_pipeline_that_leaves_its_scope_is_refused(pipeline: Sequence[Mapping[str, Any]]) -> None:
    """A pipeline cannot reach other collections, at any depth."""
    with pytest.raises(ScopeViolationError):
        scope_pipeline(SCOPE, pipeline)


@pytest.mark.parametrize(
    "update",
    [
        {"$set": {"guild_id": 2}},
        {"$set": {"server_id.x": 2}},
        {"$unset": {"guild_id": ""}},
        {"$setOnInsert": {"server_id": "b"}},
        {"$rename": {"name": "guild_id"}},
        {"$set": {"_id": 3}},
        {"name": "whole document"},
        [{"$set": {"name": "pipeline"}}],
        {},
    ],
)
def test_update_that_touches_its_scope_is_refused(update: object) -> None:
    """An update cannot move a document to another scope."""
    with pytest.raises(ScopeViolationError):
        check_update(SCOPE, update)


def test_document_of_another_scope_is_refused() -> None:
    """A document with another scope is refused."""
    assert scope_document(SCOPE, {"guild_id": 1}) == SCOPE
    with pytest.raises(ScopeViolationError):
        scope_document(SCOPE, {"server_id": "b"})
