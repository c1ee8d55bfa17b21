"""Two translations side by side, sentence by sentence."""

from __future__ import annotations

import pytest
from examples.translate_a_book import sentences
from examples.without_a_key import answer
from tests.examples.conftest import comparable, documented

from prill.testing import Faults, Reply


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_sentences_do_not_depend_on_how_the_text_is_cut(size):
    text = "他说：“来吧！”她来了。好吗？ Well... yes. It costs 3.50 now! “Really?” he said. The end"
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    assert list(sentences(iter(pieces))) == [
        "他说：“来吧！”",
        "她来了。",
        "好吗？",
        " Well... ",
        "yes. ",
        "It costs 3.50 now! ",
        "“Really?” ",
        "he said. ",
        "The end",
    ]


def test_one_language_is_shown_while_the_other_is_silent_by_the_model_that_the_config_chose(examples, server):
    @server.replies
    def reply(request):
        if "Chinese" in request.json["system"]:
            return Reply(["从前", "有"], faults=Faults(stall_at=1))
        return ["In the old days. ", "There lived a king."]

    with examples.on_terminal("translate_a_book", "--model", "claude") as screen:
        screen.wait_for("In the old days. ")
        screen.wait_for("There lived a king.")
        assert server.open_streams == 1
    assert {request.path for request in server.requests} == {"/v1/messages"}


def test_it_prints_what_the_readme_shows_and_writes_both_files(examples, server):
    server.replies(answer)
    ran = examples.run("translate_a_book")
    assert comparable(ran.stdout) == comparable(documented("translate_a_book"))
    chinese = (examples.place / "青蛙王子.zh.txt").read_text(encoding="utf-8")
    english = (examples.place / "青蛙王子.en.txt").read_text(encoding="utf-8")
    assert chinese.endswith("惊奇。\n\n离王宫不远，有一座幽暗的大森林，林中一棵老椴树下有一口井。\n\n")
    assert english.startswith("In the old days, when wishing still helped, there lived a king whose daughters")
