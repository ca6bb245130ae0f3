"""Discord's limits of embeds."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from simulation.discord.validation.form import FormErrors, Path

MAX_EMBEDS = 10
MAX_TITLE = 256
MAX_DESCRIPTION = 4096
MAX_FIELDS = 25
MAX_FIELD_NAME = 256
MAX_FIELD_VALUE = 1024
MAX_FOOTER = 2048
MAX_AUTHOR = 256
MAX_TOTAL = 6000  # characters of all embeds of a message together
MAX_URL = 2048
MAX_COLOR = 0xFFFFFF
_MEDIA = ("image", "thumbnail")


def check_embeds(errors: FormErrors, embeds: object, attachment_names: Collection[str]) -> None:
    """Check all embeds of a message."""
    total = 0
    for index, embed in enumerate(errors.check_list(("embeds",), embeds, most=MAX_EMBEDS)):
        path: Path = ("embeds", index)
        if (content := errors.check_object(path, embed)) is not None:
            _check_embed(errors, path, content, attachment_names)
            total += count_characters(content)
    if total > MAX_TOTAL:
        errors.add(("embeds",), "MAX_EMBED_SIZE_EXCEEDED", f"Embed size exceeds maximum size of {MAX_TOTAL}")


def count_characters(embed: dict[str, Any]) -> int:
    """Count the characters of Discord's total: title, description, fields, footer and author."""
    texts = [embed.get("title"), embed.get("description")]
    texts += [(embed.get("footer") or {}).get("text"), (embed.get("author") or {}).get("name")]
    for field in embed.get("fields") or ():
        if isinstance(field, dict):
            texts += [field.get("name"), field.get("value")]
    return sum(len(text) for text in texts if isinstance(text, str))


def _check_embed(
    errors: FormErrors, path: Path, embed: dict[str, Any], attachment_names: Collection[str]
) -> None:
    if not _has_content(embed):
        errors.add((*path, "description"), "BASE_TYPE_REQUIRED", "This field is required")
        return
    errors.check_text((*path, "title"), embed.get("title"), most=MAX_TITLE)
    errors.check_text((*path, "description"), embed.get("description"), most=MAX_DESCRIPTION)
    errors.check_whole((*path, "color"), embed.get("color"), least=0, most=MAX_COLOR)
    _check_link(errors, (*path, "url"), embed.get("url"))
    _check_timestamp(errors, (*path, "timestamp"), embed.get("timestamp"))
    _check_fields(errors, path, embed.get("fields"))
    _check_footer_and_author(errors, path, embed, attachment_names)
    for kind in _MEDIA:
        if embed.get(kind) is not None:
            media = errors.check_object((*path, kind), embed[kind]) or {}
            _check_media(errors, (*path, kind, "url"), media.get("url"), attachment_names)


def _has_content(embed: dict[str, Any]) -> bool:
    """Whether an embed shows anything; Discord refuses an empty embed."""
    if any(isinstance(embed.get(key), str) and embed[key].strip() for key in ("title", "description")):
        return True
    return any(embed.get(key) for key in ("fields", "footer", "author", *_MEDIA, "timestamp"))


def _check_fields(errors: FormErrors, path: Path, fields: object) -> None:
    for index, field in enumerate(errors.check_list((*path, "fields"), fields, most=MAX_FIELDS)):
        at = (*path, "fields", index)
        if (content := errors.check_object(at, field)) is None:
            continue
        errors.check_text((*at, "name"), content.get("name"), most=MAX_FIELD_NAME, is_required=True)
        errors.check_text((*at, "value"), content.get("value"), most=MAX_FIELD_VALUE, is_required=True)


def _check_footer_and_author(
    errors: FormErrors, path: Path, embed: dict[str, Any], attachment_names: Collection[str]
) -> None:
    for kind, text_key, most in (("footer", "text", MAX_FOOTER), ("author", "name", MAX_AUTHOR)):
        if embed.get(kind) is None:
            continue
        content = errors.check_object((*path, kind), embed[kind]) or {}
        errors.check_text((*path, kind, text_key), content.get(text_key), most=most, is_required=True)
        if content.get("icon_url") is not None:
            _check_media(errors, (*path, kind, "icon_url"), content["icon_url"], attachment_names)
        if kind == "author":
            _check_link(errors, (*path, kind, "url"), content.get("url"))


def _check_link(errors: FormErrors, path: Path, url: object) -> None:
    if not errors.check_text(path, url, most=MAX_URL) or not url:
        return
    _check_scheme(errors, path, str(url), ("http", "https"))


def _check_media(errors: FormErrors, path: Path, url: object, attachment_names: Collection[str]) -> None:
    """Check an address of a picture; an attachment's address must name a file of this message."""
    if not errors.check_text(path, url, most=MAX_URL, is_required=True):
        return
    address = str(url)
    if not _check_scheme(errors, path, address, ("http", "https", "attachment")):
        return
    if address.startswith("attachment://") and address.removeprefix("attachment://") not in attachment_names:
        errors.add(path, "ATTACHMENT_NOT_FOUND", "The attachment that this address names was not sent.")


def _check_scheme(errors: FormErrors, path: Path, address: str, schemes: tuple[str, ...]) -> bool:
    parts = urlsplit(address)
    if parts.scheme not in schemes:
        errors.add(
            path,
            "URL_TYPE_INVALID_SCHEME",
            f'Scheme "{parts.scheme}" is not supported. Scheme must be one of {schemes}.',
        )
        return False
    if not parts.netloc:
        errors.add(path, "URL_TYPE_INVALID_URL", "Not a well formed URL.")
        return False
    return True


def _check_timestamp(errors: FormErrors, path: Path, value: object) -> None:
    if value is None:
        return
    try:
        datetime.fromisoformat(str(value))
    except ValueError:
        errors.add(path, "DATE_TIME_TYPE_PARSE", f"Could not parse {value}. Should be ISO8601.")
