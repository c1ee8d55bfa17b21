"""Splitters: the chunks are the text, and none is too long."""

from __future__ import annotations

import asyncio
import sys
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from prill.documents import Document
from prill.errors import ConfigError, MissingDependencyError
from prill.text_splitters import (
    CharacterTextSplitter,
    Language,
    LatexTextSplitter,
    MarkdownHeaderTextSplitter,
    MarkdownTextSplitter,
    PythonCodeTextSplitter,
    RecursiveCharacterTextSplitter,
    TextSplitter,
    TokenTextSplitter,
)
from prill.text_splitters.letters import letters, may_cut
from prill.text_splitters.token import count_tokens_roughly

PIECES = [
    "天空",
    "。",
    "！”",
    "；",
    "，",
    "word",
    " ",
    ". ",
    "\n",
    "\n\n",
    "👨\u200d👩\u200d👧",
    "e\u0301",
    "🇨🇳",
    "# ",
    "``" + "`\n",
    "\t",
]
texts = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)
KINDS = [RecursiveCharacterTextSplitter, MarkdownTextSplitter, TokenTextSplitter]


def longest_letter(text, length):
    return max((length(text[slice(*letter)]) for letter in letters(text, 0, len(text))), default=0)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=120)
@given(text=texts, size=st.integers(1, 20))
def test_chunks_without_overlap_are_the_text(kind, text, size):
    splitter = kind(chunk_size=size, chunk_overlap=0, strip_whitespace=False)
    assert "".join(splitter.split_text(text)) == text


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=120)
@given(
    text=texts, size=st.integers(1, 20), overlap=st.integers(0, 10), keep=st.sampled_from([True, "start", "end", False])
)
def test_every_chunk_fits_stands_where_it_says_and_ends_between_letters(kind, text, size, overlap, keep):
    length = count_tokens_roughly if kind is TokenTextSplitter else len
    settings = {} if kind is TokenTextSplitter else {"keep_separator": keep}
    overlap = min(overlap, size)
    splitter = kind(chunk_size=size, chunk_overlap=overlap, add_start_index=True, **settings)
    covered, last = set(), -1
    for document in splitter.create_documents([text]):
        chunk, start = document.page_content, document.metadata["start_index"]
        assert text[start : start + len(chunk)] == chunk
        assert chunk == chunk.strip() != ""
        assert length(chunk) <= max(size, longest_letter(chunk, length))
        assert may_cut(text, start)
        assert may_cut(text, start + len(chunk))
        assert start > last
        last = start
        covered |= set(range(start, start + len(chunk)))
    lost = "".join(text[at] for at in range(len(text)) if at not in covered)
    if keep is not False or kind is TokenTextSplitter:
        assert not lost.strip()


