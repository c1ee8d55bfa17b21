"""However a run ends, each row is once in the output at last, and only rows in flight are asked again."""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.bulk import program
from tests.bulk.jobs import asked, by_key, make_chain, question, rows

from prill import bulk
from prill.bulk.ledger import Ledger
from prill.errors import BulkError, ConfigError
from prill.testing import Faults, ReplayServer, Reply

pytestmark = pytest.mark.usefixtures("folder")

AT_ONCE = 8


@pytest.fixture
def slow(own_server: ReplayServer) -> ReplayServer:
    own_server.faults = Faults(first_delay=0.02)
    return own_server


def start(server: ReplayServer, **options: Any) -> subprocess.Popen[str]:
    given = json.dumps({"max_concurrency": AT_ONCE, **options})
    command = [sys.executable, program.__file__, server.openai_url, "in.jsonl", "out.jsonl", "run", given]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def write_source(count: int) -> None:
    Path("in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows(count)), "utf8")


def test_a_driver_that_is_killed_at_random_points_loses_nothing_and_pays_only_for_rows_in_flight(
    slow: ReplayServer,
) -> None:
    write_source(80)
    chance = random.Random(7)
    kills = 0
    for number in sorted(chance.sample(range(5, 75), 5)):
        process = start(slow)
        slow.wait_requests(number + kills * AT_ONCE, 60)
        process.kill()
        process.communicate()
        kills += 1
    process = start(slow)
    printed, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert printed.startswith("80 done")
    assert set(by_key("out.jsonl")) == {row["id"] for row in rows(80)}
    assert slow.request_count <= 80 + kills * AT_ONCE


def test_what_was_written_before_a_kill_is_never_asked_again(slow: ReplayServer) -> None:
    write_source(60)
    process = start(slow)
    slow.wait_requests(40, 60)
    process.kill()
    process.communicate()
    ledger = Ledger("run", read_only=True)
    done = {json.loads(entry.name) for entry in ledger.entries()}
    ledger.close()
    before = asked(slow)
    process = start(slow)
    process.communicate(timeout=120)
    assert done
    assert all(asked(slow)[f"Label text {key[1:]}"] == before[f"Label text {key[1:]}"] for key in done)


def test_ctrl_c_once_waits_for_what_is_in_flight_and_says_how_to_go_on(own_server: ReplayServer) -> None:
    write_source(40)
    own_server.faults = Faults(first_delay=0.5)
    process = start(own_server)
    own_server.wait_requests(AT_ONCE, 60)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode in (130, -signal.SIGINT)
    assert "Ctrl-C again stops at once" in errors
    assert "The same call goes on from the checkpoint 'run'" in errors
    assert own_server.request_count == AT_ONCE
    assert len(by_key("out.jsonl")) == AT_ONCE
    own_server.faults = Faults()
    start(own_server).communicate(timeout=60)
    assert own_server.request_count == 40
    assert len(by_key("out.jsonl")) == 40


def test_ctrl_c_twice_stops_at_once(own_server: ReplayServer) -> None:
    write_source(40)
    own_server.faults = Faults(first_delay=600)
    process = start(own_server)
    own_server.wait_requests(AT_ONCE, 60)
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    assert "Waiting up to 30 s" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=25)
    assert process.returncode in (130, -signal.SIGINT)
    own_server.wait_closed(10)
    own_server.faults = Faults()
    start(own_server).communicate(timeout=60)
    assert len(by_key("out.jsonl")) == 40


def test_ctrl_c_gives_up_what_is_in_flight_after_the_grace(own_server: ReplayServer) -> None:
    write_source(20)
    own_server.faults = Faults(first_delay=600)
    process = start(own_server, grace=0.3)
    own_server.wait_requests(AT_ONCE, 60)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=25)
    assert process.returncode in (130, -signal.SIGINT)


def test_the_lock_of_a_killed_run_is_free(own_server: ReplayServer) -> None:
    write_source(5)
    own_server.faults = Faults(first_delay=600)
    process = start(own_server)
    own_server.wait_requests(5, 60)
    with pytest.raises(ConfigError, match=f"another run is using the checkpoint 'run': process {process.pid} on"):
        Ledger("run")
    process.kill()
    process.communicate()
    Ledger("run").close()


def test_a_full_disk_stops_the_run_and_no_row_is_said_to_be_done_that_is_not_on_it(
    server: ReplayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = "x" * 4000
    server.replies(lambda request: Reply(long))
    opening = Ledger._open

    def on_a_small_disk(ledger: Ledger) -> None:
        opening(ledger)
        ledger._database.execute("PRAGMA max_page_count = 40")  # SQLite then says what it says of a full disk

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "_open", on_a_small_disk)
        with pytest.raises(BulkError, match=r"cannot be written: database or disk is full\..* make room") as caught:
            bulk.run(make_chain(server.openai_url), rows(200), None, key="id", checkpoint="run", max_concurrency=4)
    report = caught.value.report
    ledger = Ledger("run", read_only=True)
    assert ledger.count() == (report.done, 0)
    ledger.close()
    assert 0 < report.done < 60
    asked_before = server.request_count
    assert asked_before <= report.done + 8
    done = bulk.run(make_chain(server.openai_url), rows(200), "out.jsonl", key="id", checkpoint="run")
    assert done.done == 200
    assert server.request_count == asked_before + 200 - report.done


def test_an_output_that_cannot_be_written_leaves_the_old_one_and_all_outcomes(server: ReplayServer) -> None:
    Path("out.jsonl").write_text("the old one", "utf8")
    server.replies(lambda request: Reply("x" * 10_000))
    bulk.run(make_chain(server.openai_url), rows(30), None, key="id", checkpoint="run")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        with pytest.raises(BulkError, match=r"'out.jsonl' cannot be written: .*File too large"):
            bulk.export("run", "out.jsonl")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert Path("out.jsonl").read_text("utf8") == "the old one"
    assert sorted(os.listdir()) == ["out.jsonl", "run"]
    assert bulk.export("run", "out.jsonl") == 30


def test_a_damaged_ledger_is_named(server: ReplayServer) -> None:
    Path("run").mkdir()
    Path("run/ledger.db").write_bytes(b"not a database" * 100)
    with pytest.raises(ConfigError, match=r"run/ledger.db is damaged, or is not a ledger"):
        bulk.run(make_chain(server.openai_url), rows(1), None, checkpoint="run")


def test_export_writes_what_is_done_while_the_run_goes_on(server: ReplayServer) -> None:
    seen: list[int] = []

    @server.replies
    def answer(request: Any) -> None:
        if question(request).endswith("text 20"):
            seen.append(bulk.export("run", "so-far.jsonl"))

    chain = make_chain(server.openai_url)
    bulk.run(chain, rows(30), "out.jsonl", key="id", checkpoint="run", max_concurrency=2)
    assert 10 <= seen[0] <= 20
    assert len(by_key("so-far.jsonl")) == seen[0]
