"""What takes minutes is collected for ``make soak`` only, which sets ``PRILL_SOAK``."""

import os

collect_ignore_glob = [] if "PRILL_SOAK" in os.environ else ["test_*.py"]
