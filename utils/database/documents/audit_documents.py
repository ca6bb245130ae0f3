"""Documents of the audit."""

from utils.database.documents.codec import Codec, Document
from utils.models.audit import AuditEntry

AUDIT = Codec(AuditEntry, without=frozenset({"facts"}))


def build_audit_document(entry: AuditEntry) -> Document:
    """Return the document of a change, with the facts that it has."""
    return {**AUDIT.build(entry), "facts": entry.facts.list_fields()}
