"""What the page is served, and to whom."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.serve.browser import words_by_language
from tests.serve.chains import ask
from tests.serve.serving import Served, serving
from tests.traces.recorded import joke, read_all

import prill.traces
from prill.runnables import RunnableLambda
from prill.testing import ReplayServer
from prill.traces import record
from prill.traces.app import make_app

FILES = Path(prill.traces.__file__).parent / "page"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


@pytest.fixture
def served(path: Path, server: ReplayServer) -> Iterator[Served]:
    with record(to=path):
        joke(server).invoke({"topic": "bears"})
        RunnableLambda(len).invoke("abc")
    with serving(make_app(path)) as served:
        yield served


def token(served: Served) -> str:
    found = re.search(r'name="prill-token" content="([\w-]{43})"', ask(served.port, "/").text)
    assert found is not None
    return found[1]


def replay(served: Served, body: Any, **headers: str) -> Any:
    return ask(served.port, "/api/replays", body, headers=headers)


def test_the_page_has_a_policy_and_loads_only_what_is_beside_it(served: Served) -> None:
    page = ask(served.port, "/")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"
    assert re.findall(r"\son\w+=|style=|<style|<script>", page.text) == []
    named = re.findall(r'(?:href|src)="(?!data:|#)([^"]*)"', page.text)
    for file in FILES.glob("*.js"):
        code = file.read_text()
        named += re.findall(r'from "\./([^"]*)"', code)
        assert re.findall(r"https?://|innerHTML|insertAdjacentHTML|\beval\(", code) == []
    for name in set(named):
        assert ask(served.port, f"/{name}").status == 200
    assert {file.name for file in FILES.glob("*.js")} <= set(named)


@pytest.mark.parametrize("name", ["../app.py", "..%2fapp.py", "__init__.py", "%2e%2e/app.py", "index.html"])
def test_no_other_file_can_be_read(served: Served, name: str) -> None:
    assert ask(served.port, f"/{name}").status == 404


def test_both_languages_have_the_same_words_and_all_that_are_used() -> None:
    english, chinese = words_by_language(FILES / "texts.js")
    assert english == chinese
    used = set(re.findall(r'data-(?:text|label)="(\w+)"', (FILES / "index.html").read_text()))
    for file in FILES.glob("*.js"):
        used |= set(re.findall(r'\b(?:text|say|folded)\("(\w+)"', file.read_text()))
    assert used <= english


def test_the_list_the_tree_a_run_and_a_comparison(served: Served) -> None:
    runs = ask(served.port, "/api/runs?name=Sequence").json["runs"]
    tree = ask(served.port, f"/api/trees/{runs[0]['id']}").json["runs"]
    asked = next(run for run in tree if run["kind"] == "chat_model")
    whole = ask(served.port, f"/api/runs/{asked['id']}").json
    assert [run["name"] for run in runs] == ["RunnableSequence"]
    assert "input" not in asked
    assert whole["input"][1]["content"] == "A joke about bears"
    compared = ask(served.port, f"/api/comparison/{runs[0]['id']}/{asked['id']}").json
    assert compared["left"]["input_tokens"] == compared["right"]["input_tokens"] > 0
    assert ask(served.port, "/api/about").json["models"] == ["gpt-4o-mini"]


@pytest.mark.parametrize("path_", ["/api/runs/unknown", "/api/comparison/unknown/unknown"])
def test_an_unknown_run_is_not_found(served: Served, path_: str) -> None:
    assert ask(served.port, path_).status == 404


def test_a_time_that_is_no_number_is_refused(served: Served) -> None:
    assert ask(served.port, "/api/runs?since=yesterday").status == 400


@pytest.mark.parametrize(
    "host", ["attacker.example", "127.0.0.1.attacker.example:80", "", "127.0.0.1@attacker.example"]
)
def test_requests_by_another_name_are_refused(served: Served, host: str) -> None:
    for address in ("/", "/page.js", "/api/runs"):
        assert ask(served.port, address, headers={"host": host}).status == 403


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_both_names_of_this_machine_are_good(served: Served, host: str) -> None:
    assert ask(served.port, "/api/runs", headers={"host": f"{host}:{served.port}"}).status == 200


def test_a_model_is_asked_only_for_the_page_itself(served: Served, path: Path, server: ReplayServer) -> None:
    run = next(run for run in read_all(path) if run["kind"] == "chat_model")
    body = {"run": run["id"], "input": run["input"]}
    good = token(served)
    before = server.request_count
    own = f"http://127.0.0.1:{served.port}"
    assert replay(served, body).status == 403
    assert replay(served, body, **{"x-prill-token": "wrong"}).status == 403
    for origin in ("https://attacker.example", "null", f"http://localhost:{served.port}"):
        assert replay(served, body, **{"x-prill-token": good, "origin": origin}).status == 403
    assert ask(served.port, "/api/replays").status == 405
    assert server.request_count == before
    assert replay(served, body, **{"x-prill-token": good, "origin": own}).status == 200


@pytest.mark.parametrize("body", [b"no json", {"input": "x"}, {"run": "unknown", "input": "x"}, [1]])
def test_what_is_no_replay_is_refused(served: Served, body: Any) -> None:
    answer = replay(served, body, **{"x-prill-token": token(served)})
    assert answer.status == 400
    assert answer.json["error"]


def test_a_replay_that_is_too_large_is_refused(served: Served) -> None:
    answer = replay(served, b"x" * (16 * 1024 * 1024 + 1), **{"x-prill-token": token(served)})
    assert answer.status == 413


def test_the_language_may_be_given(path: Path, served: Served) -> None:
    with serving(make_app(path, lang="zh")) as other:
        assert 'name="prill-language" content="zh"' in ask(other.port, "/").text
    assert 'name="prill-language" content=""' in ask(served.port, "/").text
