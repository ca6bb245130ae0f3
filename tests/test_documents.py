"""The documents are complete and correct: they name everything that exists, and all they name exists."""

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import discord
import pytest
from pydantic import BaseModel

from bot import EXTENSIONS
from tests.fakes.small_bot import Shelf
from utils.commandline.arguments import CALLS
from utils.database.core.indexes import INDEXES
from utils.database.documents.codec import Codec
from utils.events import Event
from utils.interactions.command_set import list_commands
from utils.interactions.declarations import get_access
from utils.interactions.invitation import build_invitation
from utils.interactions.member_menus import list_member_menus
from utils.models.declared_settings import list_settings
from utils.models.guilds import GuildSettings
from utils.models.scope import GuildId
from utils.settings import Settings, load_settings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
ALL_COMMANDS = (ROOT / "docs" / "COMMANDS.md").read_text("utf-8")
ALL_SETTINGS = (ROOT / "docs" / "SETTINGS.md").read_text("utf-8")
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
SCALING = (ROOT / "docs" / "SCALING.md").read_text("utf-8")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
UNSCOPED = ("leases", "schema")


def list_keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Yield every key of the configuration, sections before a dot."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from list_keys(field.annotation, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def list_json_keys(values: dict[str, object], prefix: str = "") -> Iterator[str]:
    """Yield every key of a configuration file, as ``list_keys`` does."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from list_json_keys(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def list_first_cells(text: str) -> list[str]:
    """Return the code of the first column of a document's table."""
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    return [code for row in rows for code in re.findall(r"`([^`]+)`", row)]


def list_stored_fields() -> Iterator[str]:
    """Yield the fields that the builders of documents write."""
    for path in sorted((ROOT / "utils" / "database" / "documents").glob("*_documents.py")):
        for function in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(function, ast.FunctionDef) and re.fullmatch(r"build_\w+_document", function.name):
                yield from _list_literal_keys(function)


def list_coded_fields() -> Iterator[str]:
    """Yield the fields of values that are stored under their names; a private codec reads alone."""
    for path in sorted((ROOT / "utils" / "database" / "documents").glob("*_documents.py")):
        module = import_module(f"utils.database.documents.{path.stem}")
        for name, codec in vars(module).items():
            if isinstance(codec, Codec) and name[0] != "_":
                yield from codec.fields


def _list_literal_keys(function: ast.FunctionDef) -> Iterator[str]:
    for node in ast.walk(function):
        for key in node.keys if isinstance(node, ast.Dict) else ():
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield key.value


async def test_table_names_every_command_and_no_other_and_who_sees_its_answer() -> None:
    """The table in docs/COMMANDS.md is the command set, private where the acknowledgement is."""
    bot: Any = discord.Bot()  # type: ignore[no-untyped-call]
    bot.services = Shelf().build_services()
    for extension in EXTENSIONS:
        bot.load_extension(extension)
    answers = {
        f"/{command.qualified_name}": "private" if get_access(command).is_private else "public"
        for command in list_commands(bot)
    }
    menus = [menu.qualified_name for menu in list_member_menus(bot)]
    await bot.close()
    assert [name for name in menus if f"*{name}*" not in ALL_COMMANDS] == []
    assert sorted(list_first_cells(ALL_COMMANDS)) == list(answers)
    assert dict(re.findall(r"^\| `(/[^`]+)` \| [^|]+ \| (\w+) \|", ALL_COMMANDS, re.MULTILINE)) == answers


def test_table_names_every_setting_and_no_other() -> None:
    """The table in docs/SETTINGS.md is the configuration, in the same order."""
    assert list_first_cells(ALL_SETTINGS) == list(list_keys(Settings))


def test_readme_begins_with_what_a_newcomer_can_try_at_once() -> None:
    """The demo and the tests, with how long they take, are on the first screen; then come eight bullets."""
    first_screen, rest = README.split("<img", 1)
    assert re.findall(r"^make (\w+) .*\d+ (?:seconds|minutes)", first_screen, re.MULTILINE) == [
        "demo",
        "test",
    ]
    bullets = rest.split("\n## What it does\n", 1)[1].split("\n## ", 1)[0]
    assert len(re.findall(r"^- ", bullets, re.MULTILINE)) == 8