@settings(max_examples=80)
@given(text=texts, size=st.integers(2, 20))
def test_neighbours_share_no_more_than_the_overlap(text, size):
    splitter = RecursiveCharacterTextSplitter(chunk_size=size, chunk_overlap=size // 2, add_start_index=True)
    spans = [
        (each.metadata["start_index"], each.metadata["start_index"] + len(each.page_content))
        for each in splitter.create_documents([text])
    ]
    assert all(before[1] - after[0] <= size // 2 for before, after in pairwise(spans))


def test_chinese_is_split_at_its_sentences_and_quotes_stay_closed():
    text = "他说：“今天真冷。”我说是的！你呢？不知道……好吧；再见。"
    splitter = RecursiveCharacterTextSplitter(chunk_size=12, chunk_overlap=0)
    assert splitter.split_text(text) == ["他说：“今天真冷。”", "我说是的！你呢？", "不知道……好吧；再见。"]


def test_a_long_chinese_sentence_is_split_at_its_clauses():
    splitter = RecursiveCharacterTextSplitter(chunk_size=8, chunk_overlap=0)
    assert splitter.split_text("春天来了，花都开了，鸟也叫了，真好啊。") == [
        "春天来了，",
        "花都开了，",
        "鸟也叫了，",
        "真好啊。",
    ]


def test_paragraphs_are_kept_together_where_they_fit():
    splitter = RecursiveCharacterTextSplitter(chunk_size=20, chunk_overlap=0)
    assert splitter.split_text("one two\n\nthree\n\nfour five six seven") == ["one two\n\nthree", "four five six seven"]


def test_words_overlap():
    splitter = CharacterTextSplitter(separator=" ", chunk_size=10, chunk_overlap=4)
    assert splitter.split_text("foo bar baz quux") == ["foo bar", "bar baz", "baz quux"]


@pytest.mark.parametrize(
    ("keep", "chunks"),
    [
        (True, ["ab。", "cd。"]),
        ("end", ["ab。", "cd。"]),
        ("start", ["ab", "。cd", "。"]),
        (False, ["ab", "cd"]),
    ],
)
def test_a_separator_goes_where_it_is_told(keep, chunks):
    splitter = RecursiveCharacterTextSplitter(["。"], chunk_size=3, chunk_overlap=0, keep_separator=keep)
    assert splitter.split_text("ab。cd。") == chunks


def test_separators_may_be_patterns():
    splitter = CharacterTextSplitter(separator=r"\d+", is_separator_regex=True, chunk_size=3, chunk_overlap=0)
    assert splitter.split_text("abc1def22ghi") == ["abc", "def", "ghi"]
    plain = CharacterTextSplitter(separator=".", chunk_size=3, chunk_overlap=0)
    assert plain.split_text("abc.def") == ["abc", "def"]


def test_what_has_no_separator_stays_whole():
    assert CharacterTextSplitter(chunk_size=3, chunk_overlap=0).split_text("abcdef") == ["abcdef"]
    assert RecursiveCharacterTextSplitter(["\n"], chunk_size=3, chunk_overlap=0).split_text("abcdef") == ["abcdef"]


def test_documents_keep_their_metadata():
    splitter = RecursiveCharacterTextSplitter(chunk_size=4, chunk_overlap=0, add_start_index=True)
    given = [Document("aaa bbb", metadata={"source": "x"}), Document("ccc", metadata={})]
    expected = [
        Document("aaa", metadata={"source": "x", "start_index": 0}),
        Document("bbb", metadata={"source": "x", "start_index": 4}),
        Document("ccc", metadata={"start_index": 0}),
    ]
    assert splitter.split_documents(given) == splitter.transform_documents(given) == expected
    assert asyncio.run(splitter.atransform_documents(given)) == expected
    assert given[0].metadata == {"source": "x"}


def test_markdown_is_split_at_headings_and_code():
    splitter = MarkdownTextSplitter(chunk_size=30, chunk_overlap=0)
    code = "``" + "`"
    text = f"# A\nalpha beta\n\n## B\ngamma delta epsilon\n{code}py\nx=1\n{code}\n# C\nend"
    assert splitter.split_text(text) == [
        "# A\nalpha beta",
        "## B\ngamma delta epsilon",
        f"{code}py\nx=1\n{code}",
        "# C\nend",
    ]


def test_tokens_are_counted_by_a_function_or_roughly():
    words = TokenTextSplitter(length_function=lambda text: len(text.split()), chunk_size=2, chunk_overlap=0)
    assert words.split_text("a b c d e") == ["a b", "c d", "e"]
    assert TokenTextSplitter(chunk_size=3, chunk_overlap=1).split_text("天空是蓝色的") == ["天空是", "是蓝色", "色的"]
    assert count_tokens_roughly("天空 sky") == 3


def test_an_own_splitter_writes_split_text_alone():
    class Halves(TextSplitter):
        def split_text(self, text):
            return [text[: len(text) // 2], text[len(text) // 2 :]]

    documents = Halves(add_start_index=True).create_documents(["abab"])
    assert [(each.page_content, each.metadata) for each in documents] == [
        ("ab", {"start_index": 0}),
        ("ab", {"start_index": 2}),
    ]
    with pytest.raises(NotImplementedError, match="does not define split_text"):
        TextSplitter().split_text("a")


@pytest.mark.parametrize(
    "settings",
    [
        {"chunk_size": 0},
        {"chunk_size": 5, "chunk_overlap": 6},
        {"chunk_size": 5, "chunk_overlap": -1},
        {"chunk_size": 1.5, "chunk_overlap": 0},
        {"chunk_size": "10"},
        {"chunk_size": None},
        {"chunk_overlap": 1.5},
        {"length_function": 5},
        {"keep_separator": "middle"},
        {"separators": "\n"},
        {"separators": [1]},
        {"separators": ["("], "is_separator_regex": True},
    ],
)
def test_sizes_that_cannot_be_are_refused(settings):
    with pytest.raises(ConfigError):
        RecursiveCharacterTextSplitter(**settings)
    with pytest.raises(ConfigError, match="1 texts, but 2 metadatas"):
        RecursiveCharacterTextSplitter().create_documents(["a"], [{}, {}])


@pytest.mark.parametrize("text", [None, 5, b"bytes", ["text"]])
def test_only_text_is_split(text):
    for splitter in (RecursiveCharacterTextSplitter(), TokenTextSplitter(), CharacterTextSplitter()):
        with pytest.raises(ConfigError, match="splits text, not"):
            splitter.split_text(text)


def test_line_ends_of_windows_are_line_ends():
    text = "# One\r\nfirst line\r\nsecond\r\n\r\nnext part\r\n\r\n# Two\r\nlast"
    for splitter in (
        CharacterTextSplitter(chunk_size=30, chunk_overlap=0),
        RecursiveCharacterTextSplitter(chunk_size=30, chunk_overlap=0),
        RecursiveCharacterTextSplitter(["\n\n", "\n"], chunk_size=30, chunk_overlap=0),
    ):
        assert splitter.split_text(text) == [
            "# One\r\nfirst line\r\nsecond",
            "next part\r\n\r\n# Two\r\nlast",
        ], splitter
    parts = MarkdownTextSplitter(chunk_size=40, chunk_overlap=0).split_text(text)
    assert parts == ["# One\r\nfirst line\r\nsecond\r\n\r\nnext part", "# Two\r\nlast"]
    assert [part.page_content for part in MarkdownHeaderTextSplitter([("#", "h")]).split_text(text)] == [
        "first line\nsecond\n\nnext part",
        "last",
    ]


@pytest.mark.parametrize("text", ["x" * 3000, "👍🏽" * 700, "e\u0301" * 900, "🇨🇳" * 700, "\n" * 2000, "`" * 2000])
@pytest.mark.parametrize("overlap", [0, 50, 100])
def test_texts_without_a_place_to_split_are_split_between_letters(text, overlap):
    for kind in (RecursiveCharacterTextSplitter, MarkdownTextSplitter):
        chunks = kind(chunk_size=100, chunk_overlap=overlap).split_text(text)
        assert all(len(chunk) <= 100 for chunk in chunks)
        ends = {end for _, end in letters(text, 0, len(text))}
        assert all(len(chunk) in ends for chunk in chunks)


def test_a_missing_tokenizer_is_told_of(monkeypatch):
    monkeypatch.setitem(sys.modules, "tiktoken", None)
    with pytest.raises(MissingDependencyError, match="pip install tiktoken"):
        TokenTextSplitter(encoding_name="gpt2")
    with pytest.raises(MissingDependencyError, match="pip install tiktoken"):
        RecursiveCharacterTextSplitter.from_tiktoken_encoder()


@pytest.mark.parametrize("language", list(Language))
def test_code_of_every_language_is_split_without_losing_a_letter(language):
    text = "class A {\n  fn b() { return 1; }\n}\n\ndef c(x):\n    return x\n\n# Title\nfunc d() {}\n"
    splitter = RecursiveCharacterTextSplitter.from_language(language, chunk_size=20, chunk_overlap=0)
    chunks = splitter.split_text(text)
    assert "".join("".join(chunks).split()) == "".join(text.split())
    assert all(len(chunk) <= 20 for chunk in chunks)


def test_code_is_split_at_its_declarations():
    methods = "    def b(self):\n        pass\n\n    def c(self):\n        pass\n"
    code = f"import os\n\nclass A:\n{methods}\ndef d():\n    pass\n"
    python = RecursiveCharacterTextSplitter.from_language("python", chunk_size=45, chunk_overlap=0)
    chunks = python.split_text(code)
    assert [chunk.split()[0] for chunk in chunks] == ["import", "class", "def", "def"]
    assert PythonCodeTextSplitter(chunk_size=45, chunk_overlap=0).split_text(code) == chunks
    latex = LatexTextSplitter(chunk_size=20, chunk_overlap=0).split_text(
        "Intro\n\\section{A}\ntext\n\\section{B}\ntext"
    )
    assert latex == ["Intro", "\\section{A}\ntext", "\\section{B}\ntext"]


def test_an_unknown_language_is_refused_with_those_that_are_known():
    with pytest.raises(ConfigError, match="no separators are known for 'klingon'; known are c, cpp"):
        RecursiveCharacterTextSplitter.from_language("klingon")


def test_each_chunk_has_metadata_of_its_own():
    splitter = RecursiveCharacterTextSplitter(chunk_size=5, chunk_overlap=0)
    source = Document("aaaa bbbb", metadata={"tags": ["x"], "in": {"a": [1]}})
    made = [splitter.split_documents([source]), splitter.transform_documents([source])]
    made.append(splitter.create_documents([source.page_content], [source.metadata]))
    for one, two in made:
        one.metadata["tags"].append("y")
        one.metadata["in"]["a"].append(2)
        assert two.metadata == source.metadata == {"tags": ["x"], "in": {"a": [1]}}


def test_lengths_are_the_tokens_of_a_tokenizer_of_hugging_face():
    tokenizer = Tokenizer(WordLevel({"[?]": 0}, unk_token="[?]"))
    tokenizer.pre_tokenizer = Whitespace()

    class Slow:
        def tokenize(self, text):
            return text.split()

    for each in (tokenizer, Slow()):
        splitter = RecursiveCharacterTextSplitter.from_huggingface_tokenizer(each, chunk_size=2, chunk_overlap=0)
        assert splitter.split_text("one two three") == ["one two", "three"]
    with pytest.raises(ConfigError, match="tokenize or encode"):
        RecursiveCharacterTextSplitter.from_huggingface_tokenizer(len)


@settings(max_examples=60)
@given(text=texts, size=st.integers(1, 12), kind=st.sampled_from([*KINDS, PythonCodeTextSplitter, LatexTextSplitter]))
def test_the_start_of_each_chunk_is_where_the_text_has_it(text, size, kind):
    for overlap in (0, size // 2):
        splitter = kind(chunk_size=size, chunk_overlap=overlap, add_start_index=True)
        for chunk in splitter.create_documents([text]):
            start = chunk.metadata["start_index"]
            assert text[start : start + len(chunk.page_content)] == chunk.page_content
