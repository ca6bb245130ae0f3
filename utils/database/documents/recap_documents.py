"""How recaps and their plans are stored.

The plan is in the document of the guild, beside the settings of recaps. A change of these settings or of the
guild's clock takes its moments away in the same write (``guild_documents.py``), so the next ones are planned
by the new settings. The days that are to be told stay, so none is left out.
"""

from datetime import date

from utils.database.documents.codec import Codec, Document
from utils.models.recaps import PlannedRecap, Recap, RecapDays, RecapKind, RecapPlan, build_span

RECAPS = Codec(Recap, without=frozenset({"guild_id"}))


def build_plan_update(plan: RecapPlan) -> Document:
    """Return the fields of a plan; ``due_at`` is the earliest moment, for the index."""
    next_at = {kind.value: plan[kind].due_at for kind in RecapKind if kind in plan}
    days = {kind.value: plan[kind].span.first_day.isoformat() for kind in RecapKind if kind in plan}
    due_at = min(next_at.values(), default=None)
    return {"recap.next_at": next_at, "recap.days": days, "recap.due_at": due_at}


def read_days(document: Document | None) -> RecapDays:
    """Return the days that are to be told next, from the document of a guild."""
    days = ((document or {}).get("recap") or {}).get("days") or {}
    return {
        kind: build_span(kind, date.fromisoformat(days[kind.value]))
        for kind in RecapKind
        if kind.value in days
    }


def read_plan(document: Document | None) -> RecapPlan:
    """Return the plan in the document of a guild, in the order of the kinds."""
    next_at = ((document or {}).get("recap") or {}).get("next_at") or {}
    days = read_days(document)
    return {
        kind: PlannedRecap(next_at[kind.value], span) for kind, span in days.items() if kind.value in next_at
    }
