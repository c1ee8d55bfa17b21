"""The settings that users know, the same for every vendor, and the clients made of them."""

from __future__ import annotations

import difflib
import os
import random
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import import_module
from itertools import count
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self
from urllib.parse import parse_qsl

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    field_validator,
    model_validator,
)

from prill.callbacks.model_calls import GOVERNOR
from prill.callbacks.run import Run, inside
from prill.callbacks.secrets import wrap_secrets
from prill.errors import ConfigError, ModelAuthenticationError, ModelError, StreamTimeout
from prill.providers.calls import (
    Address,
    Call,
    encode_body,
    encode_query,
    merge_headers,
    read_timeout,
    split_address,
)
from prill.providers.http.answers import WholeAnswer, send_following
from prill.providers.http.body import ERROR_BYTES, Body, stalled
from prill.providers.http.clients import Clients
from prill.providers.http.compression import ACCEPTED
from prill.providers.http.failures import map_status, map_transport_error
from prill.providers.http.message import Answer, FirstChunkTooLate, Request, Transport, TransportError
from prill.providers.http.route import Route, find_route
from prill.providers.http.secrets import Redactor, find_secrets
from prill.version import __version__


class ProviderSettings(BaseModel):
    """The address, the key and the limits of a vendor's model.

    ``timeout`` is in seconds: one number, a pair (to connect, between reads) or an httpx ``Timeout``; by default 10 and
    600. Waiting for a free connection does not count. ``max_retries`` is how often the model asks again after a failure
    to get an answer that may pass: it waits as long as the provider asks for, and gives up at once where that is more
    than a minute. A stream that has started is never asked for again. ``first_chunk_timeout`` and
    ``stream_idle_timeout`` are seconds from sending the request to a stream's first chunk, and between chunks; only
    content counts, pings do not, and neither does the time that the consumer takes. ``max_answer_bytes`` limits the
    size of an answer.

    ``proxy`` is the address of a proxy; without it ``HTTPS_PROXY``, ``HTTP_PROXY`` and ``NO_PROXY`` say which.
    ``ca_file`` names a file of certificates to trust instead of ``SSL_CERT_FILE`` or the system's.

    ``default_headers`` and ``default_query`` go into each request; a header whose value is ``None`` is not sent.

    ``client`` and ``async_client`` are clients of the vendor's SDK to send through (for Azure AD, Vertex, Bedrock);
    ``http_client`` and ``http_async_client`` are ``httpx2`` or ``httpx`` clients. They are yours, and are not closed.
    """

    model_config = ConfigDict(
        hide_input_in_errors=True,  # among the input may be the key
        defer_build=True,
    )

    base_url: str | None = None
    api_key: SecretStr | None = Field(default=None, repr=False)
    timeout: Any = Field(default=None, validation_alias=AliasChoices("timeout", "request_timeout"))
    max_retries: int = Field(default=2, ge=0)
    default_headers: Mapping[str, str | None] | None = Field(
        default=None, exclude=True, repr=False
    )  # they may hold a key
    default_query: Mapping[str, object] | None = Field(default=None, exclude=True, repr=False)
    client: Any = Field(default=None, exclude=True, repr=False)
    async_client: Any = Field(default=None, exclude=True, repr=False)
    http_client: Any = Field(default=None, exclude=True, repr=False)
    http_async_client: Any = Field(default=None, exclude=True, repr=False)
    first_chunk_timeout: float | None = Field(default=None, gt=0)
    stream_idle_timeout: float | None = Field(default=None, gt=0)
    max_answer_bytes: int | None = Field(default=256 * 1024 * 1024, gt=0, repr=False)
    proxy: SecretStr | None = Field(default=None, exclude=True, repr=False)  # it may hold a password
    ca_file: str | None = Field(default=None, repr=False)

    _clients: Clients[Any, Any] = PrivateAttr(default_factory=Clients)

    not_in_cache_key: ClassVar[frozenset[str]] = frozenset(
        (
            *("api_key", "base_url", "first_chunk_timeout", "http_async_client", "http_client", "max_retries"),
            *("stream_idle_timeout", "timeout"),
        )
    )
    """Settings that do not change the answers; ``base_url`` is in cache keys as the address that is used."""

    _provider: ClassVar[str]
    """The vendor's name in events and errors."""
    _key_variable: ClassVar[str]
    """The environment variable of the key."""
    _url_variables: ClassVar[tuple[str, ...]] = ()
    _key_optional: ClassVar[bool] = False
    _call_words: ClassVar[frozenset[str]] = frozenset()
    """What only the arguments of a call say, beside those of the constructor."""

    if not TYPE_CHECKING:  # the fields give a type checker more

        def __init__(self, **values: Any) -> None:
            self._check(values)  # here too, so that the error is Prill's own, and not in pydantic's words
            super().__init__(**values)

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            # An address may hold a password, or a key in its query.
            hides = name == "base_url" and isinstance(value, str) and ("@" in value or "?" in value)
            yield name, split_address(value).url if hides else value

    @model_validator(mode="before")
    @classmethod
    def _check_given(cls, values: Any) -> Any:
        if isinstance(values, dict):
            cls._check(values)
        return values

    @field_validator("model_kwargs", "extra_body", mode="after", check_fields=False)
    @classmethod
    def _wrap(cls, value: Any) -> Any:
        """Wrap what looks like a key, so that nothing shows it; it is sent as it is."""
        return wrap_secrets(value)

    @classmethod
    def _check(cls, values: dict[str, Any]) -> None:
        """Name an unknown argument, and the known one that it may be meant to be."""
        known = _names(cls)
        for name in values:
            if name not in known:
                close = closest(name, known)
                hint = f" Did you mean {close}?" if close else f" It takes {', '.join(sorted(known))}."
                raise ConfigError(f"{cls.__name__} has no argument {name!r}.{hint}")

    @classmethod
    def _check_call(cls, said: Iterable[str]) -> None:
        """Name an argument of a call, or of ``bind``, that can only be a slip; what is new to Prill is let through."""
        known = _names_in_calls(cls)
        for name in said:
            if name not in known and (close := closest(name, known, _SLIP)):
                raise ConfigError(
                    f"{cls.__name__} was given {name!r}. Did you mean {close}? If the provider really has an argument "
                    f"of that name, give it as extra_body={{{name!r}: …}}."
                )

    @property
    def provider(self) -> str:
        """The vendor's name, as shown in events and errors."""
        return self._provider

    def _key_name(self) -> str:
        """The environment variable of the key."""
        return self._key_variable

    def _known_key(self) -> str | None:
        """The key, without the white space that comes with copying it."""
        key = os.environ.get(self._key_name()) if self.api_key is None else self.api_key.get_secret_value()
        return (key or "").strip(_AROUND_KEYS) or None

    def check_key(self) -> None:
        """Check that there is a key, where one is needed, without sending anything.

        Raises:
            ModelAuthenticationError: there is none, or it cannot be one; the error names the environment variable.
        """
        if self.client is None and self.async_client is None:
            self._key()

    def _key(self) -> str:
        key = self._known_key()
        if key:
            if any(not "!" <= character <= "~" for character in key):
                raise ModelAuthenticationError(
                    f"the key of {type(self).__name__} holds a line end, a space or a letter that is not ASCII, which "
                    f"no key does. Copy it again into api_key, or into {self._key_name() or 'its variable'}.",
                    provider=self.provider,
                )
            return key
        if self._key_optional or self._url() is not None:
            return "none"  # a self-hosted server often needs no key
        self._no_key()

    def _no_key(self) -> NoReturn:
        raise ModelAuthenticationError(
            f"{type(self).__name__} has no key: set the environment variable {self._key_name()}, or give api_key=…",
            provider=self.provider,
        )

    def _url(self) -> str | None:
        return self.base_url or next((url for name in self._url_variables if (url := os.environ.get(name))), None)

    # What a vendor's package writes

    def _default_url(self) -> str:
        """The address of the vendor's own API."""
        raise NotImplementedError

    def _identify(self, key: str) -> dict[str, str | None]:
        """The headers that say who asks, with which key, and in which version of the API."""
        raise NotImplementedError

    async def _authorize(self, request: Request, run: Run) -> Request:
        """``request`` with what only each try can say of who sends it: a token that expires, a signature."""
        return request

    # How requests are sent

    def _address(self) -> Address:
        return split_address(self._url() or self._default_url())

    def _sdk(self) -> Any:
        """Load what requests are sent with now, for programs that must not wait at their first call."""
        return _load("asynchronous")

    def _route(self) -> Route:
        return find_route(self._address().url, self._known_proxy())

    def _known_proxy(self) -> str | None:
        """The proxy that is set for this model; ``None`` leaves it to the environment."""
        return None if self.proxy is None else self.proxy.get_secret_value()

    def _make_transport(self) -> Transport:
        client = self.client or self.http_client
        if client is not None:
            return _load("adapters").blocking(client, self.client is not None)  # type: ignore[no-any-return]  # by its name
        return _load("blocking").BlockingTransport(self._route(), self.ca_file)  # type: ignore[no-any-return]  # as above

    def _make_async_transport(self) -> Transport:
        client = self.async_client or self.http_async_client
        if client is not None:
            return _load("adapters").asynchronous(client, self.async_client is not None)  # type: ignore[no-any-return]
        return _load("asynchronous").AsyncioTransport(self._route(), self.ca_file)  # type: ignore[no-any-return]  # as above

    def _http_request(self, call: Call, run: Run, stream: bool) -> Request:
        """The request that sends ``call``."""
        given = [self.default_headers, call.headers]
        query: list[Any] = [self.default_query, call.query]
        address = None
        if (self.client if run.io.blocking else self.async_client) is None:  # a client of an SDK says these itself
            address = self._address()
            basic = {"authorization": address.authorization} if address.authorization else None
            given = [_HEADERS, self._identify(self._key()), basic, *given]
            query = [address.query, *query]
        timeout = self.timeout if call.timeout is None else call.timeout
        return Request(
            "POST",
            address.url if address is not None else "",
            call.path,
            encode_query(*query),
            merge_headers(*given),
            call.body,
            encode_body(call.body),
            read_timeout(timeout),
            timeout is not None,
            self.first_chunk_timeout if stream else None,
            stream,
        )

    async def _send(self, run: Run, call: Call) -> WholeAnswer:
        """Send ``call`` in either colour, and read the answer; again where a failure may pass."""
        answer = await self._send_request(run, self._http_request(call, run, False))
        assert isinstance(answer, WholeAnswer)
        return answer

    async def _open_call(self, run: Run, call: Call) -> Answer:
        """The same for an answer that is read as it comes."""
        return await self._send_request(run, self._http_request(call, run, True))

    async def _send_request(self, run: Run, request: Request) -> Answer:
        max_retries = self.max_retries if GOVERNOR.get() is None else 0
        for tries in count(1):
            try:
                return await self._send_once(run, request)
            except ModelError as failure:
                if tries > max_retries or not _may_pass(failure):
                    if tries > 1:
                        failure.message += f" It was asked {tries} times."
                    raise
                await run.io.sleep(_pause(tries, failure.retry_after))
        raise AssertionError("count has no end")

    async def _send_once(self, run: Run, request: Request) -> Answer:
        clients = self._clients  # held, so that they stay open if the model is given others meanwhile
        failure: ModelError | StreamTimeout
        try:
            with inside(run):  # what watches HTTP sees the request as the model's
                request = await self._authorize(request, run)
                if run.io.blocking:
                    transport = clients.plain(self._make_transport)
                else:
                    if "prill.providers.http.asynchronous" not in sys.modules:
                        await run.io.call(_load, "asynchronous")  # elsewhere: it takes a while, and a loop must go on
                    transport = await clients.for_loop(self._make_async_transport)
                answer = await self._ask(transport, request)
                if 200 <= answer.status < 300:
                    return answer if request.stream else await self._read_whole(answer)
                failure = await self._read_failure(answer)
        except FirstChunkTooLate:
            failure = stalled(None, request.first_timeout)
        except TransportError as error:
            failure = self._transport_failure(error, request)
        # Outside, so that it refers to no error of a library; and nothing here holds what a server may have repeated.
        raise failure

    async def _ask(self, transport: Transport, request: Request) -> Answer:
        governor = GOVERNOR.get()
        answer: Answer | None = governor.answer(request) if governor is not None else None
        if answer is None:
            answer = await send_following(transport, request)
            if governor is not None and answer.status != 429:
                governor.note_headers(answer.status, answer.headers, monotonic() - answer.sent_at)
        return answer

    async def _read_whole(self, answer: Answer) -> WholeAnswer:
        return WholeAnswer(answer, await Body(answer, limit=self.max_answer_bytes).read_all())

    async def _read_failure(self, answer: Answer) -> ModelError:
        """The error for an answer with a status that is not one of success."""
        content = await Body(answer).read_all(ERROR_BYTES)
        failure = map_status(answer.status, content, answer.headers, provider=self.provider, model=self._name())
        governor = GOVERNOR.get()
        if governor is not None and answer.status == 429 and failure.retryable is not False:
            governor.note_headers(answer.status, answer.headers, monotonic() - answer.sent_at)
        self._redactor(answer.request).redact_error(failure)
        return failure

    def _transport_failure(self, error: TransportError, request: Request, *, in_stream: bool = False) -> ModelError:
        """``error`` as one of Prill's, with nothing secret in it or in its causes."""
        url = request.base_url or f"{self.provider}'s address"
        failure = map_transport_error(error, provider=self.provider, model=self._name(), url=url, in_stream=in_stream)
        failure.__cause__ = error.with_traceback(None)
        self._redactor(request).redact_error(failure)
        return failure

    def _name(self) -> str | None:
        return getattr(self, "model", None)

    def _redactor(self, request: Request | None = None) -> Redactor:
        """What knows the secrets of the model, and of a request with headers and queries of its own."""
        asked = [] if request is None else [request.headers]
        queries: list[Any] = [self.default_query]
        if request is not None:
            queries.append(dict(parse_qsl(request.query)))
        bodies = [getattr(self, name, None) for name in _FREE] + ([] if request is None else [request.body])
        secrets = find_secrets(self._known_key(), self._url(), [self.default_headers, *asked], queries, bodies)
        secrets += find_secrets(None, self._known_proxy(), [], [])
        values = (getattr(self, name) for name in type(self).model_fields)
        secrets += [text for value in values if isinstance(value, SecretStr) and (text := value.get_secret_value())]
        return Redactor(secrets)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy. It shares the clients, and so the connections, unless ``update`` says where or how to connect."""
        if update and not _FREE.isdisjoint(update):
            update = {name: wrap_secrets(value) if name in _FREE else value for name, value in update.items()}
        copied = super().model_copy(update=update, deep=deep)
        if update and not _CONNECTING.isdisjoint(update):
            copied._reconnect()
        return copied

    if not TYPE_CHECKING:  # a type checker would let any name be set

        def __setattr__(self, name: str, value: Any) -> None:
            super().__setattr__(name, wrap_secrets(value) if name in _FREE else value)
            if name in _CONNECTING:
                self._reconnect()

    def _reconnect(self) -> None:
        """Forget the clients: new ones are made of the settings as they are now, streams that are open go on."""
        self._clients = Clients()

    def close(self) -> None:
        """Close the plain client's connections now; they are opened again when the model is next used."""
        self._clients.close()

    async def aclose(self) -> None:
        """Close the running loop's connections now; they are opened again when the model is next used."""
        await self._clients.aclose()


