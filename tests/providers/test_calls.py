"""Calls as requests: the JSON, the query, the headers, the address, the limits in time."""

from __future__ import annotations

import json
from typing import Any

import pytest

from prill.errors import ConfigError
from prill.providers.calls import (
    encode_body,
    encode_query,
    make_call,
    merge_headers,
    read_timeout,
    split_address,
)
from prill.providers.http.message import DEFAULT_TIMEOUT, Timeout


def test_what_is_not_in_the_body_is_taken_out_of_it() -> None:
    request = {
        "model": "m",
        "a": 1,
        "timeout": 5,
        "extra_headers": {"x": "y"},
        "extra_query": {"q": "z"},
        "extra_body": {"a": 2, "b": 3},
    }
    call = make_call("/p", request)
    assert call.body == {"model": "m", "a": 2, "b": 3}
    assert (call.path, call.headers, call.query, call.timeout) == ("/p", {"x": "y"}, {"q": "z"}, 5)
    assert "y" not in repr(call).replace("/p", "")


def test_halves_of_characters_are_joined_or_replaced() -> None:
    assert json.loads(encode_body({"a": "x\ud83dy", "b": "\ud83d\ude00"})) == {"a": "x\ufffdy", "b": "\U0001f600"}


def test_what_json_cannot_say_is_refused() -> None:
    with pytest.raises(ConfigError, match="cannot be written as JSON"):
        encode_body({"a": object()})


@pytest.mark.parametrize(
    ("queries", "expected"),
    [
        (({"a": 1, "b": True, "c": None},), "a=1&b=true"),
        (("a=1&b=", {"b": 2}, None), "a=1&b=2"),
        (({"a": [1, 2], "b": {"c": "d e"}},), "a%5B%5D=1&a%5B%5D=2&b%5Bc%5D=d+e"),
        ((), ""),
    ],
)
def test_queries_are_merged_and_encoded(queries: Any, expected: str) -> None:
    assert encode_query(*queries) == expected


def test_headers_are_merged_whatever_the_case_of_their_names() -> None:
    merged = merge_headers({"A": "1", "b": "2"}, None, {"a": "3", "B": None, "c": 4})
    assert merged == {"a": "3", "c": "4"}


@pytest.mark.parametrize("name", ["", "a b", "a:", "ä", "a\r\nb"])
def test_the_name_of_a_header_must_be_one(name: str) -> None:
    with pytest.raises(ConfigError, match="name of a header"):
        merge_headers({name: "x"})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, DEFAULT_TIMEOUT),
        (5, Timeout(5, 5)),
        ((1, None), Timeout(1, None)),
        ([1, 2, 3, 4], Timeout(1, 2)),
        (Timeout(7, 8), Timeout(7, 8)),
    ],
)
def test_limits_in_time_are_read(given: Any, expected: Timeout) -> None:
    assert read_timeout(given) == expected


def test_the_timeout_of_httpx_is_read() -> None:
    import httpx2

    assert read_timeout(httpx2.Timeout(9, connect=3)) == Timeout(3, 9)


@pytest.mark.parametrize("given", ["5", True, (1,), object()])
def test_what_is_no_limit_in_time_is_refused(given: Any) -> None:
    with pytest.raises(ConfigError, match="timeout is seconds"):
        read_timeout(given)


def test_an_address_is_parted_from_what_it_must_not_show() -> None:
    address = split_address("https://user:p%40w@host.test:8443/v1/?key=secret")
    assert (address.url, address.query) == ("https://host.test:8443/v1", "key=secret")
    assert address.authorization == "Basic dXNlcjpwQHc="
    assert "secret" not in repr(address)
    assert "Basic" not in repr(address)
    assert split_address("http://[::1]:80/a b").url == "http://[::1]:80/a%20b"
    assert split_address("http://bücher.test/v1").url == "http://xn--bcher-kva.test/v1"
