"""The configuration: ``config.json``, overruled by ``KILLFEED__…`` variables of the environment.

Theory of operation: the file and the environment become one nested dict, the dict becomes ``Settings``. Types
are strict: ``"5"`` is not a number, and ``1`` is not a switch. So a variable of the environment is read as
JSON if its key does not hold text. All problems are collected and raised at once. Each is one sentence that
names its key and never shows the value, which could be a secret.
"""

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from utils.errors import ConfigurationError
from utils.models.sharding import Sharding

ENVIRONMENT_PREFIX = "KILLFEED__"
NESTING = "__"
MAX_SNOWFLAKE = 2**63 - 1  # ids are stored as int64

DIVISORS = tuple(hours for hours in range(1, 25) if not 24 % hours)  # of a day

_API_BASE_URL = re.compile(r"https?://[^\s/{}?#@]+/api/v(\{API_VERSION\}|\d+)")
_DIGITS = re.compile(r"[0-9]{1,19}")


def _read_snowflake(value: object) -> object:
    """Accept an id as a number or as digits: some editors and tools round large numbers in JSON."""
    return int(value) if isinstance(value, str) and _DIGITS.fullmatch(value) else value


def _check_api_base_url(value: object) -> object:
    if isinstance(value, str) and not _API_BASE_URL.fullmatch(value):
        raise PydanticCustomError("api_base_url", "must look like http://host:port/api/v{API_VERSION}")
    return value


def _check_divisor(hours: int) -> int:
    if hours not in DIVISORS:
        allowed = ", ".join(map(str, DIVISORS))
        raise PydanticCustomError("divisor", "must be one of {allowed}", {"allowed": allowed})
    return hours


def _expand_home(path: Path) -> Path:
    """Return a path with a leading ``~`` or ``~name`` expanded, as a shell does."""
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise PydanticCustomError(
            "home", "must not begin with a ~ for which this machine knows no folder"
        ) from error


FilePath = Annotated[Path, AfterValidator(_expand_home)]
Snowflake = Annotated[
    StrictInt,
    BeforeValidator(_read_snowflake),
    Field(ge=1, le=MAX_SNOWFLAKE),
]
Seconds = Annotated[StrictFloat, Field(gt=0, allow_inf_nan=False)]  # whole numbers are taken as well
PositiveInt = Annotated[StrictInt, Field(ge=1)]


class _SettingsSection(BaseModel):
    """A part of the configuration: unknown keys are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class DiscordSettings(_SettingsSection):
    """The bot's login, and the people with rights above guilds."""

    token: SecretStr = SecretStr("")
    api_base_url: Annotated[StrictStr | None, BeforeValidator(_check_api_base_url)] = None
    home_guild_id: Snowflake | None = None
    owner_ids: tuple[Snowflake, ...] = ()
    shard_count: PositiveInt | None = None
    shard_ids: tuple[Annotated[StrictInt, Field(ge=0)], ...] | None = None

    @model_validator(mode="after")
    def _check_shards(self) -> "DiscordSettings":
        """Refuse shard ids that the shard count does not have."""
        if self.shard_ids is None:
            return self
        if self.shard_count is None:
            raise PydanticCustomError("shards", "must hold shard_count when it holds shard_ids")
        if not self.shard_ids or len(set(self.shard_ids)) != len(self.shard_ids):
            raise PydanticCustomError("shards", "must name at least one shard in shard_ids, and each once")
        if max(self.shard_ids) >= self.shard_count:
            raise PydanticCustomError("shards", "must hold only shard_ids that are smaller than shard_count")
        return self

    @property
    def sharding(self) -> Sharding:
        """The shards of this process: all of them unless some are named."""
        count = self.shard_count or 1
        return Sharding(count, tuple(sorted(range(count) if self.shard_ids is None else self.shard_ids)))


class MongoSettings(_SettingsSection):
    """The database; with an empty ``uri`` the bot runs its own ``mongod``."""

    uri: SecretStr = SecretStr("")
    database: Annotated[StrictStr, Field(max_length=63, pattern=r"^[A-Za-z0-9_-]+$")] = "killfeed"
    mongod_path: FilePath | None = None


class SftpSettings(_SettingsSection):
    """Limits of the connections to game hosts."""

    max_connections: PositiveInt = 1000
    connect_timeout_seconds: Seconds = 20
    operation_timeout_seconds: Seconds = 30
    keepalive_seconds: Seconds = 20
    idle_expiry_seconds: Seconds = 300
    allow_private_hosts: StrictBool = True


class PollingSettings(_SettingsSection):
    """How often logs are read, and the highest age of news."""

    min_interval_seconds: Seconds = 5
    max_announce_age_minutes: Seconds = 60


class PremiumSettings(_SettingsSection):
    """The tier of a guild without a grant."""

    default_tier: Annotated[StrictInt, Field(ge=0, le=4)] = 4


class LinkSettings(_SettingsSection):
    """Whether a link of member and player must be proven in the game."""

    require_proof: StrictBool = True


class BackupSettings(_SettingsSection):
    """The place and time of backups besides ``data_dir/backups``."""

    directories: tuple[FilePath, ...] = ()
    hour_utc: Annotated[StrictInt, Field(ge=0, le=23)] = 4
    every_hours: Annotated[StrictInt, AfterValidator(_check_divisor)] = 24
    keep_days: PositiveInt = 7


