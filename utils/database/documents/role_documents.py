"""How role rules and what the bot did with roles are stored."""

from utils.database.documents.codec import Codec, Document
from utils.models.roles import RoleGrant, RoleRule

ROLE_RULES = Codec(RoleRule, without=frozenset({"guild_id"}))
ROLE_GRANTS = Codec(RoleGrant)


def build_grant_key(grant: RoleGrant) -> Document:
    """Return the fields that name a grant."""
    return {"role_id": int(grant.role_id), "member_id": int(grant.member_id)}
