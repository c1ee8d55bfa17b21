"""Documents, embeddings, vector stores, retrievers, stores, histories, caches, rate limiters."""

from langchain_core.caches import InMemoryCache
from langchain_core.chat_history import BaseChatMessageHistory, InMemoryChatMessageHistory
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding, Embeddings
from langchain_core.globals import get_llm_cache, set_llm_cache
from langchain_core.language_models import FakeListChatModel
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder, format_document
from langchain_core.prompts.prompt import PromptTemplate
from langchain_core.rate_limiters import InMemoryRateLimiter
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables.history import RunnableWithMessageHistory
from langchain_core.stores import InMemoryByteStore, InMemoryStore
from langchain_core.utils import batch_iterate, comma_list, from_env
from langchain_core.vectorstores import InMemoryVectorStore


class Letters(Embeddings):
    def embed_documents(self, texts):
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text):
        return [float(text.lower().count(letter)) + 0.01 for letter in "abcdefghij"]


class Fixed(BaseRetriever):
    found: list[Document]

    def _get_relevant_documents(self, query, *, run_manager):
        return [each for each in self.found if query in each.page_content]


docs = [Document("a bad cab", metadata={"n": 1}, id="x"), Document("hijack", metadata={"n": 2}, id="y")]
store = InMemoryVectorStore(Letters())
print(store.add_documents(docs))
print([(found.id, found.metadata) for found in store.similarity_search("abc", k=1)])
print([round(score, 3) for _, score in store.similarity_search_with_score("hi", k=2)])
print(store.as_retriever(search_kwargs={"k": 1}).invoke("hij")[0].page_content)
print([found.id for found in store.get_by_ids(["y", "x"])], Fixed(found=docs).invoke("cab")[0].id)
same = DeterministicFakeEmbedding(size=3)
print(len(same.embed_query("x")), same.embed_query("x") == same.embed_query("x"))
print(format_document(docs[0], PromptTemplate.from_template("{page_content} ({n})")))

values = InMemoryStore()
values.mset([("a", 1), ("b", 2)])
print(values.mget(["a", "z"]), sorted(values.yield_keys()), isinstance(InMemoryByteStore().mget(["a"]), list))

histories = {}


def history_of(session_id: str) -> BaseChatMessageHistory:
    return histories.setdefault(session_id, InMemoryChatMessageHistory())


talk = ChatPromptTemplate.from_messages([MessagesPlaceholder("past"), ("human", "{said}")])
remembering = RunnableWithMessageHistory(
    talk | FakeListChatModel(responses=["one", "two"]),
    history_of,
    input_messages_key="said",
    history_messages_key="past",
)
for line in ("first", "second"):
    print(remembering.invoke({"said": line}, {"configurable": {"session_id": "s"}}).content)
print([message.content for message in histories["s"].messages])

set_llm_cache(InMemoryCache())
model = FakeListChatModel(responses=["first answer", "second answer"])
print(model.invoke("?").content, model.invoke("?").content, type(get_llm_cache()).__name__)
set_llm_cache(None)
print(InMemoryRateLimiter(requests_per_second=1000, max_bucket_size=1).acquire())
print(list(batch_iterate(2, range(5))), comma_list([1, 2]), from_env("SURELY_NOT_SET", default="none")())
