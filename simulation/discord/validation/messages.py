"""Discord's rules of a message as a whole."""

from collections.abc import Collection, Mapping
from typing import Any

from simulation.discord.entities import COMPONENTS_V2
from simulation.discord.errors import ApiError, ErrorCode
from simulation.discord.validation.components import check_components
from simulation.discord.validation.embeds import check_embeds
from simulation.discord.validation.form import FormErrors

MAX_CONTENT = 2000
MAX_NONCE = 25
MAX_ATTACHMENTS = 10
MAX_V2_COMPONENTS = 40
MAX_LISTED_MENTIONS = 100
_PARSEABLE = ("everyone", "users", "roles")
_LARGEST_INT64 = 2**63 - 1


def check_message(body: Mapping[str, Any], attachment_names: Collection[str], errors: FormErrors) -> None:
    """Check the body of a new or edited message; `attachment_names` are the files it may show."""
    errors.check_text(("content",), body.get("content"), most=MAX_CONTENT)
    errors.check_whole(("flags",), body.get("flags"), least=0, most=2**31 - 1)
    check_embeds(errors, body.get("embeds"), attachment_names)
    if _is_v2(body):
        errors.check_list(("components",), body.get("components"), most=MAX_V2_COMPONENTS)
        for key in ("content", "embeds"):
            if body.get(key):
                errors.add(
                    (key,),
                    "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
                    f"The '{key}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2",
                )
    else:
        check_components(errors, body.get("components"))
    _check_allowed_mentions(errors, body.get("allowed_mentions"))
    _check_nonce(errors, body)
    _check_reference(errors, body.get("message_reference"))


def check_not_empty(body: Mapping[str, Any], file_count: int) -> None:
    """Refuse an empty message.

    Raises:
        ApiError: 50006.
    """
    shown = any(body.get(key) for key in ("embeds", "components", "sticker_ids", "poll"))
    has_text = isinstance(body.get("content"), str) and bool(body["content"].strip())
    if not shown and not has_text and not file_count:
        raise ApiError(ErrorCode.EMPTY_MESSAGE)


def _is_v2(body: Mapping[str, Any]) -> bool:
    flags = body.get("flags")
    return isinstance(flags, int) and bool(flags & COMPONENTS_V2)


def _check_allowed_mentions(errors: FormErrors, allowed: object) -> None:
    if allowed is None:
        return
    rules = errors.check_object(("allowed_mentions",), allowed)
    if rules is None:
        return
    at = "allowed_mentions"
    parse = errors.check_list((at, "parse"), rules.get("parse"), most=len(_PARSEABLE))
    for index, kind in enumerate(parse):
        errors.check_choice((at, "parse", index), kind, _PARSEABLE)
    for kind in ("users", "roles"):
        listed = errors.check_list((at, kind), rules.get(kind), most=MAX_LISTED_MENTIONS)
        for index, entity_id in enumerate(listed):
            errors.check_id((at, kind, index), entity_id)
        if listed and kind in parse:
            errors.add(
                (at,),
                "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
                f'parse:["{kind}"] and {kind}: [ids...] are mutually exclusive.',
            )


def _check_reference(errors: FormErrors, reference: object) -> None:
    if reference is None:
        return
    content = errors.check_object(("message_reference",), reference)
    if content is not None:
        errors.check_id(("message_reference", "message_id"), content.get("message_id"))


def _check_nonce(errors: FormErrors, body: Mapping[str, Any]) -> None:
    nonce = body.get("nonce")
    if nonce is None:
        if body.get("enforce_nonce"):
            errors.add(("nonce",), "BASE_TYPE_REQUIRED", "This field is required")
        return
    if isinstance(nonce, int) and not isinstance(nonce, bool):
        errors.check_whole(("nonce",), nonce, least=-_LARGEST_INT64 - 1, most=_LARGEST_INT64)
        return
    if not isinstance(nonce, str):
        errors.add(("nonce",), "NONCE_TYPE_INVALID", "A nonce is a string or a number.")
    elif len(nonce) > MAX_NONCE:
        errors.add(("nonce",), "NONCE_TYPE_TOO_LONG", f"Must be {MAX_NONCE} or fewer in length.")
