"""Typed game servers: addresses with additions, and names."""

import unicodedata
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.errors import InvalidInputError
from utils.services.servers.typed_servers import (
    NUMBER_DIGITS,
    ServerForm,
    TypedAddress,
    fill_in,
    list_fields,
    read_address,
    read_form,
    trim_text,
    verify_free_name,
    verify_server_name,
)

HOSTS = (
    "203.0.113.9",
    "game.example.org",
    "Game-1.example",
    "::1",
    "2001:db8::7",
    "::ffff:192.0.2.1",
    "fe80::1%eth0",
)
UNSEEN = [chr(code) for code in range(0x30000) if unicodedata.category(chr(code)) in ("Cc", "Cf", "Zl", "Zp")]


@pytest.mark.parametrize("host", HOSTS)
def test_address_is_understood_in_every_form(host: str) -> None:
    """An address may have scheme, user, port and folder, and blanks around it."""
    parts = product(("", "sftp://", "SSH://"), (None, "renter"), (None, 1, 8822), ("", "/", "/x_7/logs/"))
    for scheme, username, port, folder in parts:
        if (folder and not scheme) or (":" in host and port is None and not scheme and username):
            continue
        written = f"[{host}]" if ":" in host else host
        user = f"{username}@" if username else ""
        text = f" {scheme}{user}{written}{'' if port is None else f':{port}'}{folder}\ufeff "
        assert read_address(text) == TypedAddress(host, port, username, folder.rstrip("/") or None), text
    assert read_address(host) == TypedAddress(host)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "sftp://",
        "a b",
        "a/b",
        "ftp://a",
        "a:b",
        "a:",
        "a:0",
        "a:65536",
        "[a]",
        "[::1",
        "::1]:22",
        "u@a@b",
        "a\u202eb",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    """A text that is not an address is not guessed at."""
    with pytest.raises(InvalidInputError):
        read_address(text)


def test_password_in_an_address_is_refused_and_not_repeated() -> None:
    """The password belongs into the form."""
    with pytest.raises(InvalidInputError) as caught:
        read_address("sftp://renter:geheim@203.0.113.9")
    assert "geheim" not in str(caught.value)


@given(st.text(max_size=120))
def test_any_text_is_an_address_or_refused_with_a_sentence(text: str) -> None:
    """There is no third outcome, and a read address can be read again."""
    try:
        address = read_address(text)
    except InvalidInputError:
        return
    assert address.host.isprintable()
    assert " " not in address.host
    assert address.host == trim_text(address.host)
    assert address.port is None or 1 <= address.port <= 65535


@pytest.mark.parametrize(
    "name",
    [
        "🏴\u200d☠️ PvP",
        "👨\u200d👩\u200d👧\u200d👦",
        "🧑🏽\u200d🚀",
        "❤️\u200d🔥 hardcore",
        "🇩🇪 Deutschland",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "two\u00a0kinds",
        "Сервер 1 北",
        "-=[ * ]=-",
    ],
)
def test_names_that_people_see_are_taken(name: str) -> None:
    """Emoji of several parts and no-break spaces are allowed too."""
    verify_server_name(name)


@given(one=st.sampled_from(UNSEEN), at=st.integers(0, 4))
def test_character_that_nobody_sees_stands_in_no_name(one: str, at: int) -> None:
    """Control characters, directions and joiners between letters make names that only look equal."""
    with pytest.raises(InvalidInputError, match="invisible characters"):
        verify_server_name("Main"[:at] + one + "Main"[at:])


@pytest.mark.parametrize("name", ["\u200d", "\ufe0f", "🏴\u200d", "\u200d☠", "\u00a0\ufe0f"])
def test_name_of_which_nothing_is_seen_is_none(name: str) -> None:
    """A joiner alone is invisible."""
    with pytest.raises(InvalidInputError, match="invisible characters"):
        verify_server_name(name)


def test_kind_of_a_blank_makes_no_other_name() -> None:
    """People could not distinguish the two."""
    with pytest.raises(InvalidInputError, match="already"):
        verify_free_name("Main PvP", ["main\u00a0pvp"])
    verify_free_name("MainPvP", ["main\u00a0pvp"])


ANY_HOST = st.one_of(
    st.from_regex(r"[a-z0-9][a-z0-9.\-]{0,40}", fullmatch=True),
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(str),
)


@given(
    ANY_HOST,
    st.integers(1, 65535),
    st.from_regex(r"[A-Za-z0-9_.\-]{1,30}", fullmatch=True),
    st.one_of(st.none(), st.integers(0, 10**NUMBER_DIGITS - 1)),
    st.one_of(st.none(), st.from_regex(r"/?[A-Za-z_][A-Za-z0-9_./]{0,40}", fullmatch=True)),
)
def test_form_that_is_opened_again_means_what_it_shows(
    host: str, port: int, username: str, number: int | None, base_path: str | None
) -> None:
    """Every login survives the fields of a form: host and port in one, number or folder in another."""
    form = ServerForm("North", host, port, username, number, base_path, "Europe/Berlin", legacy=True)
    read = read_form(form)
    again = read_form(fill_in(form, list_fields(read)))
    assert (again.host, again.port, again.username) == (host, port, username)
    place = (number, None) if read.base_path is None else (None, read.base_path)
    assert (again.number, again.base_path) == place
    assert (again.name, again.timezone, again.legacy) == (form.name, form.timezone, form.legacy)


@given(ANY_HOST, st.integers(1, 65535), st.from_regex(r"[A-Za-z0-9_]{1,20}", fullmatch=True))
def test_address_is_taken_apart_however_it_is_pasted(host: str, port: int, username: str) -> None:
    """A URL, host and port, and blanks around them name the same login."""
    name = f"[{host}]" if ":" in host else host
    for typed in (f"{name}:{port}", f" sftp://{username}@{name}:{port}/logs/ ", f"ssh://{name}:{port}"):
        address = read_address(typed)
        assert (address.host, address.port) == (host, port)
        assert address.username in (None, username)
        assert address.base_path in (None, "/logs")
