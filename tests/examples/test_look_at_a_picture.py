"""Questions about pictures."""

from __future__ import annotations

import base64

from examples.without_a_key import HARVEST, answer
from tests.examples.conftest import EXAMPLES, comparable, documented

PICTURE = "examples/pictures/harvest.png"


def test_the_picture_is_sent_and_the_answer_is_printed(examples, server):
    server.replies(answer)
    ran = examples.run("look_at_a_picture", PICTURE, "--question", "Which month was the best?")
    assert comparable(ran.stdout) == comparable(documented("look_at_a_picture"))
    question, picture = server.requests[0].json["messages"][0]["content"]
    assert question == {"type": "text", "text": "Which month was the best?"}
    data = picture["image_url"]["url"].removeprefix("data:image/png;base64,")
    assert base64.b64decode(data) == (EXAMPLES / "pictures" / "harvest.png").read_bytes()


def test_values_are_read_into_rows(examples, server):
    server.replies(answer)
    rows = [line.split() for line in examples.run("look_at_a_picture", PICTURE, "--table").stdout.splitlines()]
    assert rows == [[month, str(tonnes)] for month, tonnes in HARVEST.items()]


def test_an_address_is_sent_as_it_is(examples, server):
    server.reply("A cat.")
    examples.run("look_at_a_picture", "https://example.org/cat.jpg")
    sent = server.requests[0].json["messages"][0]["content"]
    assert sent[1] == {"type": "image_url", "image_url": {"url": "https://example.org/cat.jpg"}}


def test_a_file_that_is_no_picture_is_refused_before_anything_is_sent(examples, server):
    (examples.place / "notes.png").write_text("not a picture")
    ran = examples.run("look_at_a_picture", "notes.png", failing=True)
    assert "not in a recognised image format" in ran.stderr
    assert server.request_count == 0
