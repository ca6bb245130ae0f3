"""The lasting buttons below an alert about a game server: each mends what the alert is about."""

from utils.models.lasting_buttons import ButtonKind, ButtonStyle, LastingButton
from utils.models.scope import ServerId
from utils.models.texts import text

ACCEPT_KEY = ButtonKind("accept_key")
TEST_SERVER = ButtonKind("test_server")


def build_accept_button(server_id: ServerId) -> LastingButton:
    """Return the button that shows a changed host key and asks whether to accept it."""
    return LastingButton(ACCEPT_KEY, text("Accept key"), server_id, ButtonStyle.PRIMARY)


def build_test_button(server_id: ServerId) -> LastingButton:
    """Return the button that tests a server again; if that succeeds, it is read at once."""
    return LastingButton(TEST_SERVER, text("Test again"), server_id, ButtonStyle.PRIMARY)
