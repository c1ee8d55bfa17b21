"""Anthropic's count of tokens in the common words."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from prill.anthropic.usage import subtract_usage, updated, usage_metadata
from prill.messages.usage import add_usage

COUNTS = st.fixed_dictionaries(
    {},
    optional={
        "input_tokens": st.integers(0, 99),
        "output_tokens": st.integers(0, 99),
        "cache_creation_input_tokens": st.none() | st.integers(0, 99),
        "cache_read_input_tokens": st.none() | st.integers(0, 99),
        "output_tokens_details": st.none() | st.fixed_dictionaries({"thinking_tokens": st.integers(0, 9)}),
    },
)


def test_tokens_of_the_cache_are_input_too() -> None:
    usage = {"input_tokens": 4, "cache_creation_input_tokens": 5, "cache_read_input_tokens": 6, "output_tokens": 7}
    assert usage_metadata({**usage, "cache_creation": {"ephemeral_1h_input_tokens": 5}}) == {
        "input_tokens": 15,
        "output_tokens": 7,
        "total_tokens": 22,
        "input_token_details": {"cache_creation": 5, "cache_read": 6, "ephemeral_1h_input_tokens": 5},
    }


@given(COUNTS, COUNTS)
def test_what_is_told_first_and_what_is_left_add_up_to_the_whole(start: dict[str, Any], later: dict[str, Any]) -> None:
    told, whole = usage_metadata(start), usage_metadata(updated(start, later))
    assert add_usage(told, subtract_usage(whole, told)) == whole
