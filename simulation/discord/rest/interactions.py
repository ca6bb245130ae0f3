"""Callbacks of interactions and the webhook of their tokens."""

from typing import Any

from simulation.discord.errors import ApiError, ErrorCode
from simulation.discord.interaction_desk import InteractionDesk
from simulation.discord.interactions import CallbackKind, InteractionRecord
from simulation.discord.payloads import message_payload
from simulation.discord.ratelimits import WEBHOOK_LIMIT
from simulation.discord.rest.call import NO_CONTENT, Answer, Call, Endpoint

_WEBHOOK = "/webhooks/{webhook_id}/{webhook_token}"


class InteractionRoutes:
    """Handlers of /interactions and of the webhooks of interaction tokens."""

    def __init__(self, desk: InteractionDesk) -> None:
        self._desk = desk

    def endpoints(self) -> list[Endpoint]:
        """Return the routes."""
        callback = "/interactions/{interaction_id}/{interaction_token}/callback"
        routes = [
            Endpoint("POST", callback, self.acknowledge, needs_token=False),
            Endpoint("POST", _WEBHOOK, self.follow_up, WEBHOOK_LIMIT, needs_token=False),
        ]
        for name in ("@original", "{message_id}"):
            one = f"{_WEBHOOK}/messages/{name}"
            routes += [
                Endpoint("GET", one, self.get_message, WEBHOOK_LIMIT, needs_token=False),
                Endpoint("PATCH", one, self.edit_message, WEBHOOK_LIMIT, needs_token=False),
                Endpoint("DELETE", one, self.delete_message, WEBHOOK_LIMIT, needs_token=False),
            ]
        return routes

    def _interaction(self, call: Call) -> InteractionRecord:
        if call.parameter("webhook_id") != str(call.world.application_id):
            raise ApiError(ErrorCode.UNKNOWN_WEBHOOK)
        return self._desk.by_token(call.parameter("webhook_token"))

    async def acknowledge(self, call: Call) -> Answer:
        """Take the first answer to an interaction."""
        interaction = self._desk.acknowledge(
            call.parameter("interaction_id"), call.parameter("interaction_token"), call.body, call.files
        )
        if call.request.query.get("with_response") not in ("true", "1"):
            return NO_CONTENT
        return Answer(body=_callback_payload(interaction))

    async def follow_up(self, call: Call) -> Answer:
        """Write a follow-up message."""
        message = self._desk.follow_up(self._interaction(call), call.body, call.files)
        return Answer(body=message_payload(message))

    async def get_message(self, call: Call) -> Answer:
        """Return `@original` or a follow-up."""
        message = self._desk.message_of(self._interaction(call), _message_id(call))
        return Answer(body=message_payload(message))

    async def edit_message(self, call: Call) -> Answer:
        """Change `@original` or a follow-up."""
        message = self._desk.edit(self._interaction(call), _message_id(call), call.body, call.files)
        return Answer(body=message_payload(message))

    async def delete_message(self, call: Call) -> Answer:
        """Delete `@original` or a follow-up."""
        self._desk.delete(self._interaction(call), _message_id(call))
        return NO_CONTENT


def _message_id(call: Call) -> str:
    return call.request.parameters.get("message_id", "@original")


def _callback_payload(interaction: InteractionRecord) -> dict[str, Any]:
    """Return the body for `with_response`: the state of the interaction and its message."""
    state: dict[str, Any] = {"id": str(interaction.id), "type": int(interaction.kind)}
    payload: dict[str, Any] = {"interaction": state}
    kind = interaction.callback_kind
    if kind is None or kind in (CallbackKind.CHOICES, CallbackKind.MODAL):
        return payload
    message = interaction.original
    if message is not None:
        state["response_message_id"] = str(message.id)
        state["response_message_loading"] = message.is_loading
        state["response_message_ephemeral"] = message.is_ephemeral
        if kind is not CallbackKind.DEFERRED_UPDATE:
            # the document has resources of types 4 and 7 only, so a deferred message counts as 4
            shown = CallbackKind.UPDATE if kind is CallbackKind.UPDATE else CallbackKind.MESSAGE
            payload["resource"] = {"type": int(shown), "message": message_payload(message)}
    return payload
