"""Every recorded stream, ended at each of its bytes; `make soak` runs it."""

import os

import pytest

from providers.cutting import check_cuts
from recordings import list_recordings, load_recording, recordings_folder

pytestmark = [
    pytest.mark.skipif("PRILL_SOAK" not in os.environ, reason="takes a minute; make soak runs it"),
    pytest.mark.skipif(recordings_folder() is None, reason="needs recordings: set PRILL_WIRE to their folder"),
]


@pytest.mark.parametrize("id", list_recordings(streaming=True) if recordings_folder() else [])
def test_a_stream_that_is_cut_at_any_byte_is_no_whole_one_and_gives_no_half_call(id):
    check_cuts(load_recording(id))
