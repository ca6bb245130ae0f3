"""Discord's rules of application commands, those included that its API document does not show."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from simulation.discord.validation.form import FormErrors, Path

MAX_DESCRIPTION = 100
MAX_OPTIONS = 25
MAX_CHOICES = 25
MAX_CHOICE_TEXT = 100
MAX_COMMAND_CHARACTERS = (
    8000  # names, descriptions and choice values of a command together, by the longest language
)
MAX_TEXT_LENGTH = 6000
LARGEST_SAFE_INTEGER = 2**53

CHAT_INPUT, USER_COMMAND, MESSAGE_COMMAND = 1, 2, 3
SUBCOMMAND, SUBCOMMAND_GROUP = 1, 2
STRING, INTEGER, BOOLEAN, USER, CHANNEL, ROLE, MENTIONABLE, NUMBER, ATTACHMENT = range(3, 12)
_WITH_CHOICES = (STRING, INTEGER, NUMBER)
# `\w` also allows some characters that are not letters, numbers, `-` or `_`; Discord documents
# ^[-_'\p{L}\p{N}…]{1,32}$
_NAME = re.compile(r"[-\w]{1,32}")
LOCALES = (
    *("bg", "cs", "da", "de", "el", "en-GB", "en-US", "es-419", "es-ES", "fi", "fr"),
    *("hi", "hr", "hu", "id", "it", "ja", "ko", "lt", "nl", "no", "pl", "pt-BR"),
    *("ro", "ru", "sv-SE", "th", "tr", "uk", "vi", "zh-CN", "zh-TW"),
)
"""The locales of Discord's clients."""

_ID_KEYS = ("id", "application_id", "guild_id", "version")


def check_command(errors: FormErrors, path: Path, command: Mapping[str, Any]) -> None:
    """Check one command as it is to be registered."""
    _check_ids(errors, path, command)
    kind = command.get("type") or CHAT_INPUT
    if not errors.check_choice((*path, "type"), kind, (CHAT_INPUT, USER_COMMAND, MESSAGE_COMMAND)):
        return
    if kind == CHAT_INPUT:
        _check_name(errors, path, command)
        _check_description(errors, path, command)
        _check_options(errors, path, command, depth=0)
    else:
        errors.check_text((*path, "name"), command.get("name"), least=1, most=32, is_required=True)
        for at, name in _list_localised(errors, path, command, "name"):
            errors.check_text(at, name, least=1, most=32, is_required=True)
        if command.get("description"):
            errors.add((*path, "description"), "BASE_TYPE_MAX_LENGTH", "Must be 0 or fewer in length.")
        if command.get("options"):
            errors.add((*path, "options"), "BASE_TYPE_MAX_LENGTH", "Must be 0 or fewer in length.")
    _check_places(errors, path, command)
    if count_characters(command) > MAX_COMMAND_CHARACTERS:
        errors.add(
            path,
            "APPLICATION_COMMAND_TOO_LARGE",
            f"Command exceeds maximum size ({MAX_COMMAND_CHARACTERS})",
        )


def count_characters(command: Mapping[str, Any]) -> int:
    """Count the name, description and choice values of a command and of all its options."""
    total = _count_longest(command, "name") + _count_longest(command, "description")
    for choice in command.get("choices") or ():
        total += _count_longest(choice, "name") + len(str(choice.get("value", "")))
    return total + sum(count_characters(option) for option in command.get("options") or ())


def _count_longest(item: Mapping[str, Any], key: str) -> int:
    """Return the characters of a field in the language in which it is longest."""
    localised = item.get(f"{key}_localizations")
    texts = localised.values() if isinstance(localised, dict) else ()
    return max(len(str(text or "")) for text in (item.get(key), *texts))


def _list_localised(
    errors: FormErrors, path: Path, item: Mapping[str, Any], key: str
) -> Iterator[tuple[Path, object]]:
    """Check the locales of a field, and yield the place and text of each that Discord knows."""
    field = f"{key}_localizations"
    if item.get(field) is None:
        return
    for locale, text in (errors.check_object((*path, field), item[field]) or {}).items():
        if errors.check_choice((*path, field, locale), locale, LOCALES):
            yield (*path, field, locale), text


def _check_ids(errors: FormErrors, path: Path, command: Mapping[str, Any]) -> None:
    for key in _ID_KEYS:
        value = command.get(key)
        if value is not None and not (isinstance(value, str) and value.isdecimal()):
            errors.add((*path, key), "NUMBER_TYPE_COERCE", f'Value "{value!r}" is not snowflake.')


def _check_places(errors: FormErrors, path: Path, command: Mapping[str, Any]) -> None:
    for key, most in (("contexts", 2), ("integration_types", 1)):
        if command.get(key) is None:
            continue
        listed = errors.check_list((*path, key), command[key], least=1, most=most + 1)
        for index, value in enumerate(listed):
            errors.check_choice((*path, key, index), value, tuple(range(most + 1)))
        if len(set(listed)) != len(listed):
            errors.add((*path, key), "SET_TYPE_CONTAINS_DUPLICATES", "The set already contains this value")
    permissions = command.get("default_member_permissions")
    if permissions is not None and not str(permissions).isdecimal():
        errors.add(
            (*path, "default_member_permissions"), "NUMBER_TYPE_COERCE", f'Value "{permissions}" is not int.'
        )


def _check_name(errors: FormErrors, path: Path, item: Mapping[str, Any]) -> None:
    for at, name in (((*path, "name"), item.get("name")), *_list_localised(errors, path, item, "name")):
        if not errors.check_text(at, name, least=1, most=32, is_required=True):
            continue
        text = str(name)
        if not _NAME.fullmatch(text) or text != text.lower():
            errors.add(at, "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")


