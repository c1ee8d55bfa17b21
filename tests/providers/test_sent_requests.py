"""Every request is the one in the golden files: method, path, query, headers, body."""

from __future__ import annotations

from typing import Any

import pytest
from tests.helpers import requires

from prill.testing import ReplayServer
from providers.sent import OWN, Asyncio, Blocking, read_golden, recorded_ids, send_own, send_recorded, verbs_for

pytestmark = pytest.mark.filterwarnings("ignore:The model .* is deprecated")  # by the SDK, as time goes by

COLOURS = pytest.mark.parametrize("verbs", [Blocking(), Asyncio()], ids=["blocking", "asyncio"])


@requires("recordings")
@COLOURS
@pytest.mark.parametrize("id", recorded_ids())
def test_a_recorded_call_is_sent_as_before(id: str, verbs: Any, server: ReplayServer) -> None:
    assert send_recorded(id, server, verbs) == read_golden("recorded")[id]


@COLOURS
@pytest.mark.parametrize(("name", "verb"), [(name, verb) for name in OWN for verb in verbs_for(name)])
def test_settings_and_arguments_are_sent_as_before(name: str, verb: str, verbs: Any, server: ReplayServer) -> None:
    assert send_own(name, server, verbs, verb) == read_golden("own")[f"{name}, {verb}"]
