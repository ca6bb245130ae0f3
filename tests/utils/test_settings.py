"""The configuration: valid and invalid values, and the error messages."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.beside import CONTRACT
from utils.errors import ConfigurationError
from utils.models.sharding import Sharding
from utils.settings import Settings, load_settings

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "config.example.json"


@pytest.fixture(name="config")
def _config(tmp_path: Path) -> Path:
    return tmp_path / "config.json"


def _list_problems(config: Path, content: dict[str, Any], **environ: str) -> list[str]:
    config.write_text(json.dumps(content), "utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_settings(config, environ)
    return list(caught.value.problems)


def test_example_holds_every_key_with_its_default() -> None:
    """The example has every key with its default."""
    assert json.loads(EXAMPLE.read_text("utf-8")) == Settings().model_dump(mode="json")


@pytest.mark.skipif(not CONTRACT.exists(), reason="the contract is not beside this checkout")
def test_example_is_the_contracts() -> None:
    """The contract has every key of the example with the same value; it may have more."""
    block = re.search(r"```json\n(.*?)```", CONTRACT.read_text("utf-8"), re.DOTALL)
    assert block is not None
    contract, example = json.loads(block[1]), json.loads(EXAMPLE.read_text("utf-8"))
    assert {section: _overlay(contract[section], values) for section, values in example.items()} == {
        section: contract[section] for section in example
    }


def _overlay(values: Any, others: Any) -> Any:
    return {**values, **others} if isinstance(values, dict) else others


def test_example_loads_as_the_defaults() -> None:
    """A copy of the example is a valid configuration."""
    assert load_settings(EXAMPLE, {}) == Settings()


def test_partial_file_keeps_the_defaults_of_the_rest(config: Path) -> None:
    """Every key may be left out."""
    config.write_text('{"polling": {"min_interval_seconds": 0.5}}', "utf-8")
    settings = load_settings(config, {})
    assert (settings.polling.min_interval_seconds, settings.polling.max_announce_age_minutes) == (0.5, 60)


def test_environment_wins_over_the_file(config: Path) -> None:
    """A variable replaces only its key of the file; text stays text, the rest is read as JSON."""
    config.write_text('{"mongodb": {"uri": "mongodb://file", "database": "kept"}}', "utf-8")
    environ = {
        "KILLFEED__MONGODB__URI": "mongodb://environment",
        "KILLFEED__DATA_DIR": "123",
        "KILLFEED__DISCORD__OWNER_IDS": '["42", 43]',
        "KILLFEED__LINKS__REQUIRE_PROOF": "false",
        "KILLFEED__BACKUP__KEEP_DAYS": "9",
        "KILLFEED__DISCORD__API_BASE_URL": "http://127.0.0.1:8080/api/v10",
        "PATH": "/bin",
    }
    settings = load_settings(config, environ)
    assert settings.mongodb.uri.get_secret_value() == "mongodb://environment"
    assert settings.mongodb.database == "kept"
    assert settings.data_dir == Path("123")
    assert settings.discord.owner_ids == (42, 43)
    assert settings.links.require_proof is False
    assert settings.backup.keep_days == 9
    assert settings.discord.api_base_url == "http://127.0.0.1:8080/api/v10"


def test_null_in_the_environment_unsets_a_key(config: Path) -> None:
    """A key that may be null can be set to null again."""
    config.write_text('{"discord": {"home_guild_id": 5}}', "utf-8")
    assert load_settings(config, {"KILLFEED__DISCORD__HOME_GUILD_ID": "null"}).discord.home_guild_id is None


def test_ids_may_be_written_as_digits(config: Path) -> None:
    """Snowflakes are taken as numbers and as text, because some tools round large numbers."""
    config.write_text('{"discord": {"home_guild_id": "81384788765712384", "owner_ids": [7, "8"]}}', "utf-8")
    discord = load_settings(config, {}).discord
    assert (discord.home_guild_id, discord.owner_ids) == (81384788765712384, (7, 8))


def test_every_problem_is_told_at_once(config: Path) -> None:
    """One run lists all problems of file and environment, each with the name of its key."""
    content = {
        "discord": {"token": 5, "api_base_url": "x", "home_guild_id": "abc", "owner_ids": [1, "x", True]},
        "mongodb": {"url": "mongodb://secret", "database": "a b"},
        "data_dir": 7,
        "sftp": {"max_connections": "5", "keepalive_seconds": True, "idle_expiry_seconds": 0},
        "polling": 3,
        "links": {"require_proof": 1},
        "logging": {"level": "loud"},
        "backup": {"directories": "a", "hour_utc": 24},
        "premium": {"default_tier": 9},
        "tokn": 1,
    }
    environ = {"KILLFEED__FOO": "1", "KILLFEED__LOGGING__KEEP_DAYS": "x"}
    assert sorted(_list_problems(config, content, **environ)) == [
        "KILLFEED__FOO (environment) names no known key.",
        "backup.directories must be a list: [ … ].",
        "backup.hour_utc must be less than or equal to 23.",
        "data_dir must be a path in quotes.",
        "discord.api_base_url must look like http://host:port/api/v{API_VERSION}.",
        "discord.home_guild_id must be a whole number.",
        "discord.owner_ids.1 must be a whole number.",
        "discord.owner_ids.2 must be a whole number.",
        "discord.token must be text in quotes.",
        "links.require_proof must be true or false.",
        "logging.keep_days (from KILLFEED__LOGGING__KEEP_DAYS) must be a whole number.",
        "logging.level must be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'.",
        "mongodb.database may hold only letters, digits, _ and -.",
        "mongodb.url is not a known key. Did you mean mongodb.uri? Delete it or correct its name.",
        "polling must be a section: { … }.",
        "premium.default_tier must be less than or equal to 4.",
        "sftp.idle_expiry_seconds must be greater than 0.",
        "sftp.keepalive_seconds must be a number.",
        "sftp.max_connections must be a whole number.",
        "tokn is not a known key. Delete it or correct its name.",
    ]


@pytest.mark.parametrize(
    ("section", "sentence"),
    [
        ({"shard_ids": [0]}, "discord must hold shard_count when it holds shard_ids."),
        (
            {"shard_ids": [1, 1], "shard_count": 2},
            "discord must name at least one shard in shard_ids, and each once.",
        ),
        (
            {"shard_ids": [], "shard_count": 2},
            "discord must name at least one shard in shard_ids, and each once.",
        ),
        (
            {"shard_ids": [2], "shard_count": 2},
            "discord must hold only shard_ids that are smaller than shard_count.",
        ),
    ],
)
def test_shards_that_cannot_be_are_refused(config: Path, section: dict[str, Any], sentence: str) -> None:
    """Shard ids must fit the shard count."""
    assert _list_problems(config, {"discord": section}) == [sentence]


@pytest.mark.parametrize(
    ("section", "sharding"),
    [
        ({}, Sharding(1, (0,))),
        ({"shard_count": 3}, Sharding(3, (0, 1, 2))),
        ({"shard_count": 3, "shard_ids": [2, 0]}, Sharding(3, (0, 2))),
    ],
)
def test_process_has_all_shards_unless_some_are_named(
    config: Path, section: dict[str, Any], sharding: Sharding
) -> None:
    """Without a count the bot has one shard."""
    config.write_text(json.dumps({"discord": section}), "utf-8")
    assert load_settings(config, {}).discord.sharding == sharding


@pytest.mark.parametrize(
    "url", ["https://example.org", "ftp://h/api/v10", "http://h:1/api/v{X}", "http://h/api/v10/"]
)
def test_address_of_another_form_is_refused(config: Path, url: str) -> None:
    """An address that py-cord could not use is reported at the start, not at the first request."""
    assert _list_problems(config, {"discord": {"api_base_url": url}}) == [
        "discord.api_base_url must look like http://host:port/api/v{API_VERSION}."
    ]


def test_missing_file_says_how_to_make_it(config: Path) -> None:
    """The sentence about a missing file has the command that makes it."""
    with pytest.raises(ConfigurationError) as caught:
        load_settings(config, {})
    sentence = f"There is no {config}. Make it from the example: cp config.example.json {config}, "
    assert caught.value.problems == (f"{sentence}then write your bot's token into discord.token.",)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b'{\n "data_dir" "x"}', "is not valid JSON: line 2, column 13: Expecting ':' delimiter."),
        (b"[]", "must hold one JSON object: { … }."),
        (b'{"data_dir": "\xff"}', "is not UTF-8 text. Save it as UTF-8."),
        (b'{"data_dir": "a", "data_dir": "b"}', "holds the key data_dir twice in one place. Delete one."),
    ],
)
def test_unreadable_file_is_told_by_its_place(config: Path, content: bytes, sentence: str) -> None:
    """An invalid file is reported in one sentence, with the line if there is one."""
    config.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        load_settings(config, {})
    assert caught.value.problems == (f"{config} {sentence}",)


def test_folder_in_the_place_of_the_file_is_told(tmp_path: Path) -> None:
    """The error of an unreadable file has the system's reason."""
    with pytest.raises(ConfigurationError, match="cannot be read: Is a directory"):
        load_settings(tmp_path, {})


