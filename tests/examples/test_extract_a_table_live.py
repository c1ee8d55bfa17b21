"""A table that grows while the model writes it. What it prints is compared in test_without_a_key.py."""

from __future__ import annotations

from examples.without_a_key import EXPENSES, call

from prill.testing import Faults


def test_a_row_is_shown_when_it_closes_and_not_when_the_answer_ends(examples, server):
    server.queue(call("Expense_list", {"items": EXPENSES}, fragment=20, faults=Faults(stall_at=10)))
    with examples.on_terminal("extract_a_table_live") as screen:
        screen.wait_for("上海到北京的高铁")
        assert server.open_streams == 1


def test_a_row_that_is_not_valid_is_named_and_those_before_it_stay(examples, server):
    server.queue(call("Expense_list", {"items": [EXPENSES[0], {**EXPENSES[1], "amount": -1196}, EXPENSES[2]]}))
    (examples.place / "报销.txt").write_text("三笔花费", encoding="utf-8")
    ran = examples.run("extract_a_table_live", "报销.txt", failing=True)
    assert "三笔花费" in server.requests[0].json["messages"][0]["content"]
    assert "上海到北京的高铁" in ran.stdout
    assert "请客户吃烤鸭" not in ran.stdout
    assert "items.1.amount: Input should be greater than 0; found -1196" in ran.stderr
