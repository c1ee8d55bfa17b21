"""Lines of two runs side by side."""

from __future__ import annotations

from prill.traces.comparing import compare_runs, compare_texts


def test_equal_lines_far_from_a_difference_are_counted() -> None:
    lines = [f"line {number}" for number in range(100)]
    changed = [*lines[:50], "another", *lines[51:]]
    compared = compare_texts("\n".join(lines), "\n".join(changed))
    assert [line["kind"] for line in compared] == ["skipped", *["equal"] * 3, "changed", *["equal"] * 3, "skipped"]
    assert (compared[0]["count"], compared[-1]["count"]) == (47, 46)


def test_added_lines_have_no_other_side() -> None:
    assert compare_texts("a", "a\nb")[1:] == [{"kind": "changed", "left": None, "right": "b"}]


def test_messages_are_compared_as_they_are_read() -> None:
    left = {"input": [{"type": "human", "content": "Hi"}], "output": None}
    right = {"input": [{"type": "human", "content": "Hello"}], "output": None}
    lines = compare_runs(left, right)["input"]
    assert [(line["left"], line["right"]) for line in lines] == [("human:", "human:"), ("Hi", "Hello")]


def test_texts_of_a_million_lines_are_compared_from_their_start() -> None:
    assert len(compare_texts("a\n" * 1_000_000, "b\n" * 1_000_000)) == 2000


def test_nothing_is_compared_where_both_have_nothing() -> None:
    assert compare_runs({"input": "a", "error": None}, {"input": "b"}).keys() == {"input"}
