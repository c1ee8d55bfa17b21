"""``python -m prill.compat`` runs a program as ``python`` does: compared with ``python`` itself."""

import os
import py_compile
import signal
import subprocess
import sys
import zipfile

import pytest

ABOUT = """
import sys
print(__name__, sys.argv, sys.path[0], __spec__ and __spec__.name, __package__, __cached__ is None)
print(globals().get("__file__"), type(__loader__).__name__, __builtins__ is __import__("builtins"))
import __main__
print(__main__.__dict__ is globals(), sys.modules["__main__"] is __main__)
"""


def run(*arguments, compat, cwd, flags=(), **options):
    command = [sys.executable, *flags, *(["-m", "prill.compat"] if compat else []), *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, **options)


def same(*arguments, cwd, **options):
    """What both do: the output, the errors and the exit code, which must be the same."""
    plain, ours = (run(*arguments, compat=compat, cwd=cwd, **options) for compat in (False, True))
    assert (ours.stdout, ours.stderr, ours.returncode) == (plain.stdout, plain.stderr, plain.returncode)
    return ours


@pytest.fixture
def folder(tmp_path):
    """A program in a folder, a package, a link to the program, a zip file and a compiled program."""
    (tmp_path / "inside" / "deep").mkdir(parents=True)
    (tmp_path / "inside" / "about.py").write_text(ABOUT, encoding="utf-8")
    (tmp_path / "inside" / "beside.py").write_text("value = 7", encoding="utf-8")
    (tmp_path / "inside" / "__init__.py").touch()
    (tmp_path / "inside" / "__main__.py").write_text(ABOUT, encoding="utf-8")
    (tmp_path / "link.py").symlink_to(tmp_path / "inside" / "about.py")
    py_compile.compile(str(tmp_path / "inside" / "about.py"), cfile=str(tmp_path / "compiled.pyc"))
    with zipfile.ZipFile(tmp_path / "whole.zip", "w") as archive:
        archive.writestr("__main__.py", ABOUT)
    return tmp_path


def write(folder, text):
    (folder / "program.py").write_text(text, encoding="utf-8")
    return "program.py"


@pytest.mark.parametrize(
    "arguments",
    [
        ("inside/about.py", "a", "-b", "--list"),
        ("inside/deep/../about.py",),
        ("./inside/about.py",),
        ("./inside/",),
        ("link.py",),
        ("compiled.pyc", "x"),
        ("inside", "x"),
        ("whole.zip", "x"),
        ("-m", "inside.about", "x", "-m"),
        ("-m", "inside", "x"),
        ("-c", "import sys; print(sys.argv, sys.path[0], __name__, '__file__' in globals())", "a", "-c"),
    ],
)
def test_a_program_sees_the_same(folder, arguments):
    assert same(*arguments, cwd=folder).stdout


def test_a_program_finds_what_is_beside_it_and_not_what_is_in_the_current_folder(folder):
    (folder / "inside" / "uses.py").write_text("import beside; print(beside.value)", encoding="utf-8")
    assert same("inside/uses.py", cwd=folder).stdout == "7\n"
    assert same("inside/uses.py", cwd=folder, flags=["-P"]).returncode == 1


@pytest.mark.parametrize(
    "text",
    [
        "import sys; sys.exit(3)",
        "import sys; sys.exit('bye')",
        "raise SystemExit",
        "def f():\n    1 / 0\nf()",
        "try:\n    {}['x']\nexcept KeyError as error:\n    raise ValueError('no') from error",
        "raise ExceptionGroup('several', [ValueError(1), TypeError(2)])",
        "x = (",
        "import nothing_of_this_name",
        "import sys\nsys.excepthook = lambda kind, value, trace: print('hook', value, trace.tb_lineno)\n1 / 0",
        "import atexit\natexit.register(lambda: print('at the end'))\nprint('first')\nraise ValueError('x')",
        "import threading\nthreading.Timer(0.05, lambda: print('later')).start()\nprint('first')",
        "import threading\nthread = threading.Thread(target=lambda: 1 / 0, name='t')\nthread.start()\nthread.join()",
        "import warnings\nwarnings.warn('old', DeprecationWarning)",
        "import sys, os\nos.close(1)\nraise BrokenPipeError('x')",
        "class A: pass\nimport pickle\nprint(pickle.loads(pickle.dumps(A)) is A, A.__module__)",
        "import multiprocessing as m\n\ndef f(x):\n    return x * 2\n\nif __name__ == '__main__':\n"
        "    with m.get_context('fork').Pool(1) as pool:\n        print(pool.map(f, [1, 2]))",
    ],
)
def test_a_program_ends_the_same_way(folder, text):
    same(write(folder, text), cwd=folder)


