"""Models of Bedrock that ask the server, with credentials of their own and none of this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from prill.bedrock import ChatBedrockConverse
from prill.testing import ReplayServer

SECRET = "very-secret-access-key"
VARIABLES = (
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"),
    *("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_BEARER_TOKEN_BEDROCK", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME"),
    *("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_WEB_IDENTITY_TOKEN_FILE"),
)


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


@pytest.fixture
def make(server: ReplayServer) -> Iterator[Callable[..., ChatBedrockConverse]]:
    made: list[ChatBedrockConverse] = []

    def make(**settings: Any) -> ChatBedrockConverse:
        given = {"model": "vendor.model-v1:0", "base_url": server.url, "region_name": "eu-west-1", "max_retries": 0}
        keys = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": SECRET}
        given = {name: value for name, value in {**given, **keys, **settings}.items() if value is not None}
        made.append(ChatBedrockConverse(**given))
        return made[-1]

    yield make
    for model in made:
        model.close()


@pytest.fixture
def model(make: Callable[..., ChatBedrockConverse]) -> ChatBedrockConverse:
    return make()
