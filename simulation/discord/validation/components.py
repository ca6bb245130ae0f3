"""Discord's limits of buttons, select menus and modals."""

from typing import Any

from simulation.discord.validation.form import FormErrors, Path

MAX_ROWS = 5
MAX_BUTTONS_IN_ROW = 5
MAX_LABEL = 80
MAX_CUSTOM_ID = 100
MAX_SELECT_OPTIONS = 25
MAX_SELECT_TEXT = 100
MAX_PLACEHOLDER = 150
MAX_MODAL_TITLE = 45
MAX_MODAL_FIELDS = 5
MAX_INPUT_LABEL = 45
MAX_INPUT_PLACEHOLDER = 100
MAX_INPUT_TEXT = 4000

ROW, BUTTON, STRING_SELECT, TEXT_INPUT = 1, 2, 3, 4
SELECTS = (3, 5, 6, 7, 8)
CHANNEL_SELECT = 8
TEXT_DISPLAY, LABEL = 10, 18
LINK_STYLE, PREMIUM_STYLE = 5, 6


class _CustomIds:
    """The custom_ids of one message or modal, which must differ."""

    def __init__(self, errors: FormErrors) -> None:
        self._errors = errors
        self._seen: set[str] = set()

    def check(self, path: Path, custom_id: object) -> None:
        if not self._errors.check_text(path, custom_id, least=1, most=MAX_CUSTOM_ID, is_required=True):
            return
        if str(custom_id) in self._seen:
            self._errors.add(
                path, "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated"
            )
        self._seen.add(str(custom_id))


def check_components(errors: FormErrors, components: object) -> None:
    """Check the rows of buttons and selects of a message (components version 1)."""
    custom_ids = _CustomIds(errors)
    for index, row in enumerate(errors.check_list(("components",), components, most=MAX_ROWS)):
        path: Path = ("components", index)
        content = errors.check_object(path, row)
        if content is None or not errors.check_choice((*path, "type"), content.get("type"), (ROW,)):
            continue
        _check_row(errors, path, content, custom_ids)


def _check_row(errors: FormErrors, path: Path, row: dict[str, Any], custom_ids: _CustomIds) -> None:
    items = errors.check_list((*path, "components"), row.get("components"), least=1, most=MAX_BUTTONS_IN_ROW)
    for index, item in enumerate(items):
        at = (*path, "components", index)
        content = errors.check_object(at, item)
        if content is None:
            continue
        if not errors.check_choice((*at, "type"), content.get("type"), (BUTTON, *SELECTS)):
            continue
        if content["type"] == BUTTON:
            _check_button(errors, at, content, custom_ids)
        else:
            _check_select(errors, at, content, custom_ids)
            if len(items) > 1:
                errors.add(path, "COMPONENT_LAYOUT_WIDTH_EXCEEDED", "A select menu fills its row.")


def _check_button(errors: FormErrors, path: Path, button: dict[str, Any], custom_ids: _CustomIds) -> None:
    errors.check_choice((*path, "style"), button.get("style"), (1, 2, 3, 4, 5, 6))
    errors.check_text((*path, "label"), button.get("label"), most=MAX_LABEL)
    style = button.get("style")
    if not button.get("label") and not button.get("emoji") and style != PREMIUM_STYLE:
        errors.add(path, "BUTTON_COMPONENT_INVALID", "A button needs a label or an emoji.")
    if style == LINK_STYLE:
        errors.check_text((*path, "url"), button.get("url"), most=512, is_required=True)
        if button.get("custom_id") is not None:
            errors.add(path, "BUTTON_COMPONENT_INVALID", "A button cannot have a url and a custom_id.")
    elif style != PREMIUM_STYLE:
        custom_ids.check((*path, "custom_id"), button.get("custom_id"))
        if button.get("url") is not None:
            errors.add(path, "BUTTON_COMPONENT_INVALID", "A button cannot have a url and a custom_id.")


