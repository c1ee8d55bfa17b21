"""Where a model of Bedrock is, and who asks it.

Signing: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
"""

from __future__ import annotations

import os
from dataclasses import replace
from importlib import import_module
from typing import Any, ClassVar

from pydantic import AliasChoices, Field, PrivateAttr, SecretStr

from prill.callbacks.run import Run
from prill.errors import ConfigError, MissingDependencyError, ModelAuthenticationError
from prill.providers.http.message import Request
from prill.providers.settings import ProviderSettings


class _Session:
    """The session of a model, made when it is first used; a copy of the model makes its own."""

    def __init__(self) -> None:
        self.session: Any = None

    def __reduce__(self) -> tuple[Any, ...]:
        return _Session, ()

    def __eq__(self, other: object) -> bool:
        # A session says nothing about what a model is.
        return isinstance(other, _Session)

    __hash__ = None  # type: ignore[assignment]  # as of all that can be changed


class BedrockSettings(ProviderSettings):
    """The address and the credentials of a model of Bedrock.

    Requests are signed with the credentials that ``botocore`` finds: ``aws_access_key_id``, ``aws_secret_access_key``
    and ``aws_session_token``, else those of the profile ``credentials_profile_name``, of the environment, of AWS's
    files, of the container or of the machine. ``api_key`` (or ``AWS_BEARER_TOKEN_BEDROCK``) is a key of Bedrock, which
    needs no signature. The region is ``region_name``, ``AWS_REGION``, ``AWS_DEFAULT_REGION`` or the profile's.
    """

    base_url: str | None = Field(default=None, validation_alias=AliasChoices("base_url", "endpoint_url"))
    api_key: SecretStr | None = Field(
        default=None, repr=False, validation_alias=AliasChoices("api_key", "bedrock_api_key")
    )
    region_name: str | None = None
    credentials_profile_name: str | None = None
    aws_access_key_id: SecretStr | None = Field(default=None, repr=False)
    aws_secret_access_key: SecretStr | None = Field(default=None, repr=False)
    aws_session_token: SecretStr | None = Field(default=None, repr=False)

    not_in_cache_key: ClassVar[frozenset[str]] = ProviderSettings.not_in_cache_key | frozenset(
        ("aws_access_key_id", "aws_secret_access_key", "aws_session_token", "credentials_profile_name", "region_name")
    )

    _provider: ClassVar[str] = "bedrock"
    _key_variable: ClassVar[str] = "AWS_BEARER_TOKEN_BEDROCK"
    _url_variables: ClassVar[tuple[str, ...]] = ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME",)

    _found: _Session = PrivateAttr(default_factory=lambda: _Session())

    def model_post_init(self, context: Any) -> None:
        """Import what requests are signed with now, so that no call waits for it."""
        super().model_post_init(context)
        if self._known_key() is None:
            _botocore()

    def _aws(self) -> Any:
        """The session of botocore, with the credentials that were given."""
        if self._found.session is None:  # two threads may make one each, which are alike
            session = _botocore().session.Session(profile=self.credentials_profile_name)
            if self.aws_access_key_id is not None:
                given = (self.aws_access_key_id, self.aws_secret_access_key, self.aws_session_token)
                session.set_credentials(*[None if one is None else one.get_secret_value() for one in given])
            self._found.session = session
        return self._found.session

    def _region(self) -> str:
        region = self.region_name or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        if not region and self._known_key() is None:
            region = self._aws().get_config_variable("region")
        if not region:
            raise ConfigError(
                f"{type(self).__name__} has no region: set the environment variable AWS_REGION, or give "
                "region_name='us-east-1'"
            )
        return str(region)

    def _default_url(self) -> str:
        return f"https://bedrock-runtime.{self._region()}.amazonaws.com"

    def _key(self) -> str:
        return super()._key() if self._known_key() else ""

    def _identify(self, key: str) -> dict[str, str | None]:
        return {"authorization": f"Bearer {key}"} if key else {}

    def check_key(self) -> None:
        """Check that there are credentials, without sending a request to Bedrock.

        Raises:
            ModelAuthenticationError: there are none.
        """
        if self._known_key() is None and self._aws().get_credentials() is None:
            raise self._no_credentials()

    async def _authorize(self, request: Request, run: Run) -> Request:
        if "authorization" in request.headers or not request.base_url:
            return request
        # Elsewhere: botocore may ask files, or a service of the machine.
        return await run.io.call(self._sign, request)

    def _sign(self, request: Request) -> Request:
        found = self._aws().get_credentials()
        if found is None:
            raise self._no_credentials()
        botocore = _botocore()
        headers = {name: value for name, value in request.headers.items() if name == "content-type"}
        signed = botocore.awsrequest.AWSRequest("POST", request.url, headers, request.content)
        botocore.auth.SigV4Auth(found.get_frozen_credentials(), "bedrock", self._region()).add_auth(signed)
        added = {name.lower(): value for name, value in signed.headers.items()}
        return replace(request, headers={**request.headers, **added})

    def _no_credentials(self) -> ModelAuthenticationError:
        return ModelAuthenticationError(
            f"{type(self).__name__} has no credentials: set the environment variables AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, or AWS_BEARER_TOKEN_BEDROCK, or give credentials_profile_name=…",
            provider=self.provider,
        )


def _botocore() -> Any:
    """The package ``botocore``, with the modules that are used here."""
    try:
        botocore = import_module("botocore")  # an optional package, which takes a while to import
        for name in ("auth", "awsrequest", "session"):
            import_module(f"botocore.{name}")
    except ImportError as error:
        raise MissingDependencyError(
            "requests to Bedrock are signed with the package botocore: pip install 'prill[bedrock]'"
        ) from error
    return botocore
