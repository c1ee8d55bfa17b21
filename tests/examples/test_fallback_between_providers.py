"""One provider, and then another."""

from __future__ import annotations

from examples.without_a_key import ACCIDENTS, answer
from tests.examples.conftest import comparable, documented

PATIENT = ("--patience", "200")  # a machine that is busy may take long to import what asks a provider


def test_a_broken_stream_begins_anew_and_a_second_failure_leads_to_the_other_provider(examples, server):
    server.queue(*ACCIDENTS["fallback_between_providers"])
    server.replies(answer)
    ran = examples.run("fallback_between_providers", "Why is the sky blue?", *PATIENT)
    assert comparable(ran.stdout) == comparable(documented("fallback_between_providers"))
    assert [request.path for request in server.requests] == ["/v1/chat/completions"] * 2 + ["/v1/messages"]


def test_when_nobody_answers_it_is_told_why(examples, server):
    server.fail(404)  # such an error cannot pass: it is not tried twice
    server.fail(401)
    ran = examples.run("fallback_between_providers", "Why?", "--first", "openai:no-such-model", *PATIENT, failing=True)
    assert ran.stderr.startswith("Nobody could answer: anthropic answered 401")
    assert "ModelNotFoundError" in ran.stdout
    assert [request.path for request in server.requests] == ["/v1/chat/completions", "/v1/messages"]
