"""How the page and its picture are said: in English, and in Chinese."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

Phrase = tuple[str, str]
"""A pattern, and what is said instead."""


@dataclass(frozen=True)
class Words:
    """A language: what is said around the rows, and the phrases that rows are made of."""

    suffix: str
    title: str
    about: str
    heads: tuple[str, ...]
    met: Mapping[bool | None, str]
    alt: str
    chart: str
    legend: str
    note: str
    themes: Mapping[str, str] = field(default_factory=dict)
    phrases: tuple[Phrase, ...] = ()

    def theme(self, name: str) -> str:
        return self.themes.get(name, name)

    def say(self, text: str) -> str:
        """A row's text; what there is no phrase for stays English."""
        for pattern, instead in self.phrases:
            text = re.sub(pattern, instead, text)
        return text


ENGLISH = Words(
    suffix="",
    title="Benchmarks",
    about="""\
Written by `{command}` (one run of {minutes:.0f} minutes), which measures everything on this page.

- Machine: {machine}.
- Versions: {versions}.
- Samples of both sides are taken in turn (A B A B …) in the same process, after a warm-up round, with a
  garbage collection before each. Figures are processor time, or wall time where threads take part (batches).
- A ratio with `×` says how many times less time Prill takes; one without is Prill's share of the other's
  time, or a figure of its own where the row says so. Median, lowest and highest of the pairs.
- *SDK* is the vendor's official package, iterating the same stream of the same local server; the server runs
  in a process of its own and sends 64 events in one write.""",
    heads=("what", "ours", "peer", "ratio: median (min–max)", "target", "met?"),
    met={True: "yes", False: "**no**", None: ""},
    alt="How many times as fast, row by row",
    chart="How many times less time Prill takes",
    legend="logarithmic; the dark stroke is the target; red: missed, grey: none",
    note="- {what}: {note}.",
)

