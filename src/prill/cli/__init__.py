"""The command ``prill``."""

from __future__ import annotations

import sys

from prill.version import __version__


def main() -> None:
    """Run the command, or report which package is missing."""
    if sys.argv[1:] == ["--version"]:  # at once, and without the packages of the extra "cli"
        print(f"prill {__version__}")
        return
    try:
        from prill.cli.commands import app  # noqa: PLC0415 - typer and rich are optional
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("rich", "typer"):
            raise
        sys.exit(f"The command prill needs {error.name}: pip install 'prill[cli]'")
    app(prog_name="prill")
