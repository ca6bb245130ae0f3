"""How the choices of members about direct messages, and the messages to be sent, are stored."""

from utils.database.documents.codec import Codec
from utils.models.notifications import DirectMessage, Notifications

NOTIFICATIONS, DIRECT_MESSAGES = Codec(Notifications), Codec(DirectMessage)
