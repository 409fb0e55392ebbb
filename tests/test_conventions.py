"""The house rules as tests.

Each says why it is there, so that whoever breaks one on purpose knows what to argue with: change
the rule here, and write the reason beside it.
"""

import ast
import re
import sys
from collections.abc import Iterator

import pytest

from enrollment.rules import REASONS
from tests.source import Module, dotted, imports, marks, module, modules, ours, suite

FILE_LINES, FILE_LINES_WANTED = 450, 300
FUNCTION_LINES, FUNCTION_LINES_WANTED = 60, 30
TASK_STATEMENTS = 3
TEST_NAME_WORDS = 3

# Where the outside world is translated into arguments, the time it is among them.
EDGES = ("api.py", "api/", "views.py", "admin.py", "management/", "rehearsal/")


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Iterator[list[str]]:
    """Lines that are printed although the test passes."""
    lines: list[str] = []
    yield lines
    with capsys.disabled():
        sys.stdout.write("".join(f"\n  {line}" for line in lines))


def refuse(offenders: list[str], why: str) -> None:
    if offenders:
        pytest.fail(f"{why}\n  " + "\n  ".join(offenders), pytrace=False)


# Size ---------------------------------------------------------------------------------------


def test_a_file_can_be_read_in_one_sitting(say: list[str]) -> None:
    sizes = [(each.path, each.lines) for each in (*ours(), *suite())]

    say.append(_over("files", sizes, FILE_LINES_WANTED))
    refuse(
        [f"{path}: {lines} lines" for path, lines in sizes if lines > FILE_LINES],
        f"A file over {FILE_LINES} lines holds more than one idea: give each its own room.",
    )


def test_a_function_fits_on_a_screen(say: list[str]) -> None:
    sizes = [
        (f"{each.path}:{node.lineno} {node.name}", (node.end_lineno or 0) - node.lineno + 1)
        for each in (*ours(), *suite())
        for node in each.functions()
    ]

    say.append(_over("functions", sizes, FUNCTION_LINES_WANTED))
    refuse(
        [f"{name}: {lines} lines" for name, lines in sizes if lines > FUNCTION_LINES],
        f"A function over {FUNCTION_LINES} lines cannot be checked at a glance: name its parts.",
    )


def _over(what: str, sizes: list[tuple[str, int]], wanted: int) -> str:
    large = sorted((lines, name) for name, lines in sizes if lines > wanted)
    listed = ", ".join(f"{name} ({lines})" for lines, name in reversed(large[-8:]))
    return f"{len(large)} of {len(sizes)} {what} are over {wanted} lines: {listed or 'none'}"


def test_a_task_only_translates() -> None:
    tasks = [node for node in module("workers/tasks.py").functions() if _is_task(node)]
    assert tasks, "workers/tasks.py has no tasks any more; where did they go?"

    refuse(
        [
            f"workers/tasks.py: {task.name} has {len(_statements(task))} statements"
            for task in tasks
            if len(_statements(task)) > TASK_STATEMENTS
        ],
        f"A task has at most {TASK_STATEMENTS} statements: what it carries cannot be tested "
        "without a broker, so the rule it carries belongs into the domain.",
    )
    refuse(
        [
            f"workers/tasks.py: {task.name}"
            for task in tasks
            if task.args.kwarg is None or task.args.args
        ],
        "A task takes ids by keyword and ends in **_, so that a worker of yesterday can take a "
        "message of tomorrow.",
    )


