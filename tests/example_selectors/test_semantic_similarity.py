from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langchain_core import example_selectors as peer
from langchain_core import vectorstores as peer_stores
from langchain_core.documents import Document as PeerDocument
from pydantic import ValidationError
from tests.helpers import require

from prill import example_selectors as ours
from prill.documents import Document
from prill.embeddings import Embeddings
from prill.errors import ConfigError
from prill.example_selectors import MaxMarginalRelevanceExampleSelector, SemanticSimilarityExampleSelector
from prill.prompts import ChatPromptTemplate, FewShotChatMessagePromptTemplate, FewShotPromptTemplate, PromptTemplate
from prill.testing import check_runnable
from prill.vectorstores import FAISS, InMemoryVectorStore, VectorStore

require("numpy")

EXAMPLES = [{"q": "aaa", "a": "1"}, {"q": "bbb", "a": "2"}, {"q": "aab", "a": "3"}, {"q": "zzz", "a": "4"}]
KINDS: Any = [SemanticSimilarityExampleSelector, MaxMarginalRelevanceExampleSelector]


class Letters(Embeddings):
    """How often each letter occurs; remembers in which colour it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        self.asked.append("blocking")
        return [self._vector(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        self.asked.append("blocking")
        return self._vector(text)

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        self.asked.append("asyncio")
        return [self._vector(text) for text in texts]

    async def aembed_query(self, text: str) -> list[float]:
        self.asked.append("asyncio")
        return self._vector(text)

    def _vector(self, text: str) -> list[float]:
        return [float(text.count(chr(97 + at))) for at in range(26)]


@pytest.fixture(params=["InMemoryVectorStore", "FAISS"])
def store(request: pytest.FixtureRequest) -> Any:
    if request.param == "InMemoryVectorStore":
        return InMemoryVectorStore
    require("faiss")
    return FAISS


def similar(store: Any, **more: Any) -> SemanticSimilarityExampleSelector:
    arguments = {"k": 2, "input_keys": ["q"], **more}
    return SemanticSimilarityExampleSelector.from_examples(EXAMPLES, Letters(), store, **arguments)


def test_the_examples_nearest_to_the_input_are_chosen(store: Any) -> None:
    assert similar(store).select_examples({"q": "aa", "other": "zzzzzz"}) == [EXAMPLES[0], EXAMPLES[2]]
    assert similar(store, k=1).select_examples({"q": "z"}) == [EXAMPLES[3]]
    assert len(similar(store, k=9).select_examples({"q": "z"})) == 4


ALIKE = [{"q": "aaaa"}, {"q": "aaa"}, {"q": "abbb"}]


def test_examples_that_are_near_but_not_alike_are_chosen(store: Any) -> None:
    near = SemanticSimilarityExampleSelector.from_examples(ALIKE, Letters(), store, 2)
    diverse = MaxMarginalRelevanceExampleSelector.from_examples(ALIKE, Letters(), store, 2)
    assert {"q": "abbb"} not in near.select_examples({"q": "aaab"})
    assert {"q": "abbb"} in diverse.select_examples({"q": "aaab"})


@pytest.mark.parametrize("arguments", [{"fetch_k": 2}, {"vectorstore_kwargs": {"lambda_mult": 1.0}}])
def test_how_much_of_the_store_is_looked_at_and_how_much_nearness_counts_can_be_said(
    store: Any, arguments: dict[str, Any]
) -> None:
    chooser = MaxMarginalRelevanceExampleSelector.from_examples(ALIKE, Letters(), store, 2, **arguments)
    assert {"q": "abbb"} not in chooser.select_examples({"q": "aaab"})


@pytest.mark.parametrize("kind", KINDS)
def test_asyncio_gives_the_same_and_embeds_in_asyncio(store: Any, kind: Any) -> None:
    async def use() -> Any:
        embeddings = Letters()
        chooser = await kind.afrom_examples(EXAMPLES[:2], embeddings, store, k=1, input_keys=["q"])
        await chooser.aadd_example(EXAMPLES[3])
        return await chooser.aselect_examples({"q": "zz"}), embeddings.asked

    embeddings = Letters()
    chooser = kind.from_examples(EXAMPLES[:2], embeddings, store, k=1, input_keys=["q"])
    chooser.add_example(EXAMPLES[3])
    assert (chooser.select_examples({"q": "zz"}), embeddings.asked) == ([EXAMPLES[3]], ["blocking"] * 3)
    assert asyncio.run(use()) == ([EXAMPLES[3]], ["asyncio"] * 3)


@pytest.mark.parametrize("kind", KINDS)
def test_an_added_example_gets_the_id_that_the_store_gives(store: Any, kind: Any) -> None:
    chooser = kind(vectorstore=store(Letters()))
    for id in (chooser.add_example({"q": "b"}), asyncio.run(chooser.aadd_example({"q": "b"}))):
        assert [found.page_content for found in chooser.vectorstore.get_by_ids([id])] == ["b"]


def test_example_keys_say_what_is_given_of_an_example(store: Any) -> None:
    assert similar(store, k=1, example_keys=["a"]).select_examples({"q": "z"}) == [{"a": "4"}]


def test_vectorstore_kwargs_go_to_the_search_and_others_to_the_class() -> None:
    chooser = similar(FAISS, k=4, vectorstore_kwargs={"filter": {"a": ["2", "4"]}}, distance_strategy="COSINE")
    assert chooser.select_examples({"q": "z"}) == [EXAMPLES[3], EXAMPLES[1]]
    assert chooser.vectorstore.distance_strategy == "COSINE"
    with pytest.raises(ConfigError, match="InMemoryVectorStore takes no argument 'distance_strategy'"):
        similar(InMemoryVectorStore, distance_strategy="COSINE")


def test_a_caller_who_changes_a_chosen_example_changes_his_own() -> None:
    chooser = similar(InMemoryVectorStore, k=1)
    chooser.select_examples({"q": "z"})[0]["a"] = "broken"
    assert chooser.select_examples({"q": "z"}) == [EXAMPLES[3]]


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_count_as_text_and_other_values_are_refused(kind: Any) -> None:
    chooser = kind.from_examples([{"q": "a", "n": 3}], Letters(), InMemoryVectorStore)
    assert chooser.select_examples({"q": "a", "n": 4.5}) == [{"q": "a", "n": 3}]
    for values in ({"q": "a", "history": ["hello"]}, {"q": None}):
        with pytest.raises(ConfigError, match="is not a text: list the keys with texts in input_keys"):
            chooser.select_examples(values)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("which", ["input_keys", "example_keys"])
def test_an_example_without_a_named_key_is_refused(kind: Any, which: str) -> None:
    wanted = r"the example has no 'b', which input_keys name; it has q, a"
    with pytest.raises(ConfigError, match=wanted.replace("input_keys", which)):
        kind.from_examples(EXAMPLES, Letters(), InMemoryVectorStore, **{which: ["b"]})
    chooser = kind(vectorstore=InMemoryVectorStore(Letters()), **{which: ["b"]})
    with pytest.raises(ConfigError, match=wanted.replace("input_keys", which)):
        chooser.add_example(EXAMPLES[0])


def test_an_input_without_a_named_key_is_refused() -> None:
    with pytest.raises(ConfigError, match="the input has no 'q', which input_keys name; it has other"):
        similar(InMemoryVectorStore).select_examples({"other": "x"})


def test_documents_of_the_store_without_the_example_keys_are_refused() -> None:
    strange = InMemoryVectorStore(Letters())
    strange.add_texts(["a"], [{"other": 1}])
    chooser = SemanticSimilarityExampleSelector(vectorstore=strange, example_keys=["a"])
    with pytest.raises(ConfigError, match="the example has no 'a', which example_keys name; it has other"):
        chooser.select_examples({"q": "a"})


@pytest.mark.parametrize("arguments", [{"k": 0}, {"k": -1}, {"nothing": 1}, {"vectorstore": "x"}])
@pytest.mark.parametrize("kind", KINDS)
def test_wrong_arguments_are_refused_when_it_is_made(kind: Any, arguments: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        kind(**{"vectorstore": InMemoryVectorStore(Letters()), **arguments})
    with pytest.raises(ValidationError):
        MaxMarginalRelevanceExampleSelector(vectorstore=InMemoryVectorStore(Letters()), fetch_k=0)


def test_without_examples_nothing_is_chosen(store: Any) -> None:
    chooser = SemanticSimilarityExampleSelector.from_examples([], Letters(), store)
    assert chooser.select_examples({"q": "a"}) == []


def test_a_few_shot_prompt_shows_what_fits_its_input_in_both_colours(store: Any) -> None:
    one = PromptTemplate.from_template("{q}={a}")
    prompt = FewShotPromptTemplate(example_selector=similar(store, k=1), example_prompt=one, suffix="{q}=")
    assert prompt.invoke({"q": "zz"}).to_string() == "zzz=4\n\nzz="
    assert asyncio.run(prompt.aformat(q="bb")) == "bbb=2\n\nbb="
    check_runnable(prompt, {"q": "zz"})


def test_a_chat_prompt_shows_what_fits_its_input_in_both_colours(store: Any) -> None:
    one = ChatPromptTemplate([("human", "{q}"), ("ai", "{a}")])
    shots = FewShotChatMessagePromptTemplate(
        example_selector=similar(store, k=1), example_prompt=one, input_variables=["q"]
    )
    prompt = ChatPromptTemplate([("placeholder", "{history}"), shots, ("human", "{q}")])
    given = {"q": "zz", "history": [("human", "earlier")]}
    for made in (prompt.invoke(given), asyncio.run(prompt.ainvoke(given))):
        assert [message.content for message in made.to_messages()] == ["earlier", "zzz", "4", "zz"]


# What a store is asked, compared with the peer


class Asked:
    """Writes down what a store is asked."""

    log: list[Any]
    document: Any

    def add_texts(self, texts: Any, metadatas: Any = None, **kwargs: Any) -> list[str]:
        self.log.append(("add", list(texts), metadatas, kwargs))
        return ["id"]

    def similarity_search(self, *args: Any, **kwargs: Any) -> Any:
        self.log.append(("similar", args, kwargs))
        return [self.document(page_content="x", metadata={"a": "1", "b": "2"})]

    def max_marginal_relevance_search(self, *args: Any, **kwargs: Any) -> Any:
        self.log.append(("diverse", args, kwargs))
        return [self.document(page_content="x", metadata={"a": "1", "b": "2"})]

    @classmethod
    def from_texts(cls, texts: Any, embedding: Any, metadatas: Any = None, **kwargs: Any) -> Any:
        cls.log.append(("from", texts, embedding, metadatas, kwargs))
        return cls()


class Ours(Asked, VectorStore):
    log: list[Any] = []
    document = Document


class Theirs(Asked, peer_stores.VectorStore):
    log: list[Any] = []
    document = PeerDocument


@pytest.mark.parametrize("name", [kind.__name__ for kind in KINDS])
@pytest.mark.parametrize(
    "arguments",
    [{}, {"k": 2, "input_keys": ["b"], "example_keys": ["a"], "extra": 5}, {"vectorstore_kwargs": {"filter": 1}}],
)
def test_a_store_is_asked_what_the_peer_asks_it(name: str, arguments: dict[str, Any]) -> None:
    examples = [{"b": "x", "a": "y"}, {"b": "1", "a": "2"}]
    seen: list[Any] = []
    for room, store in ((ours, Ours), (peer, Theirs)):
        store.log.clear()
        chooser = getattr(room, name).from_examples(examples, "embedding", store, **arguments)
        seen.append(
            (
                chooser.add_example({"a": "5", "b": "4"}),
                chooser.select_examples({"b": "q", "a": "p"}),
                store.log.copy(),
            )
        )
    if name.startswith("Max") and "vectorstore_kwargs" in arguments:  # the peer loses them here
        seen[1][2][-1][2].update(arguments["vectorstore_kwargs"])
    assert seen[0] == seen[1]
