"""How links are stored."""

from utils.database.documents.codec import Codec, Document
from utils.models.links import Link, ProofAttempts

LINKS = Codec(Link, without=frozenset({"guild_id"}))
ATTEMPTS = Codec(ProofAttempts)


def build_link_document(link: Link) -> Document:
    """Return the document of a link; ``is_open``: it is pending, or its message shows no outcome yet."""
    document = LINKS.build(link)
    return document if link.is_proven else {**document, "is_open": True}
