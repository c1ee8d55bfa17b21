"""``docs/seeds.md``, ``docs/seeds.zh.md``: what becomes of each example; ``python tests/seeds/table.py`` writes it."""

from __future__ import annotations

import sys
import textwrap
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[above]) for above in (1, 2)]

from tests.helpers import NEEDS, is_met

from seeds.cases import DOCUMENTS, Document
from seeds.outcomes import Outcome, outcomes

FOLDER = Path(__file__).parents[2] / "docs"


class Words(NamedTuple):
    """What a page says, in one language."""

    page: str
    zh: bool
    intro: str
    heads: tuple[str, ...]
    equal: str
    but: str
    runs: str
    fails: str
    end: str
    reasons: tuple[str, str]
    comma: str


ENGLISH = Words(
    page="seeds.md",
    zh=False,
    intro="""# The documents' examples

Five documents about LangChain, and what becomes of every block of Python that is in them. The tests, and
`make seeds-table`, which writes this page, take the blocks out of the documents and run them as a notebook would,
unchanged; `prill.compat` lets their imports lead to Prill. A server on the same machine stands in for the provider
and says the tokens that the document shows. What a block then prints is compared with what the document prints: texts
sign by sign, values and events as values. Ids are replaced by numbers, so it is compared which events belong to one
run, not what the run is called.

The documents are not part of the project. For each block there is a test of our own, which needs none of them.

Of {all} blocks {ran} run. The documents show what {shown} of them print: {equal} print the same, {but} the same but
for what is named beside them and explained [below](#where-the-output-differs).
""",
    heads=("block", "line", "what it does", "result", "our own example of it"),
    equal="equal",
    but="equal, but for: {names}",
    runs="runs; the document shows no output",
    fails="**does not run**",
    end="## Where the output differs\n",
    reasons=("what", "why"),
    comma=", ",
)

CHINESE = Words(
    page="seeds.zh.md",
    zh=True,
    intro="""# 文档中的例子

这里是五份关于 LangChain 的文档，以及其中每一段 Python 代码的运行结果。测试和生成本页的 `make seeds-table` \
从文档中取出这些代码，像笔记本那样原样运行；`prill.compat` 使其中的导入指向 Prill。同一台机器上的一个服务器\
充当供应商，说出文档所展示的 token。然后把每段代码的输出与文档中的输出相比较：文本逐字比较，值和事件按值比较。\
各种 id 被替换为序号，因此比较的是哪些事件属于同一次运行，而不是 id 本身。

这些文档不属于本项目。每段代码都另有一个我们自己的测试，不需要这些文档。

{all} 段代码中有 {ran} 段可以运行。文档给出了其中 {shown} 段的输出：{equal} 段完全相同，{but} 段除了旁边注明、\
并在[下文](#输出的差别)说明的差别之外相同。
""",
    heads=("代码段", "行", "做什么", "结果", "我们自己的例子"),
    equal="相同",
    but="相同，除了：{names}",
    runs="可以运行；文档没有给出输出",
    fails="**不能运行**",
    end="## 输出的差别\n",
    reasons=("差别", "原因"),
    comma="、",
)


def page(words: Words, found: list[list[Outcome]]) -> str:
    """One page, as it is now."""
    counted = Counter(_kind(outcome) for document in found for outcome in document)
    intro = words.intro.format(
        all=counted.total(),
        ran=counted.total() - counted["fails"],
        shown=counted["equal"] + counted["but"],
        equal=counted["equal"],
        but=counted["but"],
    )
    sections = [_section(words, *pair) for pair in zip(DOCUMENTS, found, strict=True)]
    return "\n".join([intro, *sections, words.end, _reasons(words)])


def _kind(outcome: Outcome) -> str:
    if outcome.verdict in ("fails", "differs"):
        return "fails"
    if outcome.verdict == "runs":
        return "runs"
    return "but" if outcome.case.differs else "equal"


def _section(words: Words, document: Document, found: list[Outcome]) -> str:
    title = document.title_zh if words.zh else document.title
    notes = "".join(f"{_filled(note[words.zh], words)}\n\n" for note in document.notes)
    rows = [
        (str(one.block.number), str(one.block.line), _code(one.block.telling_line), _result(words, one), _own(one))
        for one in found
    ]
    return f"## {title}\n\n{notes}{_table(words.heads, rows)}"


def _filled(text: str, words: Words) -> str:
    return text if words.zh else textwrap.fill(text, 120, break_long_words=False, break_on_hyphens=False)


def _result(words: Words, outcome: Outcome) -> str:
    names = [one.name_zh if words.zh else one.name for one in outcome.case.differs]
    said = {"fails": words.fails, "runs": words.runs, "equal": words.equal, "but": words.but}
    return said[_kind(outcome)].format(names=words.comma.join(names))


def _own(outcome: Outcome) -> str:
    return _code(outcome.case.own.rpartition("::")[2])


def _code(line: str) -> str:
    short = line if len(line) <= 70 else line[:69] + "…"
    return "`" + short.replace("|", "\\|") + "`"


def _reasons(words: Words) -> str:
    known = dict.fromkeys(one for document in DOCUMENTS for case in document.cases for one in case.differs)
    rows = [(one.name_zh, one.reason_zh) if words.zh else (one.name, one.reason) for one in known]
    return _table(words.reasons, rows)


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heads, ("---",) * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    if not is_met("seeds"):
        raise SystemExit(f"The documents of the examples are not here: {NEEDS['seeds'].hint}.")
    ran = outcomes()
    wrong = [outcome for found in ran for outcome in found if outcome.verdict in ("fails", "differs")]
    if wrong:
        said = [f"{one.block.telling_line}\n{one.error or one.compared()}" for one in wrong]
        raise SystemExit("\n\n".join(["Nothing is written, as these do not print what they should:", *said]))
    for words in (ENGLISH, CHINESE):
        (FOLDER / words.page).write_text(page(words, ran), encoding="utf-8")
        print(f"Written to {words.page}.")
