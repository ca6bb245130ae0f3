"""The lasting buttons below a request for a link, for admins."""

from utils.models.lasting_buttons import ButtonKind, ButtonStyle, LastingButton
from utils.models.links import Link
from utils.models.scope import MemberId, PlayerId
from utils.models.texts import text

CONFIRM_LINK = ButtonKind("confirm_link")
REFUSE_LINK = ButtonKind("refuse_link")
_LARGEST_ID = 2**63 - 1  # as stored


def build_request_buttons(link: Link) -> tuple[LastingButton, LastingButton]:
    """Return the buttons that decide about a request."""
    argument = f"{link.member_id}:{link.player_id}"
    return (
        LastingButton(CONFIRM_LINK, text("Confirm"), argument, ButtonStyle.SUCCESS),
        LastingButton(REFUSE_LINK, text("Refuse"), argument, ButtonStyle.DANGER),
    )


def read_request(argument: str) -> tuple[MemberId, PlayerId]:
    """Return member and player of a button; nobody and nothing if the argument is forged."""
    member, _, player = argument.partition(":")
    member_id = int(member) if member.isascii() and member.isdecimal() and len(member) < 20 else 0
    return MemberId(min(member_id, _LARGEST_ID)), PlayerId(player)
