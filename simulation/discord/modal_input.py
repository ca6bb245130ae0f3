"""Filling in a form as a person would."""

from collections.abc import Mapping
from typing import Any

from simulation.discord.errors import InvalidOptionError
from simulation.discord.interactions import Modal
from simulation.discord.validation.components import LABEL, ROW, TEXT_INPUT


def fill_in(modal: Modal, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the components of the submission; values are named by label or custom_id.

    Raises:
        InvalidOptionError: a value names no field, is missing, too short or too long.
    """
    names = {str(item.get(key)) for item in modal.fields for key in ("label", "custom_id")}
    if unknown := set(values) - names:
        raise InvalidOptionError(f"{modal.title!r} has no fields {sorted(unknown)}, only {modal.labels}")
    by_id = {item["custom_id"]: _entered(item, values) for item in modal.fields}
    return [_submitted(component, by_id) for component in modal.components]


def _entered(item: Mapping[str, Any], values: Mapping[str, Any]) -> Any:
    """Return the value of a field: the person's input, else the value that the bot filled in."""
    value = values.get(item["custom_id"], values.get(str(item.get("label")), item.get("value")))
    if item["type"] != TEXT_INPUT:
        return value
    text = "" if value is None else str(value)
    label = item.get("label") or item["custom_id"]
    if not text:
        if item.get("required", True):
            raise InvalidOptionError(f"{label!r} is required")
        return ""
    if len(text) < (item.get("min_length") or 0):
        raise InvalidOptionError(f"{label!r} is too short")
    if len(text) > (item.get("max_length") or 4000):
        raise InvalidOptionError(f"{label!r} is too long")
    return text


def _submitted(component: Mapping[str, Any], by_id: Mapping[str, Any]) -> dict[str, Any]:
    if component["type"] == ROW:
        inner = [_submitted_input(item, by_id) for item in component["components"]]
        return {"type": ROW, "id": component.get("id", 1), "components": inner}
    if component["type"] == LABEL:
        inner_input = _submitted_input(component["component"], by_id)
        return {"type": LABEL, "id": component.get("id", 1), "component": inner_input}
    return {"type": component["type"], "id": component.get("id", 1)}


def _submitted_input(item: Mapping[str, Any], by_id: Mapping[str, Any]) -> dict[str, Any]:
    key = "value" if item["type"] == TEXT_INPUT else "values"
    return {
        "type": item["type"],
        "id": item.get("id", 2),
        "custom_id": item["custom_id"],
        key: by_id[item["custom_id"]],
    }
