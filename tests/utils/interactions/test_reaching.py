"""Answers that do not arrive: each is logged and goes to the one place of errors."""

import asyncio

import aiohttp
import discord
import pytest

from cogs.admin.login_dialog import check_before_form
from tests.fakes.errors import FakeErrorSink
from utils.error_sink import ErrorSource, Where
from utils.errors import NotFoundError, StorageUnavailableError
from utils.interactions.reaching import OVER_CODES, is_trouble, note_unreached
from utils.models.texts import text


class Answer:
    """An answer of Discord, as the library reads it."""

    reason = "x"

    def __init__(self, status: int) -> None:
        self.status = status


def build(status: int, code: int = 0) -> discord.HTTPException:
    """Return a refusal of Discord."""
    return discord.HTTPException(Answer(status), {"code": code, "message": "x"})  # type: ignore[arg-type] # a part


@pytest.mark.parametrize("failure", [build(400), build(503), aiohttp.ClientError("away"), TimeoutError()])
def test_answer_that_does_not_arrive_is_reported(failure: Exception) -> None:
    """The member misses nothing else by it, and the owners learn of it."""
    errors = FakeErrorSink()
    with note_unreached("buttons stay", errors):
        raise failure
    assert [*errors.reported, *errors.troubles] == [failure]
    assert errors.places == [Where(source=ErrorSource.DISCORD, name="buttons stay")]


async def test_request_that_a_stop_cuts_short_is_no_error() -> None:
    """The time of a button may end while the bot stops; every other error of the code is raised."""
    errors = FakeErrorSink()
    session = aiohttp.ClientSession()
    await session.close()
    with note_unreached("ended buttons are not shown as such", errors):
        await session.get("http://localhost/")
    assert errors.places == []
    with pytest.raises(RuntimeError, match="another"), note_unreached("buttons stay", errors):
        raise RuntimeError("another error")


@pytest.mark.parametrize("code", sorted(OVER_CODES))
def test_answer_that_comes_too_late_is_no_error(code: int) -> None:
    """A member deleted the message, or the interaction is over."""
    errors = FakeErrorSink()
    with note_unreached("buttons stay", errors):
        raise build(404, code)
    assert errors.places == []


def test_connection_that_the_library_opens_again_is_a_trouble() -> None:
    """Every other end of a connection ends the bot with a sentence of its own."""
    closed = discord.ConnectionClosed(Answer(101), shard_id=0, code=4000)  # type: ignore[arg-type] # a part
    assert (is_trouble(closed), is_trouble(discord.GatewayNotFound()), is_trouble(ValueError())) == (
        True,
        True,
        False,
    )


def test_request_that_a_stop_cuts_short_is_a_trouble() -> None:
    """Wherever it is reported from, there is nothing to mend."""
    assert is_trouble(RuntimeError("Session is closed"))
    assert not is_trouble(RuntimeError("Event loop is closed"))


async def test_check_of_a_form_reports_the_database_and_no_lack_of_time() -> None:
    """A check without an answer is repeated after the form; a refusal is raised."""
    errors, away = FakeErrorSink(), StorageUnavailableError("away")

    async def fail(error: Exception) -> None:
        raise error

    await check_before_form(fail(away), errors)
    await check_before_form(fail(TimeoutError()), errors)
    assert (errors.reported, errors.places) == ([away], [Where(source=ErrorSource.DATABASE, name="form")])
    with pytest.raises(NotFoundError):
        await check_before_form(fail(NotFoundError(text("x"))), errors)
    await asyncio.sleep(0)
