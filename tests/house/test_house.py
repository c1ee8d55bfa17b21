"""The house stays as it was planned: layers, sizes, no circles, cheap imports, no twins of one logic."""

import ast
from importlib import import_module
from pathlib import Path

import pytest
from tests.helpers import run_apart

import prill

ROOT = Path(prill.__file__).parent

ROWS = [
    {"errors", "io", "transducers", "lazy", "version"},
    {
        *("messages", "documents", "outputs", "prompt_values", "stores", "chat_history", "rate_limiters"),
        "sqlite_file",
    },
    {"callbacks", "caches"},
    {"tracers"},
    {"runnables.engine"},
    {"runnables", "globals"},
    {"runnables.describe", "runnables.drawing", "runnables.graph", "runnables.utils"},
    {
        *("prompts", "output_parsers", "language_models", "tools", "embeddings", "retrievers", "vectorstores"),
        *("document_loaders", "text_splitters", "example_selectors", "indexing", "exceptions"),
    },
    {"providers"},
    {"openai", "anthropic", "google", "bedrock"},
    {"chat_models", "configurable_model", "load", "testing", "utils"},
    {"agents", "bulk", "chains"},
    {"serve", "evaluate"},
    {"cli"},
    {"compat"},
    {"__main__"},
]
"""A room imports from lower rows only; within a row, rooms do not import each other (but see ``BESIDE``)."""

ROW = {room: number for number, row in enumerate(ROWS) for room in row}

BESIDE = {
    *(("io", "errors"), ("transducers", "errors")),
    *((room, "messages") for room in ("chat_history", "outputs", "prompt_values")),
    *((room, "sqlite_file") for room in ("chat_history", "stores")),
    *(("runnables.graph", "runnables.drawing"), ("runnables.utils", "runnables.describe")),
    *(("vectorstores", "embeddings"), ("vectorstores", "retrievers")),
    *(("retrievers", room) for room in ("embeddings", "output_parsers", "prompts")),
    *((room, "vectorstores") for room in ("example_selectors", "indexing")),
    ("document_loaders", "text_splitters"),
    *(("example_selectors", "embeddings"), ("indexing", "retrievers")),
    ("providers", "wire"),
    ("chat_models", "configurable_model"),
}
"""What stands in one row and may be imported there."""

MAY_IMPORT_UPWARDS = {"prill.runnables.base", "prill.callbacks.run", "prill.language_models.chat_models"}
"""Files whose methods make things of rooms above: they import these inside the methods."""