def test_byte_order_mark_is_taken(config: Path) -> None:
    """A file saved by an editor of Windows works."""
    config.write_bytes(b'\xef\xbb\xbf{"data_dir": "x"}')
    assert load_settings(config, {}).data_dir == Path("x")


def test_secrets_never_show(config: Path) -> None:
    """Neither the repr nor an error contains a token, a URI or a key."""
    secrets = {"discord": {"token": "token-x"}, "mongodb": {"uri": "uri-x"}, "secret_key": "key-x"}
    config.write_text(json.dumps(secrets), "utf-8")
    shown = repr(load_settings(config, {})) + str(load_settings(config, {}))
    broken = secrets | {"discord": {"token": ["token-x"]}, "mongodb": {"uri": 1, "database": "uri-x !"}}
    shown += "\n".join(_list_problems(config, broken, KILLFEED__SECRET_KEYS="key-x"))
    assert not re.search(r"(token|uri|key)-x", shown)


def list_path_keys(schema: dict[str, Any], part: dict[str, Any], key: str = "") -> Iterator[tuple[str, bool]]:
    """Yield every key whose value is a path, and whether it is a list of paths."""
    part = schema["$defs"][part["$ref"].rpartition("/")[2]] if "$ref" in part else part
    for name, field in part.get("properties", {}).items():
        yield from list_path_keys(schema, field, f"{key}.{name}" if key else name)
    for branch in (part, *part.get("anyOf", ())):
        if branch.get("format") == "path":
            yield key, False
        elif branch.get("items", {}).get("format") == "path":
            yield key, True


