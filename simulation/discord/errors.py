"""Errors of the simulated Discord's API and of its client.

Exception
├── ApiError                a REST call is answered with Discord's JSON error body
└── ImpossibleActionError   the Discord client would not let a person do this
    ├── UnknownCommandError
    ├── InvalidOptionError
    └── UnansweredError     the bot did not answer in time
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any


class ErrorCode(Enum):
    """HTTP status, JSON error code and text, as Discord documents them ("Opcodes and Status Codes")."""

    UNAUTHORIZED = (401, 0, "401: Unauthorized")
    NOT_FOUND = (404, 0, "404: Not Found")
    METHOD_NOT_ALLOWED = (405, 0, "405: Method Not Allowed")
    UNKNOWN_APPLICATION = (404, 10002, "Unknown Application")
    UNKNOWN_CHANNEL = (404, 10003, "Unknown Channel")
    UNKNOWN_GUILD = (404, 10004, "Unknown Guild")
    UNKNOWN_MEMBER = (404, 10007, "Unknown Member")
    UNKNOWN_MESSAGE = (404, 10008, "Unknown Message")
    UNKNOWN_ROLE = (404, 10011, "Unknown Role")
    UNKNOWN_USER = (404, 10013, "Unknown User")
    UNKNOWN_WEBHOOK = (404, 10015, "Unknown Webhook")
    UNKNOWN_INTERACTION = (404, 10062, "Unknown interaction")
    UNKNOWN_COMMAND = (404, 10063, "Unknown application command")
    TOO_MANY_CHANNELS = (400, 30013, "Maximum number of server channels reached (500)")
    TOO_MANY_COMMANDS = (400, 30032, "Maximum number of application commands reached (100).")
    PAYLOAD_TOO_LARGE = (413, 40005, "Request entity too large")
    ALREADY_ACKNOWLEDGED = (400, 40060, "Interaction has already been acknowledged.")
    MISSING_ACCESS = (403, 50001, "Missing Access")
    CANNOT_EXECUTE_ON_DM = (403, 50003, "Cannot execute action on a DM channel")
    CANNOT_EDIT_OTHERS = (403, 50005, "Cannot edit a message authored by another user")
    EMPTY_MESSAGE = (400, 50006, "Cannot send an empty message")
    CANNOT_MESSAGE_USER = (403, 50007, "Cannot send messages to this user")
    MISSING_PERMISSIONS = (403, 50013, "Missing Permissions")
    TOO_FEW_OR_MANY_MESSAGES = (
        400,
        50016,
        "Provided too few or too many messages to delete. Must provide at least 2 and fewer than 100.",
    )
    INVALID_WEBHOOK_TOKEN = (401, 50027, "Invalid Webhook Token")
    INVALID_ROLE = (400, 50028, "Invalid role")
    MESSAGES_TOO_OLD = (400, 50034, "A message provided was too old to bulk delete")
    INVALID_FORM_BODY = (400, 50035, "Invalid Form Body")
    INVALID_JSON = (400, 50109, "The request body contains invalid JSON.")

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.value[0]

    @property
    def number(self) -> int:
        """Discord's JSON error code; 0 is the general one."""
        return self.value[1]

    @property
    def text(self) -> str:
        """Discord's text of the error."""
        return self.value[2]


class ApiError(Exception):
    """A REST call is refused; `tree` is the nested `errors` object of an invalid form body."""

    def __init__(self, code: ErrorCode, tree: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{code.status} {code.number} {code.text}")
        self.code = code
        self.tree = tree

    def to_payload(self) -> dict[str, Any]:
        """Return the JSON body of Discord's answer."""
        body: dict[str, Any] = {"message": self.code.text, "code": self.code.number}
        if self.tree:
            body["errors"] = self.tree
        return body


class ImpossibleActionError(Exception):
    """A person tried something that Discord's client does not offer or refuses before the bot hears of it."""


class UnknownCommandError(ImpossibleActionError):
    """The command does not exist, or this person does not see it here."""


class InvalidOptionError(ImpossibleActionError):
    """An option is missing, unknown or has a value that the client does not accept."""


class UnansweredError(ImpossibleActionError):
    """The bot did not answer the interaction in time ("The application did not respond")."""
