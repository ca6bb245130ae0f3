"""Mentions of members in texts that people typed, as Discord writes them."""

import re
from collections.abc import Callable

from utils.models.scope import MemberId
from utils.models.texts import text

_find = re.compile(r"<@!?([0-9]{1,20})>")

ERASED_MEMBER = str(text("an erased member"))
"""Replaces a mention in a typed text, which is stored and not translated."""


def replace_mentions(text: str, is_replaced: Callable[[MemberId], bool], replacement: str) -> str:
    """Return a text in which the mentions of some members are replaced."""
    return _find.sub(lambda found: replacement if is_replaced(MemberId(int(found[1]))) else found[0], text)


def erase_mentions(text: str, member_id: MemberId) -> str:
    """Return a text without the mentions of an erased member."""
    return replace_mentions(text, member_id.__eq__, ERASED_MEMBER)


def build_mention_pattern(member_id: MemberId) -> str:
    """Return the regular expression of a member's mentions, for storages that search by one."""
    return f"<@!?{member_id}>"
