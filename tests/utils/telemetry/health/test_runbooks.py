"""The runbooks: one for each kind of incident, complete."""

import re
from pathlib import Path

from utils.models.incident_kinds import KINDS, IncidentKind

RUNBOOKS = (Path(__file__).parents[4] / "docs" / "RUNBOOKS.md").read_text("utf-8")
PARTS = ["What people see", "First look", "Mend", "When it does not help"]


def test_every_kind_has_its_runbook_and_no_other_heading_exists() -> None:
    """A message names its runbook, so the heading must exist, in the order of the table."""
    assert re.findall(r"^## (.+)$", RUNBOOKS, re.MULTILINE) == [kind.value for kind in IncidentKind]
    assert list(KINDS) == list(IncidentKind)


def test_every_runbook_has_its_four_parts() -> None:
    """Each says what people see, where to look first, how to mend it, and what to do if that fails."""
    for text in RUNBOOKS.split("\n## ")[1:]:
        assert re.findall(r"^\* \*\*(.+?):\*\*", text, re.MULTILINE) == PARTS, text.partition("\n")[0]
