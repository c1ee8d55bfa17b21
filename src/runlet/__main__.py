"""``python -m runlet`` is the command ``runlet``."""

from __future__ import annotations

from runlet.cli.app import main

if __name__ == "__main__":
    main()