class LoggingSettings(_SettingsSection):
    """How much is logged, and how much of it is kept."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    keep_days: PositiveInt = 30
    max_total_megabytes: PositiveInt = 2000


class MonitoringSettings(_SettingsSection):
    """The folder of the metrics; None: that of the status file, ``data_dir/status``."""

    metrics_directory: FilePath | None = None


class Settings(BaseSettings):
    """The whole configuration; ``load_settings`` makes it."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    discord: DiscordSettings = DiscordSettings()
    mongodb: MongoSettings = MongoSettings()
    data_dir: FilePath = Path("data")
    secret_key: SecretStr = SecretStr("")
    sftp: SftpSettings = SftpSettings()
    polling: PollingSettings = PollingSettings()
    premium: PremiumSettings = PremiumSettings()
    links: LinkSettings = LinkSettings()
    backup: BackupSettings = BackupSettings()
    logging: LoggingSettings = LoggingSettings()
    monitoring: MonitoringSettings = MonitoringSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is the library's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the environment is an argument here
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - no second file
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - no third one
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read nothing from the process itself: file and environment are arguments."""
        return (init_settings,)


def load_settings(path: Path, environ: Mapping[str, str]) -> Settings:
    """Read the configuration.

    Args:
        path: the JSON file.
        environ: variables that overrule it, for example ``KILLFEED__MONGODB__URI``.

    Raises:
        ConfigurationError: with every problem of file and environment, not only the first.
    """
    problems: list[str] = []
    values = _read_file(path, problems)
    origins = _overlay(values, environ, problems)
    settings = _validate(values, origins, problems)
    if settings is None or problems:
        raise ConfigurationError(*problems)
    return settings


def _read_file(path: Path, problems: list[str]) -> dict[str, Any]:
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        problems.append(
            f"There is no {path}. Make it from the example: cp config.example.json {path}, "
            "then write your bot's token into discord.token."
        )
    except UnicodeDecodeError:
        problems.append(f"{path} is not UTF-8 text. Save it as UTF-8.")
    except OSError as error:
        problems.append(f"{path} cannot be read: {error.strerror}.")
    else:
        return _parse_json(path, text, problems)
    return {}


def _parse_json(path: Path, text: str, problems: list[str]) -> dict[str, Any]:
    def build(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        repeated = sorted({name for name in names if names.count(name) > 1})
        problems.extend(f"{path} holds the key {name} twice in one place. Delete one." for name in repeated)
        return dict(pairs)

    try:
        values = json.loads(text, object_pairs_hook=build)
    except json.JSONDecodeError as error:
        problems.append(f"{path} is not valid JSON: line {error.lineno}, column {error.colno}: {error.msg}.")
        return {}
    if isinstance(values, dict):
        return values
    problems.append(f"{path} must hold one JSON object: {{ … }}.")
    return {}


def _overlay(values: dict[str, Any], environ: Mapping[str, str], problems: list[str]) -> dict[str, str]:
    """Let the environment overrule the file; return which key came from which variable."""
    known = dict(_walk_keys(Settings))
    origins = {}
    for variable, text in sorted(environ.items()):
        if not variable.upper().startswith(ENVIRONMENT_PREFIX):
            continue
        key = ".".join(variable[len(ENVIRONMENT_PREFIX) :].lower().split(NESTING))
        if key not in known:
            problems.append(f"{variable} (environment) names no known key.{_suggest(key, known)}")
            continue
        origins[key] = variable
        _place(values, key.split("."), text if known[key] else _read_variable(text))
    return origins


def _place(values: dict[str, Any], parts: list[str], value: object) -> None:
    *sections, name = parts
    for section in sections:
        inner = values.get(section)
        if not isinstance(inner, dict):
            inner = values[section] = {}
        values = inner
    values[name] = value


def _read_variable(text: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _walk_keys(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, bool]]:
    """Yield every key of the configuration, and whether its value is text that cannot be null."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _walk_keys(field.annotation, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", isinstance(field.default, str | SecretStr | Path)


def _validate(values: dict[str, Any], origins: Mapping[str, str], problems: list[str]) -> Settings | None:
    try:
        return Settings(**values)
    except ValidationError as error:
        sentences = (_describe(detail, origins) for detail in error.errors(include_url=False))
        problems.extend(dict.fromkeys(sentences))
        return None


_MEANINGS = {
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "string_type": "must be text in quotes",
    "path_type": "must be a path in quotes",
    "tuple_type": "must be a list: [ … ]",
    "model_type": "must be a section: { … }",
    "model_attributes_type": "must be a section: { … }",
    "string_pattern_mismatch": "may hold only letters, digits, _ and -",
    "finite_number": "must be a finite number",
}


def _describe(detail: ErrorDetails, origins: Mapping[str, str]) -> str:
    """Turn one finding into a sentence that names the key and never the value."""
    # a union adds the name of its branch to the path; only the keys of the file are shown
    parts = [part for part in detail["loc"] if isinstance(part, int) or part in _NAMES or _is_extra(detail)]
    key = ".".join(str(part) for part in parts)
    if _is_extra(detail):
        suggestion = _suggest(key, dict(_walk_keys(Settings)))
        return f"{key} is not a known key.{suggestion} Delete it or correct its name."
    origin = f" (from {origins[key]})" if key in origins else ""
    return f"{key}{origin} {_MEANINGS.get(detail['type']) or _reword(detail['msg'])}."


def _reword(message: str) -> str:
    """Turn pydantic's "Input should be …" into "must be …"; the sentences of this file stay as they are."""
    return message.replace("Input should be", "must be").replace("Value should", "must")


def _is_extra(detail: ErrorDetails) -> bool:
    return detail["type"] == "extra_forbidden"


def _suggest(key: str, known: Mapping[str, bool]) -> str:
    closest = difflib.get_close_matches(key, known, n=1)
    return f" Did you mean {closest[0]}?" if closest else ""


_NAMES = frozenset(part for key, _ in _walk_keys(Settings) for part in key.split("."))
