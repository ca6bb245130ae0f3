"""How recaps and their plans are stored.

The plan is in the document of the guild, beside the settings of recaps: a change of these settings replaces
the whole field, so it takes the plan away, and the next one is made for the new settings.
"""

from utils.database.documents.codec import Codec, Document
from utils.models.recaps import Recap, RecapKind, RecapPlan

RECAPS = Codec(Recap, without=frozenset({"guild_id"}))


def build_plan_update(plan: RecapPlan) -> Document:
    """Return the fields of a plan; ``due_at`` is the earliest moment, for the index."""
    next_at = {kind.value: plan[kind] for kind in RecapKind if kind in plan}
    return {"recap.next_at": next_at, "recap.due_at": min(next_at.values(), default=None)}


def read_plan(document: Document | None) -> RecapPlan:
    """Return the plan in the document of a guild, in the order of the kinds."""
    next_at = ((document or {}).get("recap") or {}).get("next_at") or {}
    return {kind: next_at[kind.value] for kind in RecapKind if kind.value in next_at}
