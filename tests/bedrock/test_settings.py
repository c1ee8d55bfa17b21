"""Where models of Bedrock are asked, and how their requests are signed."""

from __future__ import annotations

import copy
import hashlib
import hmac
import os
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prill.bedrock import ChatBedrockConverse
from prill.errors import ConfigError, MissingDependencyError, ModelAuthenticationError
from prill.testing import ReplayServer
from prill.testing.seen_request import SeenRequest

Make = Callable[..., ChatBedrockConverse]
SECRET = "very-secret-access-key"


def signature(seen: SeenRequest, path: str, secret: str) -> str:
    """The signature that a request should have, made after the document and not by a library.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
    """
    words = dict(part.split("=", 1) for part in seen.headers["authorization"].partition(" ")[2].split(", "))
    names = words["SignedHeaders"].split(";")
    headers = "".join(f"{name}:{seen.headers[name]}\n" for name in names)
    digest = hashlib.sha256(seen.body).hexdigest()
    asked = "\n".join(["POST", path, "", headers, ";".join(names), digest])
    scope = words["Credential"].partition("/")[2]
    lines = ["AWS4-HMAC-SHA256", seen.headers["x-amz-date"], scope, hashlib.sha256(asked.encode()).hexdigest()]
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, "\n".join(lines).encode(), hashlib.sha256).hexdigest()


def sent_signature(seen: SeenRequest) -> str:
    return seen.headers["authorization"].rpartition("Signature=")[2]


@pytest.mark.parametrize("verb", ["invoke", "stream"])
def test_requests_are_signed_for_the_region_and_the_path(
    verb: str, make: Make, server: ReplayServer, colour: Any
) -> None:
    getattr(colour, verb)(make())
    seen = server.requests[-1]
    end = "converse" if verb == "invoke" else "converse-stream"
    assert seen.path == f"/model/vendor.model-v1:0/{end}"
    assert "/eu-west-1/bedrock/aws4_request" in seen.headers["authorization"]
    # The path is encoded as it is sent, and then once more.
    assert sent_signature(seen) == signature(seen, f"/model/vendor.model-v1%253A0/{end}", SECRET)
    assert "x-amz-security-token" not in seen.headers


def test_each_try_is_signed(make: Make, server: ReplayServer, colour: Any) -> None:
    server.fail(503, retry_after=0)
    colour.invoke(make(max_retries=1))
    assert all(
        sent_signature(seen) == signature(seen, "/model/vendor.model-v1%253A0/converse", SECRET)
        for seen in server.requests
    )


def test_a_session_token_is_signed_and_sent(make: Make, server: ReplayServer) -> None:
    make(aws_session_token="token-of-a-session").invoke("Hi")
    seen = server.requests[-1]
    assert seen.headers["x-amz-security-token"] == "token-of-a-session"
    assert "x-amz-security-token" in seen.headers["authorization"]
    assert sent_signature(seen) == signature(seen, "/model/vendor.model-v1%253A0/converse", SECRET)


def without_keys(make: Make, **settings: Any) -> ChatBedrockConverse:
    return make(aws_access_key_id=None, aws_secret_access_key=None, **settings)


def test_credentials_of_the_environment_and_of_a_profile_are_found(
    make: Make, server: ReplayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(os.environ["AWS_SHARED_CREDENTIALS_FILE"]).write_text(
        "[mine]\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = of-profile\n"
    )
    Path(os.environ["AWS_CONFIG_FILE"]).write_text("[profile mine]\nregion = us-west-2\n")
    without_keys(make, credentials_profile_name="mine", region_name=None).invoke("Hi")
    assert "AKIDPROFILE" in server.requests[-1].headers["authorization"]
    assert "/us-west-2/" in server.requests[-1].headers["authorization"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDENVIRONMENT")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-environment")
    without_keys(make).invoke("Hi")
    assert "AKIDENVIRONMENT" in server.requests[-1].headers["authorization"]


def test_a_key_of_bedrock_needs_no_signature(make: Make, server: ReplayServer, monkeypatch: pytest.MonkeyPatch) -> None:
    make(api_key="key-of-bedrock").invoke("Hi")
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "key-of-environment")
    without_keys(make).invoke("Hi")
    sent = [seen.headers["authorization"] for seen in server.requests]
    assert sent == ["Bearer key-of-bedrock", "Bearer key-of-environment"]


def test_without_credentials_nothing_is_sent(make: Make, server: ReplayServer, colour: Any) -> None:
    model = without_keys(make)
    with pytest.raises(ModelAuthenticationError, match="AWS_ACCESS_KEY_ID"):
        colour.invoke(model)
    with pytest.raises(ModelAuthenticationError, match="AWS_BEARER_TOKEN_BEDROCK"):
        model.check_key()
    assert server.request_count == 0


def test_the_region_is_a_part_of_the_address(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    url = "https://bedrock-runtime.{}.amazonaws.com"
    assert make(base_url=None)._address().url == url.format("eu-west-1")
    with pytest.raises(ConfigError, match="AWS_REGION"):
        make(base_url=None, region_name=None)._address()
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-2")
    assert make(base_url=None, region_name=None)._address().url == url.format("us-east-2")
    assert make(base_url=None, endpoint_url="http://localhost:1")._address().url == "http://localhost:1"


def test_no_secret_is_shown(make: Make, server: ReplayServer, colour: Any) -> None:
    model = make(aws_session_token="very-secret-token")
    server.fail(403, error_message="The token very-secret-token is not known.")
    with pytest.raises(PermissionError, match=r"The token \*+ is not known") as caught:
        colour.invoke(model)
    shown = [repr(model), str(model.model_dump()), model.model_dump_json(), str(caught.value), repr(vars(caught.value))]
    assert not any("very-secret" in text for text in shown)


def test_a_model_can_be_copied_and_pickled_after_its_use(make: Make, server: ReplayServer) -> None:
    model = make()
    model.invoke("Hi")
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model)), model.model_copy(update={"temperature": 1})):
        assert other.invoke("Hi").content == "Hi"
        other.close()
    assert copy.deepcopy(model) == model


def test_without_botocore_the_extra_is_named_when_the_model_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "botocore", None)
    with pytest.raises(MissingDependencyError, match=r"prill\[bedrock\]"):
        ChatBedrockConverse(model="m", region_name="eu-west-1")
    ChatBedrockConverse(model="m", region_name="eu-west-1", api_key="key-of-bedrock")
