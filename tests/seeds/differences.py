"""Where Prill prints something else than a document, and why. Each is a change after which the two must be equal.

A block names the differences that it has; the tests see to it that none of them could be left out.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any, NamedTuple

from seeds.printed import Spelled, changed

Items = list[Any]
Compared = tuple[Items, Items]


class Difference(NamedTuple):
    name: str
    name_zh: str
    reason: str
    reason_zh: str
    apply: Callable[[Items, Items], Compared]
    """Given what Prill printed and what the document shows; gives what is to be compared of both."""


def reconciled(ours: Items, theirs: Items, differences: tuple[Difference, ...]) -> Compared:
    """What is left to compare when the differences have been taken away."""
    pair: Compared = deepcopy(ours), deepcopy(theirs)
    for difference in differences:
        pair = difference.apply(*pair)
    return pair


def _is_empty_stream_event(item: Any) -> bool:
    if not isinstance(item, dict) or not str(item.get("event", "")).endswith("_stream"):
        return False
    chunk = item["data"]["chunk"]
    return isinstance(chunk, Spelled) and chunk.fields.get("content") == ""


def _first_chunk(ours: Items, theirs: Items) -> Compared:
    if isinstance(ours[0], str) and ours[0].startswith("|"):
        return [ours[0][1:], *ours[1:]], theirs
    if isinstance(ours[0], Spelled):
        return _reaching_as_far(ours, theirs, tokens=1)
    if "Chat model chunk: ''" in ours:
        at = ours.index("Chat model chunk: ''")
        return _cut([*ours[:at], *ours[at + 1 :]], theirs)
    at = next(at for at, item in enumerate(ours) if _is_empty_stream_event(item))
    same = [later for later in range(at + 1, len(ours)) if _streams(ours[later], ours[at])]
    if not same:
        return _cut(ours[:at], theirs)
    joined = {**ours[at], "data": ours[same[0]]["data"]}
    return _cut([*ours[:at], joined, *ours[at + 1 : same[0]], *ours[same[0] + 1 :]], theirs)


def _streams(item: Any, like: dict[str, Any]) -> bool:
    return isinstance(item, dict) and (item["event"], item["run_id"]) == (like["event"], like["run_id"])


def _cut(ours: Items, theirs: Items) -> Compared:
    """A block that counts what it prints ends one earlier where one thing more is counted: so must the document's."""
    if len(theirs) != len(ours) + 1:
        return ours, theirs
    return ours, [*theirs[: len(ours) - 1], theirs[-1]] if theirs[-1] == "..." else theirs[:-1]


def _reaching_as_far(ours: Items, theirs: Items, tokens: int | None = None) -> Compared:
    """Sums of chunks: what has been said so far must be how the document's goes on, by so many more tokens."""
    (mine,), (shown,) = ours, theirs
    content, whole = mine.fields["content"], shown.fields["content"]
    rest = whole.removeprefix(content)
    if not whole.startswith(content) or (tokens is not None and len(rest.split()) != tokens):
        return ours, theirs
    return [Spelled(mine.name, {**mine.fields, "content": whole})], theirs


def _last_chunk(ours: Items, theirs: Items) -> Compared:
    if isinstance(ours[-1], str) and ours[-1].endswith("||"):
        return [*ours[:-1], ours[-1][:-1]], theirs
    left = [item for item in ours if not _is_empty_stream_event(item)]
    return left, theirs[-len(left) :]


def _told_later(ours: Items, theirs: Items) -> Compared:
    """Takes away what no event of the document has."""
    fields = {"parent_ids"} - {key for item in theirs for key in item}
    told = any(item.get("metadata") for item in theirs if isinstance(item, dict))

    def change(value: Any) -> Any:
        if not isinstance(value, dict) or "event" not in value:
            return value
        kept = {key: item for key, item in value.items() if key not in fields}
        return kept if told else {**kept, "metadata": _without_model(kept["metadata"])}

    return changed(ours, change), theirs


