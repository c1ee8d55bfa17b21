"""Documents."""

import asyncio
import pickle

import pytest
from pydantic import ValidationError

from prill.documents import BaseDocumentCompressor, BaseDocumentTransformer, Document


def test_the_text_may_be_given_first():
    assert Document("x") == Document(page_content="x")


def test_repr_and_str_show_what_is_there():
    assert repr(Document("x", metadata={"a": 1}, id="3")) == "Document(id='3', metadata={'a': 1}, page_content='x')"
    assert str(Document("x")) == "page_content='x'"
    assert str(Document("x", metadata={"a": 1})) == "page_content='x' metadata={'a': 1}"


def test_ids_become_text():
    assert Document("x", id=5).id == "5"


def test_a_document_needs_text():
    with pytest.raises(ValidationError):
        Document(metadata={})


def test_round_trips():
    document = Document("x", metadata={"a": 1}, id="3")
    assert Document.model_validate(document.model_dump()) == document
    assert pickle.loads(pickle.dumps(document)) == document


def test_own_transformers_and_compressors_get_asyncio_forms():
    class Upper(BaseDocumentTransformer):
        def transform_documents(self, documents, **kwargs):
            return [Document(document.page_content.upper()) for document in documents]

    class First(BaseDocumentCompressor):
        count: int = 1

        def compress_documents(self, documents, query, callbacks=None):
            return documents[: self.count]

    documents = [Document("a"), Document("b")]
    assert asyncio.run(Upper().atransform_documents(documents)) == [Document("A"), Document("B")]
    assert asyncio.run(First().acompress_documents(documents, "q")) == [Document("a")]