def test_example_configuration_holds_every_setting() -> None:
    """The example configuration has every key, so that users need not guess one."""
    example = json.loads((ROOT / "config.example.json").read_text("utf-8"))
    assert list(list_json_keys(example)) == list(list_keys(Settings))


def test_invitation_asks_for_exactly_the_needed_permissions() -> None:
    """README's links are those of the bot: to post, to create the channels as well, and to give roles."""
    links = re.findall(r"^https://discord.com/oauth2/\S+$", README, re.MULTILINE)
    built = [build_invitation(1, may_create_channels=may_create) for may_create in (False, True)]
    built.append(built[0].replace("117760", str(117760 + discord.Permissions(manage_roles=True).value)))
    assert [link.replace("APPLICATION_ID", "1") for link in links] == built


def test_readme_names_every_target_of_the_makefile() -> None:
    """README names every target that the Makefile lists."""
    targets = re.findall(r"^(\w+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert [target for target in targets if f"make {target}" not in README] == []
    assert {"demo", "test", "lint", "bench", "clean", "help"} <= set(targets)


def test_readme_has_a_line_for_every_call() -> None:
    """The table names each call of ``bot.py``, and no other."""
    table = README.split("| call | the bot |", 1)[1].split("\n\n", 1)[0]
    assert {cell.split()[0] for cell in list_first_cells(table)} == set(CALLS)


def test_architecture_names_every_collection() -> None:
    """The data model has a row for each collection and no other rows."""
    table = ARCHITECTURE.split("| collection | one document is |", 1)[1].split("\n\n", 1)[0]
    assert re.findall(r"^\| `(\w+)` ", table, re.MULTILINE) == [*INDEXES, *UNSCOPED]


def test_architecture_names_every_index_with_its_fields() -> None:
    """The table of indexes in ARCHITECTURE.md is the table in the code."""
    rows = [
        f"| `{collection}` | `{index.name}` | {', '.join(f'`{field}`' for field in index.fields)} "
        f"| {'yes' if index.unique else 'no'} |"
        for collection, indexes in INDEXES.items()
        for index in indexes
    ]
    table = ARCHITECTURE.split("| collection | index |", 1)[1].split("\n\n", 1)[0]
    assert table.splitlines()[2:] == rows


def test_architecture_names_every_stored_field() -> None:
    """The data model names every field that is written into a document."""
    settings = {name for name, *_ in list_settings(GuildSettings(GuildId(1)))}
    fields = settings | set(list_coded_fields()) | set(list_stored_fields())
    assert sorted(field for field in fields if f"`{field}`" not in ARCHITECTURE) == []
    assert {"killer_id", "offset", "nonce"} <= fields


def test_architecture_names_every_event() -> None:
    """The table of events in ARCHITECTURE.md is the list in the code."""
    rows = re.findall(r"^\| `(\w+)` \|", ARCHITECTURE.split("### Events", 1)[1], re.MULTILINE)
    events = [event.__name__ for event in get_args(Event)]
    assert rows[: len(events)] == events


def test_architecture_names_the_test_of_every_fault() -> None:
    """Each line of the table of faults ends with existing tests."""
    section = ARCHITECTURE.split("\n## What can fail and what happens\n", 1)[1].split("\n## ", 1)[0]
    lines = [line.split("|") for line in section.splitlines() if line.startswith("| ")][1:]
    named = {name for line in lines for name in re.findall(r"`(test_\w+)`", line[4])}
    sources = "".join(path.read_text("utf-8") for path in (ROOT / "tests").glob("**/test_*.py"))
    assert sorted(named - set(re.findall(r"def (test_\w+)", sources))) == []
    assert [line[1] for line in lines if "`test_" not in line[4]] == []
    assert len(lines) > 20


@pytest.mark.parametrize("path", sorted(ROOT.glob("requirements*.txt")), ids=lambda path: path.name)
def test_architecture_gives_a_reason_for_every_requirement(path: Path) -> None:
    """Every dependency has a reason in ARCHITECTURE.md."""
    names = re.findall(r"^([A-Za-z0-9_-]+)==", path.read_text("utf-8"), re.MULTILINE)
    dependencies = ARCHITECTURE.split("\n## Dependencies\n", 1)[1].split("\n## ", 1)[0]
    assert names
    assert [name for name in names if f"`{name}`" not in dependencies] == []


def test_architecture_names_every_room() -> None:
    """The table of rooms in ARCHITECTURE.md is the tree."""
    rooms = [f"utils/{path.name}" for path in (ROOT / "utils").iterdir() if not path.name.startswith("_")]
    assert [room for room in rooms if f"`{room}" not in ARCHITECTURE] == []


def test_processes_of_the_example_serve_every_guild_once(tmp_path: Path) -> None:
    """The example configurations are valid, share the settings that must be equal, and divide the shards."""
    examples = re.findall(r"```json\n(.*?)```", SCALING, re.DOTALL)
    processes = []
    for number, text in enumerate(examples):
        path = tmp_path / f"{number}.json"
        path.write_text(text, "utf-8")
        processes.append(load_settings(path, {}))
    shardings = [one.discord.sharding for one in processes]
    assert {sharding.count for sharding in shardings} == {2}
    assert sorted(shard for sharding in shardings for shard in sharding.ids) == [0, 1]
    assert len({one.data_dir for one in processes}) == len(processes)
    assert len({(one.secret_key, one.mongodb) for one in processes}) == 1


def test_every_shard_key_fits_the_indexes_of_its_collection() -> None:
    """A shard key fits if a whole index begins with it, and every unique index begins with it."""
    table = SCALING.split("| collection | shard key |", 1)[1].split("\n\n", 1)[0]
    rows = {}
    for line in table.splitlines()[2:]:
        collection, key, index = (re.findall(r"`(\w+)`", cell) for cell in line.split("|")[1:4])
        rows[collection[0]] = (tuple(key), index[0])
    assert list(rows) == list(INDEXES)
    for collection, (key, name) in rows.items():
        by_name = {index.name: index for index in INDEXES[collection]}
        assert not by_name[name].only
        needed = {name} | {index.name for index in INDEXES[collection] if index.unique}
        assert {by_name[one].fields[: len(key)] for one in needed} == {key}
    script = SCALING.split("```js\n", 1)[1].split("```", 1)[0]
    assert sorted(re.findall(r"\"(\w+)\"", script.split("const middle", 1)[0])) == sorted(INDEXES)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_into_the_project_lead_somewhere(path: Path) -> None:
    """Every relative link and picture exists."""
    links = re.findall(r"(?:\]\(|src=\")(?!https?://)([^)#\"]+)", path.read_text("utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


@cache
def read_tree() -> tuple[list[str], set[str]]:
    """Return the path of each file of code, and all words in them."""
    tops = ("bot.py", "benchmarks", "cogs", "simulation", "tests", "utils")
    files = [
        file
        for top in tops
        for file in ((ROOT / top).rglob("*.py") if (ROOT / top).is_dir() else [ROOT / top])
    ]
    words = {word for file in files for word in re.findall(r"\w+", file.read_text("utf-8"))}
    return [f"/{file.relative_to(ROOT).as_posix()}" for file in files], words


@pytest.mark.parametrize("name", ["ARCHITECTURE.md", "DEVELOPER_GUIDE.md"])
def test_names_and_paths_of_the_documents_exist_in_the_tree(name: str) -> None:
    """Each file, folder, class or constant in backticks exists in the project or in its libraries."""
    paths, words = read_tree()
    prose = re.sub(r"```.*?```", "", (ROOT / name).read_text("utf-8"), flags=re.DOTALL)
    code = set(re.findall(r"`([^`\n]+)`", prose))
    wanted = {one for one in code if re.fullmatch(r"[\w/]+\.py|(\w+/)+", one)}
    named = {one for one in code if re.fullmatch(r"[A-Z]\w+(\.\w+)*", one)}
    assert sorted(one for one in wanted if not any(f"/{one}" in path for path in paths)) == []
    assert sorted(one for one in named if not set(one.split(".")) <= words) == []
    assert len(wanted) > 10
    assert len(named) > 10
