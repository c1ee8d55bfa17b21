"""把一本书同时译成中文和英文：两种译文并排出现，一句一句地来，也写进两个文件。

Translate a book into Chinese and English at once: both appear side by side, sentence by sentence, and go to two files.

    python examples/translate_a_book.py
    python examples/translate_a_book.py 书.txt --model qwen

没有给文件时，译的是格林童话《青蛙王子》的开头。每段原文同时交给两条链，谁先写完一句就先显示谁的。断句的是一个生成器函数：
模型的字流进来，整句流出去。用哪个模型由配置决定（`configurable_alternatives`），链本身不变。
"""

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from rich.live import Live
from rich.table import Column, Table

from prill import ChatPromptTemplate, PrillError, Runnable, RunnableParallel, StrOutputParser, init_chat_model
from prill.runnables import ConfigurableField

TALE = """\
In den alten Zeiten, wo das Wünschen noch geholfen hat, lebte ein König, dessen Töchter waren alle schön. Aber die \
jüngste war so schön, dass die Sonne selber sich verwunderte, sooft sie ihr ins Gesicht schien.

Nahe bei dem Schlosse des Königs lag ein großer dunkler Wald, und in dem Walde unter einer alten \
Linde war ein Brunnen."""

PROMPT = ChatPromptTemplate.from_messages(
    [("system", "Translate what you are given into {language}. Say nothing else."), ("human", "{text}")]
)

# 后引号可能在下一块里才来，所以要看到它后面的一个字。
END_OF_SENTENCE = re.compile(r"[。！？][”’」』]*(?=[^”’」』])|[.!?][\"”’]*\s+")


def sentences(pieces: Iterator[str]) -> Iterator[str]:
    """把一块一块来的文字变成一句一句的。"""
    rest = ""
    for piece in pieces:
        rest += piece
        while end := END_OF_SENTENCE.search(rest):
            yield rest[: end.end()]
            rest = rest[end.end() :]
    if rest:
        yield rest


def build_chain() -> Runnable[dict[str, str], dict[str, str]]:
    """一段原文进去；出来的是 {"zh": 一句中文} 或 {"en": 一句英文}，谁先写完谁先来。"""
    model = init_chat_model("openai:gpt-4o-mini").configurable_alternatives(
        ConfigurableField("model"),
        default_key="gpt",
        claude=init_chat_model("anthropic:claude-haiku-4-5"),
        qwen=init_chat_model("dashscope:qwen-plus"),
    )
    write = model | StrOutputParser() | sentences
    return RunnableParallel(
        zh=PROMPT.partial(language="Chinese") | write,
        en=PROMPT.partial(language="English") | write,
    )


def main() -> None:
    options = read_options()
    text = options.book.read_text(encoding="utf-8") if options.book else TALE
    name = options.book.stem if options.book else "青蛙王子"
    chain = build_chain().with_config(configurable={"model": options.model})
    with open(f"{name}.zh.txt", "w", encoding="utf-8") as zh, open(f"{name}.en.txt", "w", encoding="utf-8") as en:
        for paragraph in re.split(r"\n\s*\n", text.strip()):
            said = translate(chain, paragraph)
            zh.write(said["zh"] + "\n\n")
            en.write(said["en"] + "\n\n")


def translate(chain: Runnable[dict[str, str], dict[str, str]], paragraph: str) -> dict[str, str]:
    """译一段，边译边显示；返回两种译文。"""
    said = {"zh": "", "en": ""}
    with Live(auto_refresh=False) as live:
        for chunk in chain.stream({"text": paragraph}):
            for language, sentence in chunk.items():
                said[language] += sentence
            live.update(side_by_side(said["zh"], said["en"]), refresh=True)
    print()
    return said


def side_by_side(zh: str, en: str) -> Table:
    table = Table.grid(Column(ratio=2, overflow="fold"), Column(ratio=3), padding=(0, 2), expand=True)
    table.add_row(zh, en)
    return table


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="把一本书同时译成中文和英文。")
    parser.add_argument("book", type=Path, nargs="?", help="书的文本文件，段落之间空一行")
    parser.add_argument("--model", choices=["gpt", "claude", "qwen"], default="gpt", help="（%(default)s）")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        main()
    except PrillError as error:
        sys.exit(str(error))
