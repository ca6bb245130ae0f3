"""The data folder belongs to one process and has an id."""

import subprocess
import sys
from pathlib import Path

import pytest

from utils.data_folder import list_readable_by_others, load_instance_id, lock_data_folder
from utils.errors import ConfigurationError

HOLD = "import sys; from pathlib import Path; from utils.data_folder import lock_data_folder\n"
HOLD += "lock = lock_data_folder(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"


def test_folder_is_made_and_locked(tmp_path: Path) -> None:
    """A missing folder is created with its parents and locked for this process."""
    folder = tmp_path / "deep" / "data"
    with lock_data_folder(folder) as lock:
        assert folder.stat().st_mode & 0o777 == 0o700
        assert lock.is_locked


def test_second_bot_is_refused_until_the_first_has_ended(tmp_path: Path) -> None:
    """Two processes over one folder would share one instance id; the sentence says what to do."""
    with subprocess.Popen(  # noqa: S603 - our own words, run by our own Python
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(ConfigurationError) as caught:
            lock_data_folder(tmp_path)
        other.kill()  # a killed bot has no lock
        other.wait()
    said = f"Another bot, or a call like a backup, uses the data folder {tmp_path}. "
    said += "Stop it or let it end first, or set another data_dir."
    assert caught.value.problems == (said,)
    lock_data_folder(tmp_path).release()


def test_file_in_the_place_of_the_folder_is_told(tmp_path: Path) -> None:
    """The sentence has the system's reason why the path cannot be a folder."""
    place = tmp_path / "data"
    place.write_text("I am a file", "ascii")
    with pytest.raises(ConfigurationError) as caught:
        lock_data_folder(place)
    [sentence] = caught.value.problems
    assert sentence == (
        f"The data folder {place} can't be used (File exists at {place}). "
        "Set data_dir to a folder that the bot's user may write to."
    )


def test_id_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """A folder instead of the id's file has the sentence of a folder that cannot be used."""
    (tmp_path / "instance.id").mkdir()
    with pytest.raises(ConfigurationError, match=r"can't be used \(Is a directory at .*instance\.id\)\. Set"):
        load_instance_id(tmp_path)


def test_instance_is_known_again_and_two_are_told_apart(tmp_path: Path) -> None:
    """Each folder has its own id; with it a restarted bot takes its own lease back."""
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    first, second = (load_instance_id(folder) for folder in folders)
    assert first != second
    assert len(first) == 16
    assert [load_instance_id(folder) for folder in folders] == [first, second]


def test_instance_id_survives_an_editor(tmp_path: Path) -> None:
    """A line feed that an editor added does not change the id."""
    (tmp_path / "instance.id").write_text("0123456789abcdef\n", "ascii")
    assert load_instance_id(tmp_path) == "0123456789abcdef"


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620])
def test_what_others_can_read_is_named_with_the_way_out(tmp_path: Path, mode: int) -> None:
    """Other users must not read the token and the data. A missing file is not a problem."""
    config, folder = tmp_path / "config.json", tmp_path / "data"
    assert list_readable_by_others(config, folder) == []
    config.touch(0o600)
    folder.mkdir(0o700)
    assert list_readable_by_others(config, folder) == []
    config.chmod(mode)
    folder.chmod(0o755)
    assert list_readable_by_others(config, folder) == [
        f"{config} holds the token, and others on this machine can read it: chmod 600 {config}",
        f"{folder} can be read by others on this machine: chmod 700 {folder}",
    ]