_CONNECTING = frozenset({"base_url", "client", "async_client", "http_client", "http_async_client", "proxy", "ca_file"})
_CONNECTING |= {"azure_endpoint", "server"}
"""The settings that connections are made with; the last ones are those of some vendors."""

_FREE = frozenset({"model_kwargs", "extra_body"})
"""The settings that are sent as they are, with whatever keys of a gateway are in them."""

_HEADERS = {
    "accept": "application/json",
    "accept-encoding": ACCEPTED,
    "content-type": "application/json",
    "user-agent": f"prill/{__version__}",
}

_AROUND_KEYS = " \t\r\n\v\f\ufeff\u200b\xa0"


def _load(name: str) -> Any:
    """A module of transports: each imports a library of HTTP, and a program needs one of them."""
    return import_module(f"prill.providers.http.{name}")


_PATIENCE = 60.0
"""The longest pause, in seconds, that a provider may ask for between two tries."""


def _may_pass(failure: ModelError) -> bool:
    """Whether to ask again."""
    return failure.retryable and (failure.retry_after or 0) <= _PATIENCE


def _pause(tries: int, advised: float | None) -> float:
    """Seconds before the next try: as advised, else about 0.5, 1, 2, 4, 8, 8 …, spread so that clients part."""
    if advised is not None:
        return max(0.0, advised)
    return min(8.0, 0.5 * 2.0 ** min(tries - 1, 10)) * random.uniform(0.75, 1.0)


_SLIP = 0.9
"""How alike a slip is to what was meant: providers' own names (``top_k``, ``min_tokens`` …) are less so."""


@cache
def _names_in_calls(cls: type[ProviderSettings]) -> frozenset[str]:
    return frozenset(_names(cls) | cls._call_words)


def _names(cls: type[BaseModel]) -> set[str]:
    names: set[str] = set()
    for name, field in cls.model_fields.items():
        names.add(name)
        alias = field.validation_alias
        if isinstance(alias, str):
            names.add(alias)
        elif isinstance(alias, AliasChoices):
            names.update(str(choice) for choice in alias.choices)
    return names


def closest(name: str, known: Iterable[str], likeness: float = 0.6) -> str | None:
    """The known name that is most like ``name``; ``None`` if none is as like it as ``likeness`` (1 is the same)."""
    return next(iter(difflib.get_close_matches(str(name), list(known), n=1, cutoff=likeness)), None)
