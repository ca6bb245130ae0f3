"""Base paths: what an admin may type."""

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.errors import InvalidInputError
from utils.sftp.remote_paths import is_inside, validate_base_path


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
    ],
)
def test_base_path_is_taken_relative_to_the_root(typed: str, root: str, expected: str) -> None:
    """However it is written, it comes out relative and short."""
    assert validate_base_path(typed, root=root) == expected


@pytest.mark.parametrize(
    ("typed", "root"),
    [
        ("..", "/"),
        ("a/../..", "/"),
        ("a/..", "/"),
        ("a\\b", "/"),
        ("a\0b", "/"),
        ("a\nb", "/"),
        ("/etc", "/home/renter"),
        ("/home/renters", "/home/renter"),
        ("a" * 401, "/"),
    ],
)
def test_base_path_that_leaves_the_root_is_refused(typed: str, root: str) -> None:
    """Nobody reads the host's own files through the bot."""
    with pytest.raises(InvalidInputError):
        validate_base_path(typed, root=root)


@given(
    st.text(st.one_of(st.sampled_from("./\\ a\0-"), st.characters(codec="utf-8")), max_size=30),
    st.sampled_from(["/", "/home/renter", "/home/renter/", "/a"]),
)
def test_accepted_base_path_stays_inside_whatever_is_typed(typed: str, root: str) -> None:
    """The result is relative, in its shortest form, and lies in the root."""
    try:
        path = validate_base_path(typed, root=root)
    except InvalidInputError:
        return
    assert not path.startswith("/")
    assert path == posixpath.normpath(path)
    assert is_inside(posixpath.join(root, path), root)
    assert validate_base_path(path, root=root) == path
