"""How role rules and what the bot did with roles are stored."""

from collections.abc import Mapping
from typing import Any

from utils.database.documents.codec import Codec, Document
from utils.models.roles import GrantState, RoleGrant, RoleId, RoleRule
from utils.models.scope import MemberId

ROLE_RULES = Codec(RoleRule, without=frozenset({"guild_id"}))
ROLE_GRANTS = Codec(RoleGrant)

_STATES = {state.value: state for state in GrantState}


def build_grant_key(grant: RoleGrant) -> Document:
    """Return the fields that name a grant."""
    return {"role_id": int(grant.role_id), "member_id": int(grant.member_id)}


def read_grant(document: Mapping[str, Any]) -> RoleGrant:
    """Return a stored grant. Every look reads all of a guild, so it is read without the codec.

    Raises:
        KeyError: a field is missing, or the state is unknown.
    """
    return RoleGrant(
        RoleId(document["role_id"]),
        MemberId(document["member_id"]),
        _STATES[document["state"]],
        document["changed_at"],
        document["due_since"],
        document.get("is_silent", False),
    )
