"""Collecting the errors of a request body into Discord's nested tree."""

from collections.abc import Sequence
from typing import Any

from simulation.discord.errors import ApiError, ErrorCode

Path = tuple[str | int, ...]


class FormErrors:
    """The errors found in one request body, by path."""

    def __init__(self) -> None:
        self._tree: dict[str, Any] = {}

    def add(self, path: Path, code: str, message: str) -> None:
        """Note an error at a path such as `("embeds", 0, "title")`."""
        node = self._tree
        for step in path:
            node = node.setdefault(str(step), {})
        node.setdefault("_errors", []).append({"code": code, "message": message})

    def raise_if_any(self) -> None:
        """Refuse the body if anything was found.

        Raises:
            ApiError: 50035 with the tree.
        """
        if self._tree:
            raise ApiError(ErrorCode.INVALID_FORM_BODY, self._tree)

    # checks shared by all kinds of bodies

    def check_text(
        self, path: Path, value: object, *, most: int, least: int = 0, is_required: bool = False
    ) -> bool:
        """Check a text and its length in characters; return whether it is there and sound."""
        if value is None:
            if is_required:
                self.add(path, "BASE_TYPE_REQUIRED", "This field is required")
            return False
        if not isinstance(value, str):
            self.add(path, "STRING_TYPE_CONVERT", f"Could not interpret {value!r} as string.")
            return False
        if len(value) > most:
            self.add(path, "BASE_TYPE_MAX_LENGTH", f"Must be {most} or fewer in length.")
            return False
        if len(value) < least or (is_required and not value.strip()):
            self.add(path, "BASE_TYPE_REQUIRED", "This field is required")
            return False
        return True

    def check_id(self, path: Path, value: object) -> bool:
        """Check an id, as text or as number; Discord takes both."""
        if isinstance(value, bool) or not str(value).isdecimal():
            self.add(path, "NUMBER_TYPE_COERCE", f'Value "{value}" is not snowflake.')
            return False
        return True

    def check_list(self, path: Path, value: object, *, most: int, least: int = 0) -> Sequence[Any]:
        """Check a list and its length; return it, or an empty one if it is wrong."""
        if value is None:
            value = []
        if not isinstance(value, list):
            self.add(path, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType.")
            return ()
        if not least <= len(value) <= most:
            self.add(path, "BASE_TYPE_BAD_LENGTH", f"Must be between {least} and {most} in length.")
        return value

    def check_object(self, path: Path, value: object) -> dict[str, Any] | None:
        """Check that a value is a JSON object and return it."""
        if isinstance(value, dict):
            return value
        self.add(path, "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
        return None

    def check_choice(self, path: Path, value: object, allowed: Sequence[object]) -> bool:
        """Check that a value is in a list."""
        if isinstance(value, bool) or value not in allowed:
            names = ", ".join(str(item) for item in allowed)
            self.add(path, "BASE_TYPE_CHOICES", f"Value must be one of ({names}).")
            return False
        return True

    def check_whole(
        self, path: Path, value: object, *, least: int, most: int, is_required: bool = False
    ) -> bool:
        """Check a whole number and its range; a missing one is sound unless required."""
        if value is None:
            if is_required:
                self.add(path, "BASE_TYPE_REQUIRED", "This field is required")
            return False
        if isinstance(value, bool) or not isinstance(value, int):
            self.add(path, "NUMBER_TYPE_COERCE", f'Value "{value}" is not int.')
            return False
        if value < least:
            self.add(path, "NUMBER_TYPE_MIN", f"int value should be greater than or equal to {least}.")
            return False
        if value > most:
            self.add(path, "NUMBER_TYPE_MAX", f"int value should be less than or equal to {most}.")
            return False
        return True
