"""The settings that users know, the same for every vendor, and the clients made of them."""

from __future__ import annotations

import os
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import cache
from importlib import import_module
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self, TypeVar

import httpx2
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, PrivateAttr, SecretStr, model_validator

from prill.callbacks.run import Run, inside
from prill.errors import Cancelled, ConfigError, MissingDependencyError, ModelAuthenticationError, ModelError
from prill.providers.names import closest
from prill.wire.clients import Clients
from prill.wire.failures import failure_of_sdk
from prill.wire.interrupt import Interrupted, make_interruptible

T = TypeVar("T")


class ProviderSettings(BaseModel):
    """The address, the key and the patience of a vendor's model.

    ``timeout`` is in seconds (to connect and between reads) or a vendor's ``Timeout``; ``max_retries`` is how often
    the model asks again after a failure to get an answer that may pass: it waits as long as the provider asks for, and
    gives up at once where that is more than a minute. A stream that has begun is never asked for again.
    ``first_chunk_timeout`` and ``stream_idle_timeout`` are seconds to a stream's first chunk and between chunks; only
    content counts, pings do not, and neither does the time that the consumer takes. ``http_client`` and
    ``http_async_client`` are your own ``httpx2`` clients, which are not closed.
    """

    model_config = ConfigDict(hide_input_in_errors=True)  # among the input may be the key

    base_url: str | None = None
    api_key: SecretStr | None = Field(default=None, repr=False)
    timeout: Any = Field(default=None, validation_alias=AliasChoices("timeout", "request_timeout"))
    max_retries: int = Field(default=2, ge=0)
    default_headers: Mapping[str, str] | None = Field(default=None, exclude=True, repr=False)  # they may hold a key
    default_query: Mapping[str, object] | None = Field(default=None, exclude=True, repr=False)
    http_client: Any = Field(default=None, exclude=True, repr=False)
    http_async_client: Any = Field(default=None, exclude=True, repr=False)
    first_chunk_timeout: float | None = Field(default=None, gt=0)
    stream_idle_timeout: float | None = Field(default=None, gt=0)

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
    _package: ClassVar[str]
    """The SDK's package, which is also the name of the extra."""
    _client_classes: ClassVar[tuple[str, str]]
    """The names of the SDK's plain and asyncio clients."""
    _key_variable: ClassVar[str]
    """The environment variable of the key."""
    _url_variables: ClassVar[tuple[str, ...]] = ()
    _key_optional: ClassVar[bool] = False
    _call_words: ClassVar[frozenset[str]] = frozenset()
    """What only the arguments of a call say, beside those of the constructor."""

    if not TYPE_CHECKING:  # the fields tell a type checker more

        def __init__(self, **values: Any) -> None:
            self._check(values)  # here too, so that the error is Prill's own, and not in pydantic's words
            super().__init__(**values)

    @model_validator(mode="before")
    @classmethod
    def _check_given(cls, values: Any) -> Any:
        if isinstance(values, dict):
            cls._check(values)
        return values

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
        """The vendor's name, as events and errors tell it."""
        return self._provider

    def _key_name(self) -> str:
        """The environment variable of the key."""
        return self._key_variable

    def _known_key(self) -> str | None:
        if self.api_key is not None:
            return self.api_key.get_secret_value() or None
        return os.environ.get(self._key_name())

    def _key(self) -> str:
        key = self._known_key()
        if key:
            return key
        if self._key_optional or self._url() is not None:
            return "none"  # a server of one's own often wants no key, but the SDK wants a text
        self._no_key()

    def _no_key(self) -> NoReturn:
        raise ModelAuthenticationError(
            f"{type(self).__name__} has no key: set the environment variable {self._key_name()}, or give api_key=…",
            provider=self.provider,
        )

    def _url(self) -> str | None:
        return self.base_url or next((url for name in self._url_variables if (url := os.environ.get(name))), None)

    def _sdk(self) -> Any:
        try:
            return import_module(self._package)
        except ImportError as error:
            raise MissingDependencyError(
                f"{type(self).__name__} needs the package {self._package}: pip install 'prill[{self._package}]'"
            ) from error

    def _arguments(self) -> dict[str, Any]:
        """What the SDK's clients are made with."""
        # Its own retries are off: their waiting cannot be ended when the run is stopped from another thread.
        arguments: dict[str, Any] = {"api_key": self._key(), "base_url": self._url(), "max_retries": 0}
        if self.timeout is not None:
            arguments["timeout"] = self.timeout
        if self.default_headers is not None:
            arguments["default_headers"] = self.default_headers
        if self.default_query is not None:
            arguments["default_query"] = self.default_query
        return arguments

    def _make_client(self) -> Any:
        sdk = self._sdk()
        http_client = self.http_client
        if http_client is None:
            http_client = sdk.DefaultHttpxClient()
            make_interruptible(http_client)
        return getattr(sdk, self._client_classes[0])(**self._arguments(), http_client=http_client)

    def _make_async_client(self) -> Any:
        return getattr(self._sdk(), self._client_classes[1])(**self._arguments(), http_client=self.http_async_client)

    async def _send(self, run: Run, request: Callable[[Any], Any]) -> httpx2.Response:
        """Send what ``request`` makes of a client, in either colour; the body is read only where it does not stream."""
        for tries in count(1):
            try:
                return await self._send_once(run, request)
            except ModelError as failure:
                if tries > self.max_retries or not _may_pass(failure):
                    if tries > 1:
                        failure.message += f" It was asked {tries} times."
                    raise
                await run.io.sleep(_pause(tries, failure.retry_after))
        raise AssertionError("count has no end")

    async def _send_once(self, run: Run, request: Callable[[Any], Any]) -> httpx2.Response:
        clients = self._clients  # held, so that they stay open if the model is given others meanwhile
        try:
            with inside(run):  # what watches HTTP sees the request as the model's
                if run.io.blocking:
                    answer = request(clients.plain(self._make_client))
                else:
                    waiting: Awaitable[Any] = request(await clients.for_loop(self._make_async_client))
                    answer = await waiting
        except Interrupted:
            raise Cancelled(f"the run was stopped while it waited for {self.provider} to answer") from None
        except Exception as error:
            raise self._failure(error) from error
        response: httpx2.Response = answer.http_response
        return response

    def _failure(self, error: Exception) -> Exception:
        """``error`` as one of Prill's, with nothing secret in its text."""
        if isinstance(error, ModelError):
            return error
        url = self._url() or f"{self.provider}'s usual address"
        failure = failure_of_sdk(error, provider=self.provider, model=getattr(self, "model", None), base_url=url)
        if failure is None:
            return error
        self._redact_cause(error)
        return self._without_key(failure)

    def _redact_cause(self, error: Exception) -> None:
        """Take the key, which some servers repeat, out of what the SDK's error says: tracebacks show it too."""
        told = self._redacted(str(error))
        if told == str(error):
            return
        error.args = (told,)
        for name, value in (("message", told), ("body", None)):
            if hasattr(error, name):
                setattr(error, name, value)

    def _without_key(self, failure: ModelError) -> ModelError:
        """``failure``, where the provider repeated the key in its words, without it."""
        failure.message = self._redacted(failure.message)
        failure.args = (failure.message,)
        return failure

    def _redacted(self, text: str) -> str:
        key = self._known_key()
        return text.replace(key, "**********") if key and len(key) > 3 else text

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy. It shares the clients, and so the connections, unless ``update`` says where or how to connect."""
        copied = super().model_copy(update=update, deep=deep)
        if update and not _CONNECTING.isdisjoint(update):
            copied._reconnect()
        return copied

    if not TYPE_CHECKING:  # a type checker would let any name be set

        def __setattr__(self, name: str, value: Any) -> None:
            super().__setattr__(name, value)
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


_CONNECTING = frozenset({"base_url", "api_key", "timeout", "default_headers", "default_query"})
_CONNECTING |= {"http_client", "http_async_client", "organization", "server"}
"""The settings that clients are made with; the last two are those of some vendors."""


_PATIENCE = 60.0
"""The longest pause, in seconds, that a provider may ask for between two tries."""


def _may_pass(failure: ModelError) -> bool:
    """Whether to ask again: as the provider says (https://github.com/openai/openai-python#retries), or by its kind."""
    response = getattr(failure.__cause__, "response", None)
    advice = response.headers.get("x-should-retry") if response is not None else None
    if advice == "false" or (failure.retry_after or 0) > _PATIENCE:
        return False
    return advice == "true" or failure.retryable


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