def test_ctrl_c_ends_it_as_it_ends_python(folder):
    program = write(folder, "def f():\n    raise KeyboardInterrupt\nf()")
    assert same(program, cwd=folder).returncode == -signal.SIGINT


@pytest.mark.parametrize(
    "arguments",
    [("nothing.py",), ("-m", "nothing"), ("-m", "nothing.inner"), ("-m", "inside.deep.x"), ("-m", "inside.nothing")],
)
def test_what_is_not_there_is_told_with_the_same_exit_code(folder, arguments):
    plain, ours = (run(*arguments, compat=compat, cwd=folder) for compat in (False, True))
    assert ours.returncode == plain.returncode != 0
    assert arguments[-1].partition(".")[0] in ours.stderr
    assert "Traceback" not in ours.stderr


def test_input_and_the_environment_reach_the_program(folder):
    program = write(folder, "import os; print(input(), os.environ['WORD'])")
    assert same(program, cwd=folder, input="typed\n", env={**os.environ, "WORD": "given"}).stdout == "typed given\n"


def test_the_imports_lead_to_prill(folder):
    program = write(folder, "from langchain_core.messages import AIMessage; print(AIMessage.__module__)")
    assert run(program, compat=True, cwd=folder).stdout == "prill.messages.ai\n"
    assert run("-m", "program", compat=True, cwd=folder).stdout == "prill.messages.ai\n"
    assert run(program, compat=False, cwd=folder).stdout == "langchain_core.messages.ai\n"


def test_a_missing_name_is_told_where_the_program_asks_for_it(folder):
    program = write(folder, "import sys\nfrom langchain.chains import LLMChain")
    lines = run(program, compat=True, cwd=folder).stderr.splitlines()
    assert lines[:3] == [
        "Traceback (most recent call last):",
        f'  File "{folder}/program.py", line 2, in <module>',
        "    from langchain.chains import LLMChain",
    ]
    assert lines[3].startswith("prill.errors.NoCounterpartError: cannot import 'LLMChain' from 'langchain.chains'")
    assert len(lines) == 4


def test_the_list_shows_what_leads_where():
    shown = run("--list", compat=True, cwd=".").stdout
    assert [line.split()[1:] for line in shown.splitlines() if line.startswith("langchain_core.messages ")] == [
        ["prill.messages"]
    ]
    listed = run("--list", "langchain_openai.llms", "langchain_core.messages.human", compat=True, cwd=".").stdout
    assert [line.split() for line in listed.splitlines()] == [
        ["AzureOpenAI", "prill.openai.AzureOpenAI"],
        ["OpenAI", "prill.openai.OpenAI"],
        ["HumanMessage", "prill.messages.HumanMessage"],
        ["HumanMessageChunk", "prill.messages.HumanMessageChunk"],
    ]


def test_the_list_of_a_module_that_is_not_there_is_an_error():
    done = run("--list", "langchain_core.nothing", compat=True, cwd=".")
    assert done.returncode == 1
    assert "langchain_core.nothing" in done.stderr


@pytest.mark.parametrize("arguments", [(), ("-m",), ("--nonsense",), ("-x", "program.py")])
def test_a_wrong_command_line_shows_how_it_is_used(arguments):
    done = run(*arguments, compat=True, cwd=".")
    assert done.returncode == 2
    assert done.stderr.startswith("usage:")
    assert not done.stdout


def test_help_is_printed():
    done = run("--help", compat=True, cwd=".")
    assert done.returncode == 0
    assert done.stdout.startswith("usage:")


def test_the_list_may_be_cut_by_what_reads_it(folder):
    command = f"{sys.executable} -m prill.compat --list | head -1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("langchain ")
    assert done.stderr == ""