def _check_select(errors: FormErrors, path: Path, menu: dict[str, Any], custom_ids: _CustomIds) -> None:
    custom_ids.check((*path, "custom_id"), menu.get("custom_id"))
    errors.check_text((*path, "placeholder"), menu.get("placeholder"), most=MAX_PLACEHOLDER)
    errors.check_whole((*path, "min_values"), menu.get("min_values"), least=0, most=25)
    errors.check_whole((*path, "max_values"), menu.get("max_values"), least=1, most=25)
    if menu["type"] != STRING_SELECT:
        return
    at = (*path, "options")
    options = errors.check_list(at, menu.get("options"), least=1, most=MAX_SELECT_OPTIONS)
    if (menu.get("max_values") or 1) > len(options):
        errors.add((*path, "max_values"), "NUMBER_TYPE_MAX", "There are fewer options than that.")
    values: list[object] = []
    for index, option in enumerate(options):
        content = errors.check_object((*at, index), option) or {}
        for key in ("label", "value"):
            errors.check_text(
                (*at, index, key), content.get(key), least=1, most=MAX_SELECT_TEXT, is_required=True
            )
        errors.check_text((*at, index, "description"), content.get("description"), most=MAX_SELECT_TEXT)
        values.append(content.get("value"))
        if values.count(content.get("value")) > 1:
            errors.add(
                (*at, index, "value"),
                "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED",
                "The specified option value is already used",
            )


def check_modal(errors: FormErrors, data: dict[str, Any]) -> None:
    """Check a modal: title, custom_id and up to five fields."""
    errors.check_text(("data", "title"), data.get("title"), least=1, most=MAX_MODAL_TITLE, is_required=True)
    custom_ids = _CustomIds(errors)
    _CustomIds(errors).check(("data", "custom_id"), data.get("custom_id"))
    path: Path = ("data", "components")
    for index, item in enumerate(
        errors.check_list(path, data.get("components"), least=1, most=MAX_MODAL_FIELDS)
    ):
        at = (*path, index)
        content = errors.check_object(at, item)
        if content is None:
            continue
        if not errors.check_choice((*at, "type"), content.get("type"), (ROW, LABEL, TEXT_DISPLAY)):
            continue
        if content["type"] == ROW:
            _check_input_row(errors, at, content, custom_ids)
        elif content["type"] == LABEL:
            _check_labelled(errors, at, content, custom_ids)


def _check_input_row(errors: FormErrors, path: Path, row: dict[str, Any], custom_ids: _CustomIds) -> None:
    for index, item in enumerate(
        errors.check_list((*path, "components"), row.get("components"), least=1, most=1)
    ):
        at = (*path, "components", index)
        content = errors.check_object(at, item)
        if content and errors.check_choice((*at, "type"), content.get("type"), (TEXT_INPUT,)):
            errors.check_text(
                (*at, "label"), content.get("label"), least=1, most=MAX_INPUT_LABEL, is_required=True
            )
            _check_text_input(errors, at, content, custom_ids)


def _check_labelled(errors: FormErrors, path: Path, label: dict[str, Any], custom_ids: _CustomIds) -> None:
    errors.check_text((*path, "label"), label.get("label"), least=1, most=MAX_INPUT_LABEL, is_required=True)
    errors.check_text((*path, "description"), label.get("description"), most=MAX_SELECT_TEXT)
    at = (*path, "component")
    content = errors.check_object(at, label.get("component"))
    if content is None:
        return
    if content.get("type") == TEXT_INPUT:
        _check_text_input(errors, at, content, custom_ids)
    elif content.get("type") in SELECTS:
        _check_select(errors, at, content, custom_ids)
    else:
        custom_ids.check((*at, "custom_id"), content.get("custom_id"))


def _check_text_input(
    errors: FormErrors, path: Path, text_input: dict[str, Any], custom_ids: _CustomIds
) -> None:
    custom_ids.check((*path, "custom_id"), text_input.get("custom_id"))
    errors.check_choice((*path, "style"), text_input.get("style"), (1, 2))
    errors.check_text((*path, "placeholder"), text_input.get("placeholder"), most=MAX_INPUT_PLACEHOLDER)
    errors.check_text((*path, "value"), text_input.get("value"), most=MAX_INPUT_TEXT)
    errors.check_whole((*path, "min_length"), text_input.get("min_length"), least=0, most=MAX_INPUT_TEXT)
    errors.check_whole((*path, "max_length"), text_input.get("max_length"), least=1, most=MAX_INPUT_TEXT)
