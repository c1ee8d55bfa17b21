"""Parts are found when a method first asks for them, whatever has been imported before."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import prill.runnables
from prill.runnables.parts import PARTS

FILES = Path(prill.runnables.__file__).parent.glob("*.py")
ASKED = sorted({name for file in FILES for name in re.findall(r'PARTS\["([a-z_.]+)"\]', file.read_text("utf8"))})


def test_every_part_is_found_in_a_process_that_has_imported_nothing_else():
    assert ASKED
    script = f"from prill.runnables.parts import PARTS\nfor name in {ASKED!r}: PARTS[name]"
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize(
    "use",
    [
        "ChatPromptTemplate.from_template('{x}') | (lambda value: value)",
        "ChatPromptTemplate.from_template('{x}') | {'a': str}",
        "ChatPromptTemplate.from_template('{x}').assign(a=str)",
        "ChatPromptTemplate.from_template('{x}').pick('a')",
        "ChatPromptTemplate.from_template('{x}').map()",
        "ChatPromptTemplate.from_template('{x}').with_retry()",
        "ChatPromptTemplate.from_template('{x}').with_config(tags=['a'])",
    ],
)
def test_a_method_finds_its_part_first_thing(use):
    subprocess.run([sys.executable, "-c", f"from prill.prompts import ChatPromptTemplate\n{use}"], check=True)


def test_an_unknown_part_is_an_error():
    with pytest.raises(ModuleNotFoundError):
        PARTS["nonsense"]
