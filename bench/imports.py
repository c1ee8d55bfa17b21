"""What importing costs, in fresh processes."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from statistics import median

from bench.measure import Effort, Row, at_least, at_most, duration

_NAMES = (
    ("runnables", "RunnableLambda"),
    ("prompts", "ChatPromptTemplate"),
    ("output_parsers", "StrOutputParser, JsonOutputParser"),
)

_SCRIPT = """
import time
begin = time.process_time()
{imports}
spent = time.process_time() - begin
try:
    resident = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmRSS"))
except OSError:
    import resource
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(spent, resident)
"""


def _import(root: str, cache: str | None, names: bool = True) -> tuple[float, float]:
    """Seconds of the processor, and resident megabytes afterwards; byte code is kept in ``cache``, if that is given.

    Packages load their names when they are first used: with ``names`` those of the usual chain are.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    if cache is not None:
        environment["PYTHONPYCACHEPREFIX"] = cache
    imports = "\n".join(
        f"from {root}.{room} import {used}" if names else f"import {root}.{room}" for room, used in _NAMES
    )
    command = [sys.executable, "-c", _SCRIPT.format(imports=imports)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    spent, kilobytes = done.stdout.split()
    return float(spent), int(kilobytes) / 1024


def imports(effort: Effort) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        cache = None if effort.quick else folder
        # The first round compiles; what is installed has been compiled by its installer.
        if effort.repeats > 1:
            _import("prill", cache)
            _import("langchain_core", cache)
        pairs = [(_import("prill", cache), _import("langchain_core", cache)) for _ in range(effort.repeats)]
        bare = [
            (_import("prill", cache, False)[0], _import("langchain_core", cache, False)[0])
            for _ in range(effort.repeats)
        ]
    own = [a for a, _ in pairs]
    other = [b for _, b in pairs]
    time = Row(
        "import of the names of `prompt | model | parser` from them",
        duration(median(spent for spent, _ in own)),
        duration(median(spent for spent, _ in other)),
        tuple(b[0] / a[0] for a, b in pairs),
        at_least(4),
    )
    memory = Row(
        "resident memory after it, in MB",
        f"{median(size for _, size in own):.1f} MB",
        f"{median(size for _, size in other):.1f} MB",
        tuple(size for _, size in own),
        at_most(40),
        "the ratio column shows ours in MB",
    )
    packages = Row(
        "import of the packages runnables, prompts, output_parsers, fresh process",
        duration(median(a for a, _ in bare)),
        duration(median(b for _, b in bare)),
        tuple(b / a for a, b in bare),
        at_least(4),
    )
    return [packages, time, memory]


ROWS = [imports]
