"""Vector stores of other packages, the real ones, on Prill's core: added to, searched, filtered, deleted from."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from tests.agents.threads.conftest import PostgresServer
from tests.helpers import require, requires

START = """
import asyncio, sys, uuid
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding
import prill.documents, prill.vectorstores
assert Document is prill.documents.Document
embeddings = DeterministicFakeEmbedding(size=16)
TRAM, BUS, MUSEUM = "The tram runs until midnight.", "The bus runs until four.", "The museum is closed."
documents = [
    Document(TRAM, metadata={"city": "Bergen"}),
    Document(BUS, metadata={"city": "Oslo"}),
    Document(MUSEUM, metadata={"city": "Oslo"}),
]
ids = [str(uuid.UUID(int=number)) for number in range(3)]
"""

USE = """
assert isinstance(store, prill.vectorstores.VectorStore)
texts = lambda found: [document.page_content for document in found]
assert store.add_documents(documents, ids=ids) == ids
assert texts(store.similarity_search(TRAM, k=1)) == [TRAM]
assert sorted(texts(store.similarity_search(TRAM, k=3, filter=oslo))) == sorted([BUS, MUSEUM])
assert texts(store.as_retriever(search_kwargs={"k": 1}).invoke(BUS)) == [BUS]
assert len(store.as_retriever(search_type="mmr", search_kwargs={"k": 2, "fetch_k": 3}).invoke(BUS)) == 2
assert store.get_by_ids(ids[:1])[0].page_content == TRAM
store.delete(ids[:1])
assert sorted(texts(store.similarity_search(TRAM, k=3))) == sorted([BUS, MUSEUM])

async def use(store):
    assert len(await store.aadd_documents(documents[:1], ids=ids[:1])) == 1
    assert texts(await store.asimilarity_search(TRAM, k=1)) == [TRAM]
    assert sorted(texts(await store.asimilarity_search(TRAM, k=3, filter=oslo))) == sorted([BUS, MUSEUM])
    assert texts(await store.as_retriever(search_kwargs={"k": 1}).ainvoke(MUSEUM)) == [MUSEUM]
    await store.adelete(ids[:1])
    assert len(await store.asimilarity_search(TRAM, k=3)) == 2
"""


def run(code, **environment):
    """Run a program with the core's names leading to Prill."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "prill.compat", "--core", "-c", START + code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "ANONYMIZED_TELEMETRY": "False", **environment},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1:] == ["done"]


QDRANT = """
from langchain_qdrant import QdrantVectorStore
from qdrant_client import models
store = QdrantVectorStore.from_texts(["first"], embeddings, ids=[str(uuid.uuid4())], collection_name="all", {place})
store.delete([point.id for point in store.client.scroll("all")[0]])
oslo = models.Filter(
    must=[models.FieldCondition(key="metadata.city", match=models.MatchValue(value="Oslo"))]
)
"""


@requires("langchain-qdrant")
@pytest.mark.parametrize("kind", ["memory", "folder"])
def test_qdrant_in_this_process(kind, tmp_path):
    place = 'location=":memory:"' if kind == "memory" else f"path={str(tmp_path)!r}"
    run(QDRANT.format(place=place) + USE + "asyncio.run(use(store))\nstore.client.close()\nprint('done')")


@requires("langchain-chroma")
@pytest.mark.parametrize("kind", ["memory", "folder"])
def test_chroma_in_this_process(kind, tmp_path):
    place = "" if kind == "memory" else f"persist_directory={str(tmp_path)!r}"
    make = f"""
from langchain_chroma import Chroma
store = Chroma(collection_name="all", embedding_function=embeddings, {place})
oslo = {{"city": "Oslo"}}
"""
    run(make + USE + "asyncio.run(use(store))\nprint('done')")


@pytest.fixture
def vector_server():
    for need in ("pgvector", "langchain-postgres"):
        require(need)
    server = PostgresServer()
    yield server
    server.remove()


def test_postgres_with_its_extension_for_vectors(vector_server):
    make = f"""
from langchain_postgres import PGVector
url = "postgresql+psycopg://prill@/postgres?host={vector_server.folder}"
store = PGVector(embeddings=embeddings, collection_name="all", connection=url)
oslo = {{"city": "Oslo"}}
"""
    later = """
async def main():
    store = PGVector(embeddings=embeddings, collection_name="all", connection=url, async_mode=True)
    await use(store)
    await store._async_engine.dispose()

asyncio.run(main())
print("done")
"""
    run(make + USE + later)
