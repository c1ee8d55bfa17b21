"""Coming back to a run: cursors that fit, and those that do not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.helpers import eventually
from tests.serve.chains import ask
from tests.serve.serving import Served, serving

from prill.runnables import RunnableGenerator, RunnableLambda
from prill.serve import App, MemoryStore


def count(chunks: Iterator[str]) -> Iterator[str]:
    for number in range(50):
        yield f"{number} "


@pytest.fixture
def server() -> Iterator[Served]:
    app = App()
    app.add("/count", RunnableGenerator(count), on_disconnect="continue")
    with serving(app) as served:
        yield served


def blocks(text: str) -> list[str]:
    return [block for block in text.replace("\r\n", "\n").split("\n\n") if block]


def run(server: Served) -> tuple[str, list[str]]:
    text = ask(server.port, "/count/stream", {"input": ""}).text
    return text.partition("id: ")[2].partition(":")[0], blocks(text)


def test_from_every_event_on_the_rest_is_the_same_byte_for_byte(server: Served) -> None:
    whole = ask(server.port, "/count/stream", {"input": ""}).text
    run_id = whole.partition("id: ")[2].partition(":")[0]
    frames = [f"id: {rest}" for rest in whole.split("id: ")[1:]]
    assert len(frames) == 52
    for seen in range(0, len(frames)):
        for cursor in (f"{run_id}:{seen}", str(seen)):
            answer = ask(server.port, f"/count/runs/{run_id}/stream", headers={"last-event-id": cursor})
            assert answer.text == "".join(frames[seen:])
    assert ask(server.port, f"/count/runs/{run_id}/stream?after=50").text == "".join(frames[50:])


def test_a_run_that_was_read_to_its_end_has_no_more(server: Served) -> None:
    run_id, frames = run(server)
    answer = ask(server.port, f"/count/runs/{run_id}/stream", headers={"last-event-id": f"{run_id}:{len(frames)}"})
    assert (answer.status, answer.body) == (204, b"")


@pytest.mark.parametrize("cursor", ["x", "-1", "1.5", "other:3", "99999999999999999999", "¹"])
def test_a_cursor_that_is_none_is_a_400(server: Served, cursor: str) -> None:
    run_id, _ = run(server)
    headers = {"last-event-id": cursor.encode().decode("latin-1")}
    assert ask(server.port, f"/count/runs/{run_id}/stream", headers=headers).status == 400


def test_a_cursor_in_the_future_is_a_400(server: Served) -> None:
    run_id, frames = run(server)
    answer = ask(server.port, f"/count/runs/{run_id}/stream", headers={"last-event-id": str(len(frames) + 1)})
    assert (answer.status, answer.json["error"]["code"]) == (400, "invalid_cursor")


def test_an_unknown_run_is_a_404(server: Served) -> None:
    assert ask(server.port, "/count/runs/unknown/stream").status == 404


def test_a_part_that_is_no_longer_kept_is_told_and_not_skipped() -> None:
    app = App(store=MemoryStore(max_frames=10))
    app.add("/count", RunnableGenerator(count), on_disconnect="continue")
    with serving(app) as server:
        answer = ask(server.port, "/count/stream", {"input": ""})
        run_id = answer.headers.get("prill-run-id", answer.json["error"]["run_id"] if answer.status == 410 else "")
        assert eventually(
            lambda: ask(server.port, f"/count/runs/{run_id}/stream?after=45").text.endswith("end\r\n\r\n")
        )
        gone = ask(server.port, f"/count/runs/{run_id}/stream?after=3")
    assert (gone.status, gone.json["error"]["code"]) == (410, "run_gone")


def test_an_expired_run_is_a_410_for_its_owner() -> None:
    app = App(store=MemoryStore(keep=0.0))
    app.add("/one", RunnableLambda(lambda x: x), on_disconnect="continue")
    with serving(app) as server:
        run_id = ask(server.port, "/one/stream", {"input": "x"}).headers["prill-run-id"]
        assert ask(server.port, f"/one/runs/{run_id}/stream").status == 410