def _is_task(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    called = (d.func if isinstance(d, ast.Call) else d for d in node.decorator_list)
    return any(dotted(each).split(".")[-1] in {"shared_task", "task"} for each in called)


def _statements(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.stmt]:
    return node.body[1:] if ast.get_docstring(node) else node.body


# Control flow that can be read ----------------------------------------------------------------


def test_nothing_happens_by_signal() -> None:
    signals = ("django.dispatch", "django.db.models.signals", "django.core.signals")

    refuse(
        [
            f"{each.path}:{line} imports {name}"
            for each in ours()
            for name, line in imports(each.tree)
            if name.startswith(signals)
        ],
        "A receiver is a call that nobody sees: bulk writes skip it and readers miss it. Call "
        "what should happen.",
    )


def test_saving_a_model_only_saves_it() -> None:
    refuse(
        [
            f"{each.path}:{node.lineno} {owner.name}.{node.name}"
            for each in ours()
            if each.path.endswith("models.py") or "/models/" in each.path
            for owner in ast.walk(each.tree)
            if isinstance(owner, ast.ClassDef)
            for node in owner.body
            if isinstance(node, ast.FunctionDef) and node.name in {"save", "delete"}
        ],
        "Bulk writes, fixtures and raw SQL skip save() and delete(): an operation has a name and "
        "a constraint has a table.",
    )


def test_no_time_that_logic_needs_is_filled_in_by_itself() -> None:
    shown_only = {
        # what decides is the id, or the settlement's own time
        "courses/models/offering.py:created_at",
        "enrollment/models.py:added_at",
    }

    refuse(
        [
            f"{each.path}:{node.lineno}"
            for each in ours()
            for node in ast.walk(each.tree)
            if isinstance(node, ast.Assign) and _fills_itself(node.value)
            for target in node.targets
            if f"{each.path}:{dotted(target)}" not in shown_only
        ],
        "auto_now takes the web server's clock at the moment of saving: order comes from ids and "
        "times from the database, passed in.",
    )


def _fills_itself(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and any(
        keyword.arg in {"auto_now", "auto_now_add"} for keyword in node.keywords
    )


def test_an_import_is_at_the_top_or_the_layers_are_wrong() -> None:
    own = ("registrar.", "workers.", "courses.", "enrollment.")

    refuse(
        [
            f"{each.path}:{line} imports {name} inside {node.name}"
            for each in ours()
            for node in each.functions()
            for name, line in imports(node)
            if name.startswith(own)
        ],
        "An import of ours inside a function hides a cycle. A cycle is a fault of the layout.",
    )


# Time ---------------------------------------------------------------------------------------


CLOCKS = {
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "datetime.datetime.now",
    "datetime.date.today",
    "timezone.now",
    "time.time",
    "time.time_ns",
    "time.localtime",
    "time.gmtime",
    "django.utils.timezone.now",
}


def test_the_domain_never_asks_what_time_it_is() -> None:
    domain = (
        *(each for each in modules("enrollment") if not any(e in each.path for e in EDGES)),
        *modules("registrar/audit"),
        module("courses/timetable.py"),
    )

    refuse(
        [f"{each.path}:{line} uses {clock}" for each in domain for clock, line in _clocks(each)],
        "Time is an argument: the database's clock is read once per settlement and passed in, so "
        "that what was decided can be decided again. (time.monotonic measures; it does not tell "
        "the time.)",
    )


def _clocks(each: Module) -> Iterator[tuple[str, int]]:
    for node in ast.walk(each.tree):
        if isinstance(node, ast.Attribute) and dotted(node) in CLOCKS:
            yield dotted(node), node.lineno
    for name, line in imports(each.tree):
        if name in CLOCKS:
            yield name, line


# Names --------------------------------------------------------------------------------------


def test_a_room_is_named_by_what_is_in_it() -> None:
    nothing = {"utils", "util", "helpers", "helper", "misc", "common", "shared", "lib", "services"}
    # The one folder of that name holds services: PostgreSQL and Redis.
    means_it = "registrar/services/"

    refuse(
        [
            each.path
            for each in (*ours(), *suite())
            if nothing & set(each.path.removeprefix(means_it)[:-3].split("/"))
        ],
        "Such a name says nothing, so everything ends up there: name the concept.",
    )


def test_a_test_is_named_by_what_it_shows() -> None:
    refuse(
        [
            f"{each.path}:{node.lineno} {node.name}"
            for each in suite()
            for node in each.functions()
            if node.name.startswith("test_") and len(node.name.split("_")) <= TEST_NAME_WORDS
        ],
        "The name of a test finishes a sentence about the product; that sentence is what is read "
        "when it fails.",
    )


# Contracts ----------------------------------------------------------------------------------


def test_a_module_says_what_it_is_for() -> None:
    silent_by_nature = ("apps.py", "__init__.py", "urls.py", "wsgi.py", "manage.py")

    refuse(
        [
            each.path
            for each in ours()
            if not each.path.endswith(silent_by_nature)
            if each.tree.body and not ast.get_docstring(each.tree)
        ],
        "The first line of a module tells whoever looks for a rule whether to read on.",
    )


PIPELINE = (
    *("requests", "intake", "mailbox", "settlement", "facts/__init__", "facts/lines"),
    *("facts/students", "allocation", "seating"),
    *("board", "rules", "vocabulary", "ledger", "poison", "patience", "sweep", "windows"),
    *("seating", "openings", "record"),
)


def test_the_pipeline_promises_something_by_every_public_name() -> None:
    rooms = [module(f"enrollment/{name}.py") for name in PIPELINE]

    refuse(
        [
            f"{each.path}:{node.lineno} {node.name}"
            for each in (*rooms, module("registrar/audit/log.py"))
            for node in each.tree.body
            if isinstance(node, ast.FunctionDef | ast.ClassDef)
            if not node.name.startswith("_") and not ast.get_docstring(node)
        ],
        "A public name of the pipeline is a contract: what it promises, returns and raises.",
    )


# Reasons ------------------------------------------------------------------------------------


def test_a_refusal_says_why_and_what_to_do() -> None:
    refuse(
        [
            code
            for code, (sentence, remedy) in REASONS.items()
            if not (sentence.endswith(".") and remedy.endswith(".")) or code != code.upper()
        ],
        "A student reads two sentences: why, and the way forward.",
    )


def test_every_code_that_is_used_can_be_explained() -> None:
    rooms = [module(f"enrollment/{name}.py") for name in ("allocation", "seating", "rules")]
    used = {(each.path, code) for each in rooms for code in _refused(each)}
    assert used, "no refusal was found: has its form changed?"

    refuse(
        [f"{path} refuses with {code}" for path, code in sorted(used) if code not in REASONS],
        "A code without a sentence in rules.REASONS is a refusal that nobody can read.",
    )


def _refused(each: Module) -> Iterator[str]:
    """First arguments of Refusal(…), through conditional expressions."""
    for node in ast.walk(each.tree):
        if isinstance(node, ast.Call) and dotted(node.func).split(".")[-1] == "Refusal":
            for constant in ast.walk(node.args[0]):
                if isinstance(constant, ast.Constant) and str(constant.value).isupper():
                    yield str(constant.value)


# Tests and excuses --------------------------------------------------------------------------


def test_a_skip_says_why() -> None:
    refuse(
        [f"{each.path}:{line}" for each in suite() for line in _unreasoned(each)],
        "A skip without a reason is a test that somebody once meant to write.",
    )


def _unreasoned(each: Module) -> Iterator[int]:
    for node in ast.walk(each.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from (
                mark.lineno for mark in marks(node) if _skips(mark) and not _has_reason(mark)
            )
        elif isinstance(node, ast.Call) and dotted(node.func) in {"pytest.skip", "pytest.xfail"}:
            yield from [] if node.args or node.keywords else [node.lineno]


def _skips(mark: ast.expr) -> bool:
    called = mark.func if isinstance(mark, ast.Call) else mark
    return dotted(called).split(".")[-1] in {"skip", "skipif", "xfail"}


def _has_reason(mark: ast.expr) -> bool:
    return isinstance(mark, ast.Call) and any(k.arg == "reason" for k in mark.keywords)


def test_our_own_code_is_never_mocked() -> None:
    refuse(
        [
            f"{each.path}:{line} imports {name}"
            for each in suite()
            for name, line in imports(each.tree)
            if name.startswith("unittest.mock")
        ],
        "A mocked collaborator agrees with whatever the test believes. The core needs none, the "
        "edges get the real thing.",
    )


def test_an_excuse_from_the_type_checker_names_what_it_excuses(say: list[str]) -> None:
    excuses = [
        (each.path, number, line)
        for each in (*ours(), *suite())
        for number, line in enumerate(each.text.splitlines(), start=1)
        if re.search(r"#\s*type:\s*ignore", line)
    ]

    say.append(f"{len(excuses)} lines are excused from the type checker")
    refuse(
        [f"{path}:{number}" for path, number, line in excuses if "ignore[" not in line],
        "A bare `type: ignore` also silences the next mistake on that line.",
    )