def _without_model(metadata: dict[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in metadata.items() if not key.startswith("ls_")}


_FACTS = ("response_metadata", "usage_metadata", "chunk_position")


def _facts(ours: Items, theirs: Items) -> Compared:
    shown: set[str] = set()

    def see(value: Any) -> Any:
        shown.update(value.fields if isinstance(value, Spelled) else ())
        return value

    changed(theirs, see)
    hidden = {name for name in _FACTS if name not in shown}

    def change(value: Any) -> Any:
        if isinstance(value, Spelled):
            return Spelled(value.name, {key: item for key, item in value.fields.items() if key not in hidden})
        return {key: item for key, item in value.items() if key != "usage_metadata"} if "output" in value else value

    return changed(ours, change), theirs


def _counted(ours: Items, theirs: Items) -> Compared:
    counts = ("output_tokens", "total_tokens")

    def change(value: Any) -> Any:
        return (
            {key: "counted" if key in counts else item for key, item in value.items()} if counts[0] in value else value
        )

    def change_each(value: Any) -> Any:
        return change(value) if isinstance(value, dict) else value

    return changed(ours, change_each), changed(theirs, change_each)


def _beta(ours: Items, theirs: Items) -> Compared:
    return ours, [] if any("LangChainBetaWarning" in line for line in theirs) else theirs


def _other_model(ours: Items, theirs: Items) -> Compared:
    return ours, [{**item, "name": ours[0]["name"]} for item in theirs]


def _blank_lines(ours: Items, theirs: Items) -> Compared:
    def folded(item: Any) -> Any:
        if isinstance(item, str):
            return item.replace("\n\n", "  ")
        return changed(item, _folded_texts)

    begin = next(at for at, item in enumerate(ours) if item != "")
    return [folded(item) for item in ours[begin:]], theirs


def _folded_texts(value: Any) -> Any:
    if not isinstance(value, Spelled):
        return value
    fields = value.fields.items()
    return Spelled(value.name, {key: item.replace("\n\n", "  ") if key == "text" else item for key, item in fields})


def _old_model(ours: Items, theirs: Items) -> Compared:
    def change(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        kept = {key: item for key, item in value.items() if key != "model_provider"}
        facts = {"finish_reason": None, "model_name": "text-davinci-003"}
        return {key: facts.get(key, item) for key, item in kept.items()}

    return changed(ours, change), theirs


FIRST_CHUNK = Difference(
    "first chunk",
    "首块",
    "Claude's stream begins with an empty chunk that tells the model and the tokens of the input; LangChain's of today "
    "does as well (document 000 shows it). What counts chunks or events counts it, and reaches one less far.",
    "Claude 的流以一个空块开始，它说明模型名和输入的 token 数；如今的 LangChain 也是如此（文档 000 中可见）。"
    "按块或事件计数的代码会把它算进去，因此少走一步。",
    _first_chunk,
)
LAST_CHUNK = Difference(
    "last chunk",
    "末块",
    "The last chunk is empty: it tells why the answer ended, and its tokens. LangChain's of today does as well.",
    "最后一块是空的：它说明回答为何结束，以及用了多少 token。如今的 LangChain 也是如此。",
    _last_chunk,
)
TOLD_LATER = Difference(
    "event keys",
    "事件的键",
    "The document's events are older: later versions of LangChain added `parent_ids`, and what model it is to "
    "`metadata`. Prill has both.",
    "文档里的事件较旧：LangChain 后来的版本加上了 `parent_ids`，并在 `metadata` 中写明模型。Prill 两者都有。",
    _told_later,
)
FACTS = Difference(
    "facts",
    "附带信息",
    "Messages tell what the provider said of them (`response_metadata`, `usage_metadata`), and the end of a run its "
    "tokens; the document's do not.",
    "消息带有供应商所说的信息（`response_metadata`、`usage_metadata`），运行结束时给出 token 数；文档中没有。",
    _facts,
)
COUNTED = Difference(
    "output tokens so far",
    "已计的输出 token",
    "How many output tokens a stream's first event counts is the provider's choice; the server of the test says 1.",
    "流的第一个事件计入多少输出 token 由供应商决定；测试用的服务器给出 1。",
    _counted,
)
BETA = Difference(
    "beta",
    "测试版警告",
    "LangChain warned that its API of events was a beta. Prill does not warn.",
    "LangChain 曾警告事件 API 是测试版。Prill 不发警告。",
    _beta,
)
OTHER_MODEL = Difference(
    "another model",
    "另一个模型",
    "The page shows events of a `ChatAnthropic`, but its code has made the model a `ChatOpenAI` before.",
    "页面展示的是 `ChatAnthropic` 的事件，但其代码在此之前已把模型换成了 `ChatOpenAI`。",
    _other_model,
)
OWN_SUM = Difference(
    "the page's sum",
    "页面的求和",
    "The page adds five chunks, of which it has printed one sign each, and shows seven signs.",
    "页面把五个块相加，而它打印出的每块只有一个字，结果却写了七个字。",
    _reaching_as_far,
)
BLANK_LINES = Difference(
    "blank lines",
    "空行",
    "The page has lost the blank lines at the beginning of texts, and shows those inside of values as two spaces.",
    "页面丢失了文本开头的空行，并把值中的空行显示成两个空格。",
    _blank_lines,
)
OLD_MODEL = Difference(
    "an older model",
    "较旧的模型",
    "The page's model is one of 2022, and its stream told no reason why it ended.",
    "页面使用的是 2022 年的模型，它的流没有说明结束的原因。",
    _old_model,
)
