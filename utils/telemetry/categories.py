"""The category of each class of errors, in one table; the most specific class decides."""

from collections.abc import Mapping

from utils.error_sink import ErrorSource
from utils.errors import (
    ConfigurationError,
    DeliveryError,
    DiskFullError,
    RemoteError,
    SecretError,
    StorageError,
)
from utils.models.error_groups import ErrorCategory
from utils.telemetry.fingerprints import name_type

CATEGORIES: Mapping[str, ErrorCategory] = {
    name_type(DiskFullError): ErrorCategory.RESOURCES,
    name_type(StorageError): ErrorCategory.DATABASE,
    "pymongo.errors.PyMongoError": ErrorCategory.DATABASE,
    "bson.errors.BSONError": ErrorCategory.DATABASE,
    name_type(RemoteError): ErrorCategory.SFTP,
    "asyncssh.misc.Error": ErrorCategory.SFTP,
    name_type(DeliveryError): ErrorCategory.DELIVERY,
    "discord.errors.HTTPException": ErrorCategory.DISCORD,
    "discord.errors.DiscordException": ErrorCategory.DISCORD,
    "aiohttp.client_exceptions.ClientError": ErrorCategory.DISCORD,
    name_type(ConfigurationError): ErrorCategory.CONFIGURATION,
    name_type(SecretError): ErrorCategory.CONFIGURATION,
    "pydantic_core._pydantic_core.ValidationError": ErrorCategory.DATA,
    name_type(UnicodeError): ErrorCategory.DATA,
    name_type(MemoryError): ErrorCategory.RESOURCES,
    name_type(OSError): ErrorCategory.RESOURCES,
}
"""By the full name of a class; classes of libraries are named, because their rooms own them."""

OF_SOURCES: Mapping[ErrorSource, ErrorCategory] = {
    ErrorSource.COMMAND: ErrorCategory.COMMAND,
    ErrorSource.AUTOCOMPLETE: ErrorCategory.COMMAND,
    ErrorSource.VIEW: ErrorCategory.COMMAND,
    ErrorSource.MODAL: ErrorCategory.COMMAND,
    ErrorSource.GATEWAY: ErrorCategory.EVENT,
    ErrorSource.TASK: ErrorCategory.TASK,
    ErrorSource.TURN: ErrorCategory.TASK,
    ErrorSource.HANDLER: ErrorCategory.EVENT,
    ErrorSource.WATCH: ErrorCategory.TASK,
    ErrorSource.CONNECTING: ErrorCategory.SFTP,
    ErrorSource.DELIVERY: ErrorCategory.DELIVERY,
    ErrorSource.MESSAGE: ErrorCategory.DELIVERY,
    ErrorSource.DISCORD: ErrorCategory.DISCORD,
    ErrorSource.DATABASE: ErrorCategory.DATABASE,
    ErrorSource.EVENT_LOOP: ErrorCategory.TASK,
    ErrorSource.THREAD: ErrorCategory.TASK,
    ErrorSource.UNRAISABLE: ErrorCategory.TASK,
    ErrorSource.LAST_WORDS: ErrorCategory.TASK,
}
"""For classes that say nothing about it, the place of the error decides."""

RATE_LIMITED = 429


def find_category(error: BaseException) -> ErrorCategory | None:
    """Return the category of an error by its class; None if the place decides."""
    names = [name_type(kind) for kind in type(error).__mro__]
    if "discord.errors.HTTPException" in names and getattr(error, "status", None) == RATE_LIMITED:
        return ErrorCategory.RATE_LIMIT
    return next((CATEGORIES[name] for name in names if name in CATEGORIES), None)
