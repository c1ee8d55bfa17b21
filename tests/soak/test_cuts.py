"""Every recorded stream, ended at each of its bytes; `make soak` runs it."""

import pytest
from tests.helpers import recorded

from providers.cutting import check_cuts
from recordings import load_recording


@pytest.mark.parametrize("id", recorded(streaming=True))
def test_a_stream_that_is_cut_at_any_byte_is_no_whole_one_and_gives_no_half_call(id):
    check_cuts(load_recording(id))