SCHEMA = Settings.model_json_schema()
PATH_KEYS = list(list_path_keys(SCHEMA, SCHEMA))


def test_keys_of_paths_are_known() -> None:
    """The walk over the configuration finds all keys of paths."""
    assert {("data_dir", False), ("mongodb.mongod_path", False), ("backup.directories", True)} <= set(
        PATH_KEYS
    )


@pytest.mark.parametrize(("key", "is_list"), PATH_KEYS)
def test_tilde_is_the_home_folder_in_every_path(config: Path, key: str, *, is_list: bool) -> None:
    """A leading ``~`` is the home folder, as in a shell; that of an unknown user is refused."""
    section, _, name = key.rpartition(".")
    home, nobody = "~/kf", "~nobody-here/kf"

    def build(path: str) -> dict[str, Any]:
        values: dict[str, Any] = {name: [path] if is_list else path}
        return {section: values} if section else values

    def read(settings: Settings) -> Any:
        value = getattr(getattr(settings, section) if section else settings, name)
        return value[0] if is_list else value

    config.write_text(json.dumps(build(home)), "utf-8")
    assert read(load_settings(config, {})) == Path.home() / "kf"
    variable = f"KILLFEED__{key.upper().replace('.', '__')}"
    config.write_text("{}", "utf-8")
    assert read(load_settings(config, {variable: '["~/kf"]' if is_list else home})) == Path.home() / "kf"
    [problem] = _list_problems(config, build(nobody))
    assert problem.startswith(key)
    assert problem.endswith("must not begin with a ~ for which this machine knows no folder.")
