"""Documents of premium: a guild's grant and its history, both kept with the guild's settings."""

from utils.database.documents.codec import Codec, Document
from utils.models.premium import Grant, PremiumEvent, PremiumRecord
from utils.models.scope import GuildId

GRANTS, EVENTS = Codec(Grant), Codec(PremiumEvent)
_RECORDS = Codec(PremiumRecord)


def read_premium(guild_id: GuildId, document: Document) -> PremiumRecord:
    """Return the premium of a guild's document."""
    return _RECORDS.read(
        {"grant": document.get("premium"), "history": document.get("premium_history", ())}, guild_id=guild_id
    )
