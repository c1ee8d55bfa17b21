"""Runs programs one after the other in one process and prints, as JSON, what each of them printed."""

import contextlib
import io
import json
import runpy
import sys
from pathlib import Path

printed = {}
for program in sys.argv[1:]:
    written = io.StringIO()
    with contextlib.redirect_stdout(written):
        runpy.run_path(program, run_name="__main__")
    printed[Path(program).stem] = written.getvalue().splitlines()
print(json.dumps(printed))
