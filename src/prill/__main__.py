"""``python -m prill`` is the command ``prill``."""

from __future__ import annotations

from prill.cli import main

if __name__ == "__main__":
    main()
