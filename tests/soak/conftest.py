"""What takes minutes is no part of ``make test``: without ``PRILL_SOAK``, which ``make soak`` sets, it is not collected."""

import os

collect_ignore_glob = [] if "PRILL_SOAK" in os.environ else ["test_*.py"]
