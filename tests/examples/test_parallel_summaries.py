"""Many files at once."""

from __future__ import annotations

import json

from examples.without_a_key import answer
from tests.examples.conftest import comparable, documented

FILES = [f"examples/texts/{name}" for name in ("bees.md", "cats.txt", "tea.md", "toads.md")]


def summarised(examples):
    lines = (examples.place / "summaries.jsonl").read_text(encoding="utf-8").splitlines()
    return sorted(json.loads(line)["file"] for line in lines)


def test_errors_stop_nothing_and_a_second_start_does_what_is_missing(examples, server):
    at_once = []

    @server.replies
    def counted(request):
        at_once.append(server.open_streams)
        return answer(request)

    first = examples.run("parallel_summaries", *FILES, "--at-once", "2", failing=True)
    printed = first.stdout + first.stderr  # the summaries come in any order
    assert sorted(comparable(printed)) == sorted(comparable(documented("parallel_summaries")))
    assert summarised(examples) == FILES[:3]
    assert max(at_once) <= 2

    (examples.place / FILES[3]).write_text("Toads eat flies.")
    second = examples.run("parallel_summaries", *FILES)
    assert second.stdout.startswith("4 files, 3 of them done before\n")
    assert summarised(examples) == FILES
    assert server.request_count == 4