FILES = {
    ".".join(("prill", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(ROOT.rglob("*.py"))
}
TREES = {name: ast.parse(path.read_text("utf8")) for name, path in FILES.items()}
LINES = {name: path.read_text("utf8").splitlines() for name, path in FILES.items()}
FUNCTIONS = [
    (name, node)
    for name, tree in TREES.items()
    for node in ast.walk(tree)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
]


def imported(name, node):
    """The modules that an import statement names."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            package = name if FILES[name].name == "__init__.py" else name.rpartition(".")[0]
            for _ in range(node.level - 1):
                package = package.rpartition(".")[0]
            base = f"{package}.{base}".rstrip(".")
        # A name may be a module: ``from prill.io import drive``.
        return [f"{base}.{alias.name}" if f"{base}.{alias.name}" in FILES else base for alias in node.names]
    return []


def for_typing_only(tree):
    """The nodes under ``if TYPE_CHECKING:``."""
    return {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
        for part in node.body
        for inner in ast.walk(part)
    }


def imports(name):
    return [(node, module) for node in ast.walk(TREES[name]) for module in imported(name, node)]


def room(module):
    """The room that a module is in: the longest name of a room that its own starts with."""
    parts = module.split(".")[1:]
    names = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    return next((name for name in names if name in ROW), parts[0] if parts else None)


def inside_functions(tree):
    """The nodes within functions."""
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return {id(inner) for function in functions for inner in ast.walk(function)}


def dependencies(name):
    later = inside_functions(TREES[name]) if name in MAY_IMPORT_UPWARDS else set()
    return {module for node, module in imports(name) if module in FILES and module != name and id(node) not in later}


INSIDE = {name: dependencies(name) for name in FILES}


def test_every_room_has_its_row():
    assert {room(name) for name in FILES if room(name)} <= set(ROW)


def test_the_files_that_may_import_upwards_exist():
    assert set(FILES) >= MAY_IMPORT_UPWARDS


def test_a_room_imports_only_from_the_rows_below():
    wrong = []
    for name in FILES:
        home = room(name)
        if home is None:  # the package itself shows names of all rooms
            continue
        for module in INSIDE[name]:
            other = room(module)
            if other in (None, home, "version") or (home, other) in BESIDE:
                continue
            if ROW.get(other, 99) >= ROW.get(home, 99):
                wrong.append(f"{name} imports {module}")
    assert wrong == []


def test_no_files_import_each_other_in_a_circle():
    def reached(start):
        seen, ahead = set(), list(INSIDE[start])
        while ahead:
            name = ahead.pop()
            if name not in seen:
                seen.add(name)
                ahead += INSIDE[name]
        return seen

    assert [name for name in FILES if name in reached(name)] == []


LOOKS_UP = {
    "prill.lazy",
    "prill.load.forms",
    "prill.compat.module_map",
    "prill.compat.views",
    "prill.messages.later",
}
"""Names of modules are text there: for lazy packages, for the tables of classes and of other packages' names, and for
the Runnables that functions of messages return."""

OF_OTHERS = {
    "prill.bedrock.settings",
    "prill.bulk.engines.remote",
    "prill.cli.loading",
    "prill.compat.inner.serialized",
    "prill.embeddings.local",
    "prill.providers.settings",
    "prill.text_splitters.optional",
    "prill.utils.arguments",
}
"""Names of other packages' modules, or of a user's, are given there."""


def test_modules_of_prill_are_imported_and_not_looked_up_by_name():
    wrong = []
    for name, tree in TREES.items():
        if name in LOOKS_UP:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "import_module":
                given = node.args[0]
                ours = isinstance(given, ast.Constant) and given.value.partition(".")[0] == "prill"
                if ours or (not isinstance(given, ast.Constant) and name not in OF_OTHERS):
                    wrong.append(f"{name}:{node.lineno}")
    assert wrong == []


LAZY = [name for name, path in FILES.items() if path.name == "__init__.py" and "prill.lazy" in INSIDE[name]]


@pytest.mark.parametrize("package", LAZY)
def test_a_lazy_package_shows_type_checkers_the_names_that_it_loads(package):
    tree = TREES[package]
    typing = for_typing_only(tree)
    shown = {
        (node.module, alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and id(node) in typing
        for alias in node.names
    }
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    (table,) = (call.args[1] for call in calls if getattr(call.func, "id", "") == "lazy_names")
    loaded = {
        (home if home.startswith("prill.") else f"{package}.{home}", pair.rpartition("=")[2])
        for home, names in ast.literal_eval(table).items()
        for pair in names.split()
    }
    assert shown == loaded


@pytest.mark.parametrize("package", LAZY)
def test_no_name_that_is_loaded_later_is_also_a_modules(package):
    """Importing a module sets its name in the package, so that ``package.name`` would be the module."""
    names = {alias.asname or alias.name for node, _ in imports(package) for alias in getattr(node, "names", ())}
    assert [name for name in names if f"{package}.{name}" in FILES] == []


@pytest.mark.parametrize("package", LAZY)
def test_dir_of_a_lazy_package_lists_its_public_names_alone(package):
    found = import_module(package)
    assert dir(found) == sorted(found.__all__)


def test_imports_inside_functions_have_their_reason_beside_them():
    wrong = []
    for name, function in FUNCTIONS:
        for node in ast.walk(function):
            if isinstance(node, ast.Import | ast.ImportFrom):
                line = LINES[name][node.lineno - 1]
                if not line.partition("noqa: PLC0415")[2].strip(" -"):
                    wrong.append(f"{name}:{node.lineno}")
    assert wrong == []


def test_ignored_types_and_lints_have_their_reason_beside_them():
    wrong = []
    for name, lines in LINES.items():
        for number, line in enumerate(lines, 1):
            for mark in ("noqa:", "noqa :"):
                if mark in line and "-" not in line.partition(mark)[2] and "#" not in line.partition(mark)[2]:
                    wrong.append(f"{name}:{number}")
    assert wrong == []


ALLOWED = {"local"}
"""The only name of ``threading`` outside ``io``: locks come from ``prill.io.make_lock``, and are free after a fork."""


def test_only_io_starts_threads_and_tasks():
    modules = {"concurrent", "multiprocessing", "_thread"}
    makers = {"create_task", "ensure_future", "gather", "TaskGroup", "to_thread", "run_in_executor"}
    wrong = []
    for name in FILES:
        if room(name) in ("io", "testing", "cli"):
            continue
        for node, module in imports(name):
            if module.split(".")[0] in modules and id(node) not in for_typing_only(TREES[name]):
                wrong.append(f"{name} imports {module}")
        for node in ast.walk(TREES[name]):
            owner = getattr(node.value, "id", "") if isinstance(node, ast.Attribute) else ""
            if (owner == "asyncio" and node.attr in makers) or (owner == "threading" and node.attr not in ALLOWED):
                wrong.append(f"{name}:{node.lineno} uses {owner}.{node.attr}")
            if isinstance(node, ast.ImportFrom) and node.module in ("threading", "asyncio"):
                wrong += [f"{name} imports {alias.name}" for alias in node.names if alias.name not in ALLOWED]
    assert wrong == []


def test_files_are_short():
    assert {name: len(lines) for name, lines in LINES.items() if len(lines) > 600} == {}


def test_functions_are_short():
    assert [f"{name}.{node.name}" for name, node in FUNCTIONS if node.end_lineno - node.lineno + 1 > 60] == []


DEPTHS = {"output_parsers": 7, "language_models": 5, "prompts": 5}
"""Rooms whose classes users know as subclasses of each other: there the documented tree decides."""


def test_classes_are_at_most_four_deep():
    bases = {}
    for name, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                heads = (base.value if isinstance(base, ast.Subscript) else base for base in node.bases)
                known = {getattr(head, "id", getattr(head, "attr", "")) for head in heads}
                bases[room(name), node.name] = {(room(name), base) for base in known if base != node.name}

    def depth(key):
        # Within its room: what a room stands on (Runnable, RunnableSerializable, BaseChatModel) is given to it.
        return 1 + max((depth(base) for base in bases[key] if base in bases), default=0)

    # What is an error is as deep as what can be told of it: prill.errors draws the tree.
    errors = {node.name for node in ast.walk(TREES["prill.errors"]) if isinstance(node, ast.ClassDef)}
    deep = {key: depth(key) for key in bases if key[1] not in errors}
    assert {key: levels for key, levels in deep.items() if levels > DEPTHS.get(key[0], 4)} == {}


def test_no_logic_is_written_twice_for_the_two_colours():
    def size(function):
        body = function.body
        if isinstance(body[0], ast.Expr) and isinstance(getattr(body[0], "value", None), ast.Constant):
            body = body[1:]
        return sum(part.end_lineno - part.lineno + 1 for part in body)

    twins = []
    for name, tree in TREES.items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.ClassDef | ast.Module):
                continue
            functions = {f.name: f for f in node.body if isinstance(f, ast.FunctionDef | ast.AsyncFunctionDef)}
            for plain, function in functions.items():
                twin = functions.get("a" + plain) or functions.get("_a" + plain.lstrip("_"))
                if isinstance(twin, ast.AsyncFunctionDef) and min(size(function), size(twin)) > 6:
                    twins.append(f"{name}: {plain}")
    assert twins == []


HEAVY = ["asyncio", "openai", "anthropic", "httpx", "httpx2", "numpy", "faiss", "jinja2", "rich", "typer", "starlette"]


ROOMS = [
    *("runnables", "prompts", "output_parsers", "messages", "callbacks", "io"),
    *("embeddings", "vectorstores", "text_splitters", "stores", "indexing", "bulk", "retrievers"),
]


@pytest.fixture(scope="module")
def printed():
    """What each check of imports prints, by its name."""
    rooms = {
        room: f"import sys, prill.{room}; print(*sorted(set({HEAVY}) & set(sys.modules)))"
        for room in ROOMS
        if f"prill.{room}" in FILES
    }
    return run_apart({**rooms, "usual chain": USUAL_CHAIN})


@pytest.mark.parametrize("module", ROOMS)
def test_importing_a_room_is_cheap(module, printed):
    assert printed[module].split() == []


USUAL = """
from prill.output_parsers import JsonOutputParser, StrOutputParser
from prill.prompts import ChatPromptTemplate
from prill.runnables import RunnableLambda
"""


USUAL_CHAIN = (
    f"import sys{USUAL}"
    "built = [c.__name__ for c in (ChatPromptTemplate, StrOutputParser) if c.__pydantic_complete__]\n"
    "few = {'asyncio', 'concurrent.futures', 'difflib', 'json', 'logging', 'prill.callbacks.manager',"
    " 'prill.messages.trim', 'prill.tracers', 'prill.transducers.mustache'}\n"
    "print(*built, *sorted(few & set(sys.modules)))"
)


def test_a_usual_chain_loads_no_more_than_it_needs(printed):
    assert printed["usual chain"].split() == []


TESTS = Path(__file__).parents[1]


def test_files_of_tests_are_short():
    lengths = {str(path.relative_to(TESTS)): path.read_text("utf8").count("\n") for path in TESTS.rglob("*.py")}
    assert {name: lines for name, lines in lengths.items() if lines > 600} == {}


def test_tests_say_in_one_way_what_they_need():
    marks = ("pytest.skip(", "importorskip(", "mark.skip")
    using = {path for path in TESTS.rglob("*.py") if any(mark in path.read_text("utf8") for mark in marks)}
    assert using <= {TESTS / "helpers.py", Path(__file__)}, "use require() or requires() of tests/helpers.py"
