"""When the fields of a structured answer are seen, and as what, while it is written."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from output_parsers.growing import leads_to, partials


class Changed(BaseModel):
    model_config = ConfigDict(str_strip_whitespace=True)

    configured: str = ""
    lower: Annotated[str, StringConstraints(to_lower=True)] = ""
    after: Annotated[str, AfterValidator(str.upper)] = ""
    ordered: Annotated[list[int], AfterValidator(sorted)] = []
    optional: Annotated[str, StringConstraints(to_upper=True)] | None = None
    parts: list[Annotated[str, AfterValidator(str.upper)]] = []


def test_a_value_that_its_type_changes_is_seen_changed_or_not_at_all() -> None:
    answer = {
        "configured": " ab ",
        "lower": "AB",
        "after": "ab",
        "ordered": [3, 1, 2],
        "optional": "ab",
        "parts": ["ab", "c"],
    }
    seen = partials(Changed, list(json.dumps(answer)))
    assert seen[-1].model_dump() == {
        "configured": "ab",
        "lower": "ab",
        "after": "AB",
        "ordered": [1, 2, 3],
        "optional": "AB",
        "parts": ["AB", "C"],
    }
    assert all(leads_to(early, late) for early, late in pairwise(seen))


def test_a_text_with_checks_is_seen_as_it_comes() -> None:
    class Checked(BaseModel):
        it: Annotated[str, Field(min_length=2, max_length=9, description="text")]

    seen = partials(Checked, list('{"it": "abc"}'))
    assert [checked.it for checked in seen if hasattr(checked, "it")][:3] == ["", "a", "ab"]


def test_populated_by_name_or_by_alias_it_is_the_same_field() -> None:
    class Both(BaseModel):
        model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)
        it: list[int] = Field(alias="that")

    for key in ("it", "that"):
        seen = partials(Both, list(json.dumps({key: [1, 2]})))
        assert [both.it for both in seen if hasattr(both, "it")][:3] == [[], [1], [1, 2]]
