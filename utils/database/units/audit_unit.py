"""The audit inside a transaction: a change by hand is stored together with its entry."""

from utils.database.core.transaction import Transaction
from utils.database.documents.audit_documents import build_audit_document
from utils.models.audit import AuditEntry
from utils.models.scope import GuildId


def insert_entry(transaction: Transaction, guild_id: GuildId, entry: AuditEntry | None) -> None:
    """Add the entry of the change that this transaction makes; None for a change that has no entry."""
    if entry is not None:
        transaction.of_guild("audit", guild_id).insert_one(build_audit_document(entry))
