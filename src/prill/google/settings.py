"""The address and the key of Google's models."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from pydantic import AliasChoices, Field, SecretStr

from prill.providers.settings import ProviderSettings


class GoogleSettings(ProviderSettings):
    """The address, the key and the limits of a model of Google.

    The key is ``api_key``, or in ``GOOGLE_API_KEY`` or ``GEMINI_API_KEY``; it is sent in a header, never in the
    address. ``base_url`` is an address with the version of the API (``https://…/v1beta``) or without it, where
    ``api_version`` is added. ``transport`` is accepted and has no effect: requests are HTTP.
    """

    base_url: str | None = Field(default=None, validation_alias=AliasChoices("base_url", "google_api_base"))
    api_key: SecretStr | None = Field(
        default=None, repr=False, validation_alias=AliasChoices("api_key", "google_api_key")
    )
    api_version: str = "v1beta"
    default_headers: Mapping[str, str | None] | None = Field(
        default=None,
        exclude=True,
        repr=False,
        validation_alias=AliasChoices("default_headers", "additional_headers"),
    )
    client_options: dict[str, Any] | str | None = Field(default=None, repr=False)
    transport: str | None = Field(default=None, repr=False)

    not_in_cache_key: ClassVar[frozenset[str]] = ProviderSettings.not_in_cache_key | {"client_options", "transport"}

    _provider: ClassVar[str] = "google_genai"
    _key_variable: ClassVar[str] = "GOOGLE_API_KEY"

    def _key_name(self) -> str:
        named = (name for name in ("GOOGLE_API_KEY", "GEMINI_API_KEY") if os.environ.get(name))
        return next(named, self._key_variable)

    def _url(self) -> str | None:
        options = self.client_options
        place = options.get("api_endpoint") if isinstance(options, Mapping) else options
        url = self.base_url or place
        if not url:
            return None
        url = url if "://" in url else f"https://{url}"
        if re.search(r"/v\d[^/]*(/|$)", urlsplit(url).path):
            return url
        start, mark, query = url.partition("?")
        return f"{start.rstrip('/')}/{self.api_version}{mark}{query}"

    def _default_url(self) -> str:
        return f"https://generativelanguage.googleapis.com/{self.api_version}"

    def _identify(self, key: str) -> dict[str, str | None]:
        return {"x-goog-api-key": key}


def model_path(model: str, verb: str) -> str:
    """The path of a call of a model: ``/models/gemini-2.5-flash:generateContent``."""
    name = quote(model, safe="/@-_.~")
    return f"/{name if '/' in name else f'models/{name}'}:{verb}"
