"""Base paths that an admin may type."""

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.errors import InvalidInputError
from utils.sftp.remote_paths import cut_to_logs, is_inside, validate_base_path


@pytest.mark.parametrize(
    ("typed", "root", "expected"),
    [
        ("", "/", "."),
        (".", "/", "."),
        ("  servers/one/ ", "/", "servers/one"),
        ("./servers//one", "/", "servers/one"),
        ("/servers/one", "/", "servers/one"),
        ("//servers", "/", "servers"),
        ("/", "/", "."),
        ("/home/renter", "/home/renter", "."),
        ("/home/renter/one", "/home/renter/", "one"),
        ("..servers", "/", "..servers"),
        ("servers\\one\\", "/", "servers/one"),
        ("/etc", "/home/renter", "/etc"),
        ("/home/renters/", "/home/renter", "/home/renters"),
        ("//srv/games", "/home/renter", "/srv/games"),
        ("C:\\servers\\one", "/C:/Users/renter", "/C:/servers/one"),
        ("d:/servers", "/C:/Users/renter", "/D:/servers"),
        ("/d:/servers", "/C:/Users/renter", "/D:/servers"),
        ("c:\\Users\\renter\\one", "/C:/Users/renter", "one"),
        ("C:/Users/renter/one", "/c:/Users/renter", "one"),
        ("D:", "/C:/Users/renter", "/D:"),
    ],
)
def test_base_path_is_taken_as_it_is_meant(typed: str, root: str, expected: str) -> None:
    """The result is short: relative inside the root, the host's own path outside of it."""
    assert validate_base_path(typed, root=root) == expected


@pytest.mark.parametrize(
    ("typed", "root"),
    [
        ("..", "/"),
        ("a/../..", "/"),
        ("a/..", "/"),
        ("a\\..\\..", "/"),
        ("a\0b", "/"),
        ("a\nb", "/"),
        ("/srv/../etc", "/home/renter"),
        ("C:\\servers\\..", "/C:/Users/renter"),
        ("a" * 401, "/"),
    ],
)
def test_base_path_that_climbs_or_is_none_is_refused(typed: str, root: str) -> None:
    """An accepted path means the same wherever it is joined."""
    with pytest.raises(InvalidInputError):
        validate_base_path(typed, root=root)


@given(
    st.text(st.one_of(st.sampled_from("./\\ a\0-"), st.characters(codec="utf-8")), max_size=30),
    st.sampled_from(["/", "/home/renter", "/home/renter/", "/a", "/C:/a"]),
)
def test_accepted_base_path_never_climbs_whatever_is_typed(typed: str, root: str) -> None:
    """The result is in its shortest form: relative, or absolute outside of the root."""
    try:
        path = validate_base_path(typed, root=root)
    except InvalidInputError:
        return
    assert path == posixpath.normpath(path)
    assert ".." not in path.split("/")
    assert is_inside(posixpath.join(root, path), root) is not path.startswith("/")
    assert validate_base_path(path, root=root) == path


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a/actual1/deathlogs/world_0", "a/actual1/deathlogs"),
        ("a/actual1/DeathLogs/world_0/2025.05.01-00.00.00.csv", "a/actual1/DeathLogs"),
        ("/srv/a/deathlogs", "/srv/a/deathlogs"),
        ("logs/2025.05.01-00.00.00.CSV", "logs"),
        ("2025.05.01-00.00.00.csv", "."),
        ("a/b", "a/b"),
        (".", "."),
    ],
)
def test_path_to_something_below_the_logs_means_the_logs(path: str, expected: str) -> None:
    """People copy the path of a file."""
    assert cut_to_logs(path) == expected