CHINESE = Words(
    suffix=".zh",
    title="性能测试",
    about="""\
本页由 `{command}` 写成（一次运行，{minutes:.0f} 分钟）；每次运行都把这里的一切重新测量一遍。

- 机器：{machine}。
- 版本：{versions}。
- 两边的样本在同一进程里轮流采集（A B A B……），先热身一轮，每次采集之前做一次垃圾回收。\
数字是处理器时间；有线程参与的（批处理）是实际经过的时间。
- 带 `×` 的比值，是对方所用时间为 Prill 的多少倍；不带的，是 Prill 的时间占对方的比例，\
或者是该行注明的数字。给出各对样本的中位数、最小值和最大值。
- *SDK* 指供应商的官方包，遍历同一个本机服务器的同一个流；服务器在单独的进程里，每次写出 64 个事件。""",
    heads=("测什么", "Prill", "对照", "比值：中位数（最小–最大）", "目标", "达到？"),
    met={True: "是", False: "**否**", None: ""},
    alt="逐行列出快多少倍",
    chart="Prill 快多少倍",
    legend="对数刻度；深色竖线是目标；红色：没有达到，灰色：没有目标",
    note="- {what}：{note}。",
    themes={
        "Chains": "链",
        "Watched streams": "有人观察的流",
        "Recovering": "出错之后",
        "Parsing": "解析",
        "Retrieval": "检索",
        "Agents": "智能体",
        "Over HTTP": "经过 HTTP",
        "Short calls": "短的调用",
        "Many rows": "海量的行",
        "Importing": "导入",
        "Memory": "内存",
        "Serving": "部署为服务",
        "Stored runs": "保存的运行",
    },
    phrases=(
        # what is measured
        (
            r"^a row beside its call: ledger and JSON Lines, over bare (abatch_as_completed)$",
            r"一行在调用之外的开销：账本和 JSON Lines，相对 \1",
        ),
        (r"^a row of bulk with a short call, ([\d,]+) in flight", r"bulk 的一行，一次短调用，同时 \1 行"),
        (r"^a row of bulk, ([\d,]+) in flight$", r"bulk 的一行，同时 \1 行"),
        (
            r"^memory that ([\d,]+) rows of a generator take over ([\d,]+)$",
            r"生成器的 \1 行比 \2 行多占的内存",
        ),
        (
            r"^the share that is used of a limit of (\d+) requests a second that nobody named$",
            r"没有人说过的每秒 \1 个请求的限额，用上的比例",
        ),
        (
            r"^([\d.]+%) of the requests were refused, behind a warm-up of (\d+) s$",
            r"\2 s 的预热之后，\1 的请求被拒绝",
        ),
        (r"^a row that is done already, when a run goes on$", "继续运行时，已经完成的一行"),
        (
            r"^rows of (\d+) ms, one in flight in each worker, on two workers of (\w+)$",
            r"每行 \1 ms，每个工作者同时一行，\2 的两个工作者",
        ),
        (r"^a row on (\w+), driver and workers together$", r"\1 上的一行，驱动进程和工作者合计"),
        (r"^invoke, chain of (\d+) trivial functions$", r"invoke，\1 个极简函数组成的链"),
        (r"^ainvoke, chain of (\d+) trivial async functions$", r"ainvoke，\1 个极简异步函数组成的链"),
        (r"^(a?batch) of ([\d,]+), plain function$", r"\1，\2 个输入，普通函数"),
        (r"^(a?batch) of ([\d,]+), async function$", r"\1，\2 个输入，异步函数"),
        (r"^a short call, (a?invoke), ([\d,]+) at once", r"一次短调用，\1，同时 \2 个"),
        (r"^a short call, invoke, in (\d+) threads$", r"一次短调用，invoke，\1 个线程"),
        (r", against a bare client$", "，对照：直接用 HTTP 客户端"),
        (
            r"^a fresh process, from the import of messages to the first chunk of a stream",
            "新进程，从导入 messages 到流的第一块",
        ),
        (r", with asyncio$", "，用 asyncio"),
        (
            r"^the longest wait of an event loop, in processor time, in the first call of a fresh process$",
            "新进程的第一次调用里，事件循环最长的一次停顿（处理器时间）",
        ),
        (r"^a tool call, over the bare function$", "一次工具调用，减去函数本身的时间"),
        (r"^an agent, (\w+), (\d+) rounds of the model and a tool$", r"智能体，\1，模型与工具的 \2 轮"),
        (r"^a round of an agent with an instant model$", "智能体的一轮，模型立即回答"),
        (r"^a round of (\d+), against one of (\d+)$", r"\1 轮中的一轮，对照：\2 轮中的一轮"),
        (r"^first token of an agent, after that of its model$", "智能体的第一个 token，比它的模型晚多久"),
        (r"^making an agent$", "创建一个智能体"),
        (r"^memory of a run of (\d+) rounds, against a loop by hand$", r"\1 轮的运行所用的内存，对照：手写的循环"),
        (r"^import of the package `prill.agents`, fresh process$", "导入 `prill.agents` 包，新进程"),
        (r", three events a token$", "，每个 token 三个事件"),
        (r"^astream with a handler that does nothing$", "astream，带一个什么都不做的回调"),
        (r"^(`\w+`) around a streaming model, (\w+)$", r"流式模型外面套上 \1，\2"),
        (
            r"^first chunk of a chain of (\d+) streaming steps, after the model's$",
            r"\1 个流式步骤的链，第一块比模型的第一块晚多久",
        ),
        (r", ([\d.]+ KB) in pieces of (\d+)$", r"，\1，每块 \2 个字符"),
        (r"^the same, against ([\w.]+) on each prefix$", r"同上，对照：每来一块就用 \1 从头解析"),
        (r", growth ([\d.]+ KB) → ([\d.]+ KB), per character$", r"，从 \1 到 \2，每个字符的开销"),
        (r"^partial pydantic instances", "pydantic 部分值"),
        (
            r"^(\S+ MB) of tool arguments in 10-byte pieces, merged, per character \(to (\S+ KB)\)$",
            r"合并 \1 的工具参数，每块 10 字节，每个字符的开销（相对 \2）",
        ),
        (r"^the same, streamed through (\w+)$", r"同上，流式经过 \1"),
        (r"^FAISS store, one search among ([\d,]+) vectors of (\d+)$", r"FAISS 向量库，在 \1 个 \2 维向量里查找一次"),
        (r"^one short query of LocalEmbeddings$", "LocalEmbeddings 的一次短查询"),
        (
            r"^recall@3 of LocalEmbeddings, English \((\d+) questions, (\d+) documents\)$",
            r"LocalEmbeddings 的 recall@3，英文（\1 个问题，\2 个文档）",
        ),
        (
            r"^recall@3 of LocalEmbeddings, Chinese \((\d+) questions, (\d+) documents\)$",
            r"LocalEmbeddings 的 recall@3，中文（\1 个问题，\2 个文档）",
        ),
        (r", against (langchain-\w+)$", r"，对照 \1"),
        (r"^(Chat\w+) alone, ", r"单独的 \1，"),
        (r"，tool call, ", "，工具调用，"),
        (
            r"^import of the packages runnables, prompts, output_parsers, fresh process$",
            "导入 runnables、prompts、output_parsers 三个包，新进程",
        ),
        (r"^import of the names of (`.*`) from them$", r"从中导入 \1 用到的名字"),
        (r"^resident memory after it, in MB$", "之后的常驻内存，单位 MB"),
        (r"^memory, (a?stream) of ([\d,]+) chunks$", r"内存，\2 块的 \1"),
        (r"^the same with (_\w+)", r"同上，使用 \1"),
        (r"^the same\b", "同上"),
        # figures
        (r" / step$", " / 步"),
        (r" / input$", " / 个输入"),
        (r" / call$", " / 次调用"),
        (r" / round$", " / 轮"),
        (r" / row$", " / 行"),
        (r" \(one worker\)$", "（一个工作者）"),
        (r" \(([\d,]+) in flight\)$", r"（同时 \1 行）"),
        (r"^the ratio column shows what is more, of 50 µs$", "比值一栏是多出的开销，以 50 µs 为 1"),
        (r"^the ratio column shows it of (\d+ \w+)$", r"比值一栏以 \1 为 1"),
        (
            r"^the ratio column shows ten million of them, of (\d+ s); the ledger has (\d+) bytes a row$",
            r"比值一栏是一千万行，以 \1 为 1；账本每行 \2 字节",
        ),
        (r" / document$", " / 篇"),
        (r" / character$", " / 字符"),
        (r" / chunk$", " / 块"),
        (r" / search$", " / 次"),
        (r" / question$", " / 个问题"),
        (r"^(\d+) of (\d+), ", r"\2 个中 \1 个，"),
        (r"^(.*) at most$", r"最多 \1"),
        (r" \(without it\)$", "（不套）"),
        (r" \(ours, small\)$", "（Prill，短文）"),
        (r" \(bare faiss\)$", "（直接用 faiss）"),
        (r" \(create_agent\)$", "（`create_agent`）"),
        (r" \(bare aiohttp\)$", "（直接用 aiohttp）"),
        (r" \(([\d,]+) at once\)$", r"（同时 \1 个）"),
        (r"^the ratio column shows ours in seconds$", "比值一栏是 Prill 的，单位秒"),
        (r", extrapolated \(quadratic\)$", "，推算（按平方增长）"),
        # notes
        (r"^the ratio column shows what it adds, in µs a token$", "比值一栏是增加的开销，单位 µs / token"),
        (r"^the ratio column shows milliseconds$", "比值一栏的单位是毫秒"),
        (r"^the ratio column shows ours in MB$", "比值一栏是 Prill 的，单位 MB"),
        (r"^the peer was measured once$", "对照只测了一次"),
        (r"\bat a tenth \((.*)\) and a fifth \((.*?)\)( of the size)? only$", r"十分之一（\1）和五分之一（\2）的长度"),
        (r"^the peer gives dicts; it was measured ", "对照给出的是字典；对照只测了"),
        (r"^the peer was measured ", "对照只测了"),
        (r"^measured (?=十)", "对照只测了"),
        (r"^the model was trained on English$", "这个模型是用英文训练的"),
        (r"^`App`, CPU of the server, (`/\w+`)$", r"`App`，服务器的处理器时间，\1"),
        (r"^memory, ([\d,]+) idle streams$", r"内存，\1 个沉默的流"),
        (
            r"^(\w+) as the store of runs: (\d+) runs at (\d+) events a second, each with a reader$",
            r"用 \1 保存运行：\2 个运行，每个每秒 \3 个事件，各有一个读者",
        ),
        (r" \(in memory\)$", "（在内存里）"),
        (
            r"^the ratio column shows what it adds, in µs an event; the time of its threads is in it$",
            "比值一栏是增加的开销，单位 µs / 事件，包括它的线程的时间",
        ),
        (r" / stream$", " / 流"),
        (r"^in KiB$", "单位 KiB"),
        (r" / event$", " / 事件"),
        (r"\(bare (`StreamingResponse`)\)", r"（单独的 \1）"),
        (r"^growth after the first tenth; in MB$", "前十分之一之后的增长，单位 MB"),
        # what it was measured on
        (r"^(\d+) cores, (\w+), (\w+), ", r"\1 个核心，\2，\3，"),
        # what is left between Chinese words
        (r"(?<=[\w`）]), (?=a?stream|对照|工具)", "，"),
    ),
)

LANGUAGES = (ENGLISH, CHINESE)
