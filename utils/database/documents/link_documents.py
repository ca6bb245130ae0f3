"""How links are stored."""

from utils.database.documents.codec import Codec, Document
from utils.models.links import Link, ProofAttempts

LINKS = Codec(Link, without=frozenset({"guild_id"}))
ATTEMPTS = Codec(ProofAttempts)


def build_link_document(link: Link) -> Document:
    """Return a link as it is stored; ``is_open`` is there while it waits for its proof or its last word."""
    document = LINKS.build(link)
    return document if link.is_proven else {**document, "is_open": True}
