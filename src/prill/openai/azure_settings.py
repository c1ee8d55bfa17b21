"""Where a model of Azure OpenAI is, and who asks it.

Addresses and headers: https://learn.microsoft.com/en-us/azure/ai-foundry/openai/reference
"""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, ClassVar, NoReturn
from urllib.parse import quote, urlsplit

from pydantic import AliasChoices, Field, SecretStr, model_validator

from prill.callbacks.run import Run
from prill.errors import AsyncRequiredError, ConfigError, ModelAuthenticationError
from prill.openai.settings import OpenAISettings
from prill.providers.calls import Call, encode_query, merge_headers
from prill.providers.http.message import Request
from prill.runnables.engine.signature import is_async

TokenProvider = Callable[[], str] | Callable[[], Awaitable[str]]


class AzureSettings(OpenAISettings):
    """The address and the credentials of a model of Azure OpenAI.

    ``azure_endpoint`` (or ``AZURE_OPENAI_ENDPOINT``) is the resource's address, ``azure_deployment`` the deployment,
    by default that of the model's name, and ``api_version`` (or ``OPENAI_API_VERSION``) the version of the API.
    ``base_url`` stands for the endpoint where the path is another one; with one that ends in ``/openai/v1`` no
    ``api_version`` is needed.

    Who asks is shown by ``api_key`` (or ``AZURE_OPENAI_API_KEY``), by a token of Microsoft Entra ID in
    ``azure_ad_token`` (or ``AZURE_OPENAI_AD_TOKEN``), or by ``azure_ad_token_provider``: a function without arguments,
    plain or async, which is called for each request and returns a token. ``azure_ad_async_token_provider`` is called
    instead in asyncio. A function goes before a token, and a token before a key.
    """

    azure_endpoint: str | None = None
    azure_deployment: str | None = Field(
        default=None, validation_alias=AliasChoices("azure_deployment", "deployment_name", "deployment")
    )
    api_version: str | None = Field(default=None, validation_alias=AliasChoices("api_version", "openai_api_version"))
    azure_ad_token: SecretStr | None = Field(default=None, repr=False)
    azure_ad_token_provider: TokenProvider | None = Field(default=None, exclude=True, repr=False)
    azure_ad_async_token_provider: Callable[[], Awaitable[str]] | None = Field(default=None, exclude=True, repr=False)
    model_version: str = ""
    openai_api_type: str | None = Field(default=None, repr=False)
    validate_base_url: bool = Field(default=True, repr=False)

    not_in_cache_key: ClassVar[frozenset[str]] = OpenAISettings.not_in_cache_key | frozenset(
        (
            *("azure_ad_async_token_provider", "azure_ad_token", "azure_ad_token_provider", "azure_endpoint"),
            *("openai_api_type", "validate_base_url"),
        )
    )

    _provider: ClassVar[str] = "azure"
    _key_variable: ClassVar[str] = "AZURE_OPENAI_API_KEY"
    _url_variables: ClassVar[tuple[str, ...]] = ()

    @model_validator(mode="before")
    @classmethod
    def _take_deployment_for_model(cls, values: Any) -> Any:
        """A model without a name is called as its deployment is."""
        if not isinstance(values, dict) or values.get("model") or values.get("model_name"):
            return values
        named = next((values[name] for name in _DEPLOYMENT if values.get(name)), None)
        in_path = re.search(
            r"/deployments/([^/?]+)", str(values.get("base_url") or values.get("openai_api_base") or "")
        )
        model = named or (in_path and in_path[1])
        return {**values, "model": model} if model else values

    @classmethod
    def _check(cls, values: dict[str, Any]) -> None:
        super()._check(values)
        if values.get("server") is not None:
            raise ConfigError(f"{cls.__name__} asks Azure only; for server={values['server']!r} use ChatOpenAI")
        if values.get("azure_endpoint") and (values.get("base_url") or values.get("openai_api_base")):
            raise ConfigError(f"{cls.__name__} was given azure_endpoint and base_url, which say the same: give one")

    # Where it is

    def _is_openai(self) -> bool:
        return True

    def _url(self) -> str | None:
        given = self.base_url or self.azure_endpoint or os.environ.get("AZURE_OPENAI_ENDPOINT")
        if not given:
            return None
        path = urlsplit(given).path.rstrip("/")
        if not path or (given != self.base_url and "/openai" not in path):
            return given.rstrip("/") + "/openai"
        return given

    def _default_url(self) -> str:
        raise ConfigError(
            f"{type(self).__name__} has no address: set the environment variable AZURE_OPENAI_ENDPOINT, or give "
            "azure_endpoint='https://<resource>.openai.azure.com'"
        )

    def _http_request(self, call: Call, run: Run, stream: bool) -> Request:
        if (self.client if run.io.blocking else self.async_client) is None:  # a client of an SDK does this itself
            call = self._to_deployment(call)
        return super()._http_request(call, run, stream)

    def _to_deployment(self, call: Call) -> Call:
        """``call`` at the address of the deployment, or with its name as the model's."""
        path = urlsplit(self._address().url).path
        query = {**self._version_query(path), **call.query}
        deployment = self.azure_deployment or str(self._name())
        if call.path in _OF_DEPLOYMENTS and "/deployments/" not in path and not path.endswith("/v1"):
            return replace(call, path=f"/deployments/{quote(deployment, safe='')}{call.path}", query=query)
        return replace(call, body={**call.body, "model": deployment}, query=query)

    def _version_query(self, path: str) -> dict[str, Any]:
        version = self.api_version or os.environ.get("OPENAI_API_VERSION")
        if path.endswith("/v1"):
            return {"api-version": self.api_version} if self.api_version else {}
        if version:
            return {"api-version": version}
        if "api-version" in encode_query(self._address().query, self.default_query):
            return {}
        raise ConfigError(
            f"{type(self).__name__} has no version of the API: set the environment variable OPENAI_API_VERSION, or "
            "give api_version='2024-10-21'"
        )

    # Who asks

    def _key(self) -> str:
        if self.azure_ad_token_provider or self.azure_ad_async_token_provider or self._token():
            return ""
        return super()._key() if self._known_key() else self._no_key()

    def _no_key(self) -> NoReturn:
        raise ModelAuthenticationError(
            f"{type(self).__name__} has no key: set the environment variable AZURE_OPENAI_API_KEY, or give api_key=…, "
            "azure_ad_token=… or azure_ad_token_provider=…",
            provider=self.provider,
        )

    def _token(self) -> str | None:
        if self.azure_ad_token is not None:
            return self.azure_ad_token.get_secret_value().strip() or None
        return os.environ.get("AZURE_OPENAI_AD_TOKEN") or None if self.api_key is None else None

    def _identify(self, key: str) -> dict[str, str | None]:
        token = None if key else self._token()
        shown = {"api-key": key or None, "openai-organization": self.organization}
        return {**shown, "authorization": f"Bearer {token}" if token else None}

    async def _authorize(self, request: Request, run: Run) -> Request:
        provider: Any = self.azure_ad_token_provider
        if not run.io.blocking and self.azure_ad_async_token_provider is not None:
            provider = self.azure_ad_async_token_provider
        if not request.base_url or not (provider or self.azure_ad_async_token_provider):
            return request
        if run.io.blocking and (provider is None or is_async(provider)):
            raise AsyncRequiredError(
                f"{type(self).__name__} has an async function for its tokens only: use ainvoke or astream, or give a "
                "plain function as azure_ad_token_provider"
            )
        token = await (provider() if is_async(provider) else run.io.call(provider))
        if not isinstance(token, str) or not token:
            raise ModelAuthenticationError(
                f"the function for tokens of {type(self).__name__} returned {type(token).__name__}, not a token",
                provider=self.provider,
            )
        return replace(request, headers=merge_headers(request.headers, {"authorization": f"Bearer {token}"}))


_DEPLOYMENT = ("azure_deployment", "deployment_name", "deployment")

_OF_DEPLOYMENTS = frozenset(("/chat/completions", "/completions", "/embeddings"))
"""What is asked of one deployment; other paths, such as that of responses, take its name in the request."""