def _check_description(errors: FormErrors, path: Path, item: Mapping[str, Any]) -> None:
    own = ((*path, "description"), item.get("description"))
    for at, description in (own, *_list_localised(errors, path, item, "description")):
        errors.check_text(at, description, least=1, most=MAX_DESCRIPTION, is_required=True)


def _check_options(errors: FormErrors, path: Path, parent: Mapping[str, Any], *, depth: int) -> None:
    """Check the options of a command (depth 0), a group (1, subcommands only) or a subcommand (2)."""
    at = (*path, "options")
    names: set[str] = set()
    optional_seen = False
    options = errors.check_list(at, parent.get("options"), most=MAX_OPTIONS)
    for index, option in enumerate(options):
        here = (*at, index)
        content = errors.check_object(here, option)
        if content is None:
            continue
        name = str(content.get("name"))
        if name in names:
            errors.add(
                (*here, "name"), "APPLICATION_COMMAND_OPTIONS_NAME_INVALID", "Option name already exists"
            )
        names.add(name)
        if content.get("required") and optional_seen:
            errors.add(
                here,
                "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
                "Required options must be placed before non-required options",
            )
        optional_seen = optional_seen or not content.get("required")
        _check_option(errors, here, content, depth=depth)
    _check_mixture(errors, at, options)


def _check_mixture(errors: FormErrors, path: Path, options: Sequence[Any]) -> None:
    """Refuse a mixture of subcommands and plain options."""
    kinds = [o.get("type") in (SUBCOMMAND, SUBCOMMAND_GROUP) for o in options if isinstance(o, dict)]
    if any(kinds) and not all(kinds):
        errors.add(
            path,
            "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
            "Sub-command and sub-command group option types are mutually exclusive to all other types",
        )


def _check_option(errors: FormErrors, path: Path, option: Mapping[str, Any], *, depth: int) -> None:
    kind = option.get("type")
    if not errors.check_choice((*path, "type"), kind, tuple(range(1, 12))):
        return
    _check_ids(errors, path, option)
    _check_name(errors, path, option)
    _check_description(errors, path, option)
    if kind in (SUBCOMMAND, SUBCOMMAND_GROUP):
        _check_nesting(errors, path, option, depth=depth)
    elif depth == 1:
        errors.add((*path, "type"), "BASE_TYPE_CHOICES", "A group holds subcommands only.")
    else:
        _check_value_rules(errors, path, option)


def _check_nesting(errors: FormErrors, path: Path, option: Mapping[str, Any], *, depth: int) -> None:
    is_group = option.get("type") == SUBCOMMAND_GROUP
    if (is_group and depth != 0) or (not is_group and depth > 1):
        errors.add(
            (*path, "type"), "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Subcommands nest two levels deep."
        )
        return
    _check_options(errors, path, option, depth=1 if is_group else 2)


def _check_value_rules(errors: FormErrors, path: Path, option: Mapping[str, Any]) -> None:
    kind = option["type"]
    choices = option.get("choices")
    if choices and option.get("autocomplete"):
        errors.add(
            (*path, "autocomplete"),
            "APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE_INVALID",
            "Autocomplete and choices are mutually exclusive",
        )
    if kind not in _WITH_CHOICES:
        for key in ("choices", "autocomplete"):
            if option.get(key):
                errors.add((*path, key), "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", f"No {key} on this type")
    errors.check_whole((*path, "min_length"), option.get("min_length"), least=0, most=MAX_TEXT_LENGTH)
    errors.check_whole((*path, "max_length"), option.get("max_length"), least=1, most=MAX_TEXT_LENGTH)
    names: set[tuple[object, str]] = set()
    for index, choice in enumerate(errors.check_list((*path, "choices"), choices, most=MAX_CHOICES)):
        at = (*path, "choices", index)
        content = errors.check_object(at, choice)
        if content is not None:
            check_choice(errors, at, content, kind)
            localised = _list_localised(errors, at, content, "name")
            named = {(None, str(content.get("name"))), *((place[-1], str(name)) for place, name in localised)}
            if named & names:
                errors.add(at, "APPLICATION_COMMAND_OPTIONS_CHOICE_NAME_EXISTS", "Choice name exists")
            names |= named


def check_choice(errors: FormErrors, path: Path, choice: Mapping[str, Any], kind: int) -> None:
    """Check a fixed or autocompleted choice of a text or number option."""
    own = ((*path, "name"), choice.get("name"))
    for at, name in (own, *_list_localised(errors, path, choice, "name")):
        errors.check_text(at, name, least=1, most=MAX_CHOICE_TEXT, is_required=True)
    value = choice.get("value")
    if kind == STRING:
        errors.check_text((*path, "value"), value, least=1, most=MAX_CHOICE_TEXT, is_required=True)
    elif kind == INTEGER:
        errors.check_whole(
            (*path, "value"), value, least=-LARGEST_SAFE_INTEGER, most=LARGEST_SAFE_INTEGER, is_required=True
        )
    elif isinstance(value, bool) or not isinstance(value, int | float):
        errors.add((*path, "value"), "NUMBER_TYPE_COERCE", f'Value "{value}" is not float.')


def check_name_unique(errors: FormErrors, commands: list[dict[str, Any]]) -> None:
    """Refuse two commands of one type and name in a bulk registration."""
    seen: set[tuple[object, str]] = set()
    for index, command in enumerate(commands):
        key = (command.get("type") or CHAT_INPUT, str(command.get("name")))
        if key in seen:
            errors.add(
                (index, "name"),
                "APPLICATION_COMMANDS_DUPLICATE_NAME",
                "Application command names must be unique",
            )
        seen.add(key)
