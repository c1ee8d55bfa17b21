"""No secret of a model is in what it raises: not in texts, not in attributes, not in causes."""

from __future__ import annotations

import base64
import json
import pickle
import traceback
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from prill.anthropic import ChatAnthropic
from prill.callbacks import BaseCallbackHandler
from prill.errors import ConfigError, ModelAuthenticationError, ModelError, PrillError
from prill.load import dumps
from prill.openai import ChatOpenAI
from prill.providers.http.secrets import MASK, Redactor, find_secrets
from providers.http.raw_server import RawServer, Received, saying, with_length

KEY = "sk-SECRET-abc/123+DONOTSHOW"
MARK = "DONOTSHOW"


def shown(error: BaseException) -> str:
    """All that a log, a debugger or a pickle of an error may show."""
    texts, seen, waiting = [], set(), [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        texts += [str(one), repr(one), repr(one.args), repr(vars(one)), *getattr(one, "__notes__", [])]
        waiting += [one.__cause__, one.__context__]
    known = traceback.TracebackException.from_exception(error, capture_locals=True)
    texts += [repr(frame.locals) for frame in known.stack if "tests" not in Path(frame.filename).parts]
    # Not the error itself: some packages change how errors are pickled, with their causes, which may be circular.
    return "\n".join([*texts, str(pickle.dumps((error.args, vars(error))))])


FORMS = [
    str,
    repr,
    lambda key: json.dumps({"authorization": f"Bearer {key}"}),
    lambda key: quote(key, safe=""),
    lambda key: base64.b64encode(key.encode()).decode(),
    lambda key: f"bad {key}\n",
]


@pytest.mark.parametrize("form", FORMS)
@given(secret=st.text(st.characters(exclude_categories=("Cs",)), min_size=6, max_size=40).filter(str.strip))
def test_a_secret_is_masked_in_every_form(form: Any, secret: str) -> None:
    text = f"before {form(secret)} after"
    redacted = Redactor([secret]).redact(text)
    assert secret not in redacted
    assert form(secret).strip() not in redacted or len(form(secret).strip()) < 4


def test_texts_are_masked_wherever_an_error_holds_them() -> None:
    inner = ValueError(f"inner {KEY}")
    error = KeyError(f"outer {KEY}", {"headers": [("a", KEY.encode())]})
    error.body = {"echo": {KEY: [KEY]}}  # type: ignore[attr-defined]  # as errors of libraries have
    error.__cause__ = inner
    inner.__context__ = error
    Redactor([KEY]).redact_error(error)
    assert MARK not in shown(error)
    assert MASK in str(inner)


def test_a_redactor_of_nothing_changes_nothing() -> None:
    assert Redactor([]).redact("text") == "text"
    assert Redactor(["", "ab"]).redact("about") == "about"


def test_the_secrets_of_a_model_are_found() -> None:
    url = "https://user:pass%20word@host/v1?key=of-the-address"
    headers = {"api-key": "of-a-header", "Authorization": "Bearer of-a-bearer", "Content-Type": "application/json"}
    secrets = find_secrets("the-key", url, [headers, None], [{"sig": "of-a-query"}, None])
    for secret in ("the-key", "pass word", "of-the-address", "of-a-header", "of-a-bearer", "of-a-query"):
        assert secret in secrets
    assert "application/json" not in secrets


def echo(received: Received, connection: Any) -> bool:
    """Repeats all that it is shown, as some gateways do."""
    said = json.dumps({"error": {"message": f"{received.line} {json.dumps(received.headers)}"}})
    connection.sendall(with_length(said.encode(), "x-echo: " + received.headers.get("api-key", ""), status="401 No"))
    return True


MODELS: dict[str, Any] = {
    "the key": {"api_key": KEY},
    "a header": {"api_key": "other-key", "default_headers": {"api-key": KEY}},
    "a query": {"api_key": "other-key", "default_query": {"sig": KEY}},
}


@pytest.mark.parametrize("name", [*MODELS, "a password in the address"])
@pytest.mark.parametrize("cls", [ChatOpenAI, ChatAnthropic])
@pytest.mark.parametrize("verb", ["invoke", "stream"])
def test_a_server_that_repeats_a_secret_does_not_put_it_into_the_error(cls: Any, name: str, verb: str) -> None:
    with RawServer(echo) as server:
        url = server.url if name in MODELS else server.url.replace("http://", f"http://user:{quote(KEY, safe='')}@")
        model = cls(model="m", base_url=url, max_retries=0, **MODELS.get(name, {"api_key": "other-key"}))
        with pytest.raises(ModelAuthenticationError) as caught:
            model.invoke("Hi") if verb == "invoke" else list(model.stream("Hi"))
        model.close()
    assert MASK in str(caught.value)
    assert MARK not in shown(caught.value)


def test_a_secret_of_one_call_is_masked_too() -> None:
    with RawServer(echo) as server:
        model = ChatOpenAI(base_url=server.url, api_key="other-key", max_retries=0)  # type: ignore[arg-type]  # as users
        with pytest.raises(ModelAuthenticationError) as caught:
            model.invoke("Hi", extra_headers={"api-key": KEY}, extra_query={"sig": KEY})
        model.close()
    assert MARK not in str(caught.value) + repr(vars(caught.value))


@pytest.mark.parametrize("answer", [b"", b"nonsense " + KEY.encode() + b"\r\n\r\n", with_length(KEY.encode())])
@pytest.mark.parametrize("verb", ["invoke", "stream"])
def test_what_breaks_shows_no_secret(answer: bytes, verb: str) -> None:
    with RawServer(saying(answer, close=True)) as server:
        model = ChatOpenAI(base_url=server.url, api_key=KEY, max_retries=0)  # type: ignore[arg-type]  # as above
        with pytest.raises(ModelError) as caught:
            model.invoke("Hi") if verb == "invoke" else list(model.stream("Hi"))
        model.close()
    assert MARK not in shown(caught.value)


AROUND = [KEY + "\n", KEY + "\r\n", f"  {KEY}\t", "\ufeff" + KEY]
INSIDE = [KEY[:10] + "\n" + KEY[10:], KEY + "\u201d", KEY[:10] + " " + KEY[10:], KEY + "\0x"]


@pytest.mark.parametrize("key", AROUND)
@pytest.mark.parametrize("cls", [ChatOpenAI, ChatAnthropic])
def test_white_space_around_a_key_is_not_a_part_of_it(cls: Any, key: str) -> None:
    with RawServer(echo) as server:
        model = cls(model="m", base_url=server.url, api_key=key, max_retries=0)
        with pytest.raises(ModelAuthenticationError) as caught:
            model.invoke("Hi")
        model.close()
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert MARK not in shown(caught.value)


@pytest.mark.parametrize("key", INSIDE)
@pytest.mark.parametrize("cls", [ChatOpenAI, ChatAnthropic])
def test_a_key_that_is_none_is_refused_without_being_shown(cls: Any, key: str) -> None:
    model = cls(model="m", base_url="http://127.0.0.1:1", api_key=key, max_retries=0)
    with pytest.raises(ModelAuthenticationError, match="API_KEY") as caught:
        model.invoke("Hi")
    assert MARK not in str(caught.value) + repr(caught.value.__dict__) + str(pickle.dumps(caught.value))


@pytest.mark.parametrize("value", [KEY + "\r\nx: y", KEY + "é", KEY + "\0"])
def test_a_header_that_cannot_be_sent_is_refused_without_being_shown(value: str) -> None:
    model = ChatOpenAI(base_url="http://127.0.0.1:1", api_key="other-key", default_headers={"x-key": value})  # type: ignore[arg-type]  # as above
    with pytest.raises(ConfigError, match="header x-key") as caught:
        model.invoke("Hi")
    assert MARK not in str(caught.value) + repr(caught.value.args)


def test_no_representation_shows_a_secret() -> None:
    model = ChatOpenAI(
        base_url="http://127.0.0.1:1",
        api_key=KEY,  # type: ignore[arg-type]  # as above
        default_headers={"x": KEY},
        default_query={"y": KEY},
        proxy=f"http://user:{KEY}@proxy",  # type: ignore[arg-type]  # as above
    )
    bound = model.bind(extra_headers={"authorization": KEY}, extra_query={"sig": KEY})
    for text in (repr(model), str(model), repr(model.model_dump()), model.model_dump_json(), repr(bound)):
        assert MARK not in text
    assert "authorization" in repr(bound)


def test_an_address_with_a_password_is_not_shown_whole() -> None:
    model = ChatOpenAI(base_url=f"http://user:{MARK}@127.0.0.1:1/v1?sig={MARK}", api_key="other-key", max_retries=0)  # type: ignore[arg-type]  # as above
    with pytest.raises(PrillError) as caught:
        model.invoke("Hi")
    assert "127.0.0.1:1/v1" in str(caught.value)
    assert MARK not in shown(caught.value)
    assert MARK not in repr(model)


NAMED: Any = {"gateway": {"api_key": MARK + "-1"}, "mcp": [{"headers": {"x-user": MARK + "-2"}}]}


@pytest.mark.parametrize("cls", [ChatOpenAI, ChatAnthropic])
@pytest.mark.parametrize("field", ["model_kwargs", "extra_body"])
def test_a_key_among_free_arguments_is_sent_and_shown_nowhere(cls: Any, field: str) -> None:
    seen: list[Any] = []

    class Watcher(BaseCallbackHandler):
        def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
            seen.append((args, kwargs))

    def refuse(received: Received, connection: Any) -> None:
        connection.sendall(with_length(received.body, status="400 Bad Request"))

    with RawServer(refuse) as server:
        model = cls(model="m", base_url=server.url, api_key="other-key", max_retries=0)
        if field in cls.model_fields:
            model = model.model_copy(update={field: NAMED})
            for text in (repr(model), repr(model.model_dump()), model.model_dump_json(), dumps(model)):
                assert MARK not in text
        model = model.bind(**({field: NAMED} if field == "extra_body" else NAMED))
        with pytest.raises(ModelError) as caught:
            model.invoke("Hi", {"callbacks": [Watcher()]})
        model.bound.close()
    assert MARK in server.requests[0].body.decode()
    assert MARK not in str(caught.value) + repr(vars(caught.value)) + str(pickle.dumps(caught.value))
    assert MARK not in repr(seen) + repr(model) + dumps(model)


@pytest.mark.parametrize("text", ["Hi", "half an emoji \ud83d"])
def test_a_wrapped_secret_is_sent_as_it_is(text: str) -> None:
    with RawServer(saying(with_length(b"{}", status="400 Bad Request"))) as server:
        model = ChatOpenAI(
            base_url=server.url,
            api_key="other-key",  # type: ignore[arg-type]  # as above
            extra_body={"gateway": SecretStr(MARK)},
            max_retries=0,
        )
        model.model_kwargs = {"token": MARK}
        with pytest.raises(ModelError):
            model.invoke(text)
        model.close()
        assert MARK not in repr(model)
    body = json.loads(server.requests[0].body)
    assert (body["gateway"], body["token"]) == (MARK, MARK)
