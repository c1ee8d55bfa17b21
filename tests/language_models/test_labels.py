"""What a model says of itself: to observers, and as plain data."""

import langchain_core.language_models as their

import prill.language_models as ours
from prill.documents import Document
from prill.language_models import FakeListChatModel, FakeListLLM, LangSmithParams
from prill.retrievers import BaseRetriever, LangSmithRetrieverParams
from prill.runnables import RunnableLambda


def test_a_model_as_plain_data_has_its_settings_and_its_kind():
    for kind in ("FakeListChatModel", "FakeListLLM"):
        model = {"FakeListChatModel": FakeListChatModel, "FakeListLLM": FakeListLLM}[kind](responses=["a"])
        assert model.asdict() == getattr(their, kind)(responses=["a"]).asdict()


def test_the_types_of_labels_have_the_documented_keys():
    assert set(LangSmithParams.__annotations__) == set(their.LangSmithParams.__annotations__)
    assert "ls_retriever_name" in LangSmithRetrieverParams.__annotations__


def test_a_model_s_own_labels_are_in_the_metadata_of_its_runs():
    class Labelled(FakeListChatModel):
        def _get_ls_params(self, stop=None, **kwargs) -> LangSmithParams:
            return {"ls_provider": "mine", "ls_model_name": "m"}

    events = list(Labelled(responses=["a"]).stream_events("x"))
    assert events[0]["metadata"] == {"ls_provider": "mine", "ls_model_name": "m"}


def test_a_retriever_s_own_labels_are_in_the_metadata_of_its_runs():
    class Labelled(BaseRetriever):
        def _get_relevant_documents(self, query, *, run_manager):
            return [Document(query)]

        def _get_ls_params(self, **kwargs) -> LangSmithRetrieverParams:
            return {**super()._get_ls_params(**kwargs), "ls_vector_store_provider": "mine"}

    chain = RunnableLambda(lambda x: x) | Labelled()
    starts = [event for event in chain.stream_events("x") if event["event"] == "on_retriever_start"]
    assert starts[0]["metadata"] == {"ls_retriever_name": "labelled", "ls_vector_store_provider": "mine"}


def test_a_model_takes_verbose_as_programs_give_it_and_prints_nothing(capsys):
    for module in (their, ours):
        model = module.FakeListChatModel(responses=["a"], verbose=True)
        assert model.verbose
        assert model.invoke("x").content == "a"
    assert capsys.readouterr().out == ""
