"""The lasting buttons below an alert about a game server, and below a failed test: each mends the matter."""

from collections.abc import Sequence

from utils.models.lasting_buttons import ButtonKind, ButtonStyle, LastingButton
from utils.models.scope import ServerId
from utils.models.servers import CheckStep, WayStep
from utils.models.texts import text

ACCEPT_KEY = ButtonKind("accept_key")
TEST_SERVER = ButtonKind("test_server")
EDIT_LOGIN = ButtonKind("edit_login")


def build_accept_button(server_id: ServerId) -> LastingButton:
    """Return the button that shows a changed host key and asks whether to accept it."""
    return LastingButton(ACCEPT_KEY, text("Accept key"), server_id, ButtonStyle.PRIMARY)


def build_test_button(server_id: ServerId) -> LastingButton:
    """Return the button that tests a server again; if that succeeds, it is read at once."""
    return LastingButton(TEST_SERVER, text("Test again"), server_id, ButtonStyle.PRIMARY)


def build_edit_button(server_id: ServerId) -> LastingButton:
    """Return the button that opens the form of a server's login, with all but the secret filled in."""
    return LastingButton(EDIT_LOGIN, text("Edit login"), server_id)


def list_mending(server_id: ServerId, steps: Sequence[CheckStep]) -> tuple[LastingButton, ...]:
    """Return the buttons below the steps of a test: what may mend the failed one; none if all is well."""
    failed = next((step for step in steps if not step.ok), None)
    if failed is None:
        return ()
    again = build_test_button(server_id)
    if failed.name is WayStep.HOST_KEY:
        return (build_accept_button(server_id), again)
    return (again, build_edit_button(server_id))
