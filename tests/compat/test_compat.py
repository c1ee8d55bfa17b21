"""``prill.compat``: other packages' names lead to Prill, all of them or with an error that says which does not."""

import importlib
import importlib.util
import inspect
import pickle
import subprocess
import sys
import threading

import pytest

import prill
import prill.compat
from prill.caches import InMemoryCache
from prill.compat import CompatError, NoCounterpartError, NoCounterpartModuleError, mapping, names
from prill.compat.absent import ADVICE
from prill.compat.module_map import INNER, MODULES, PACKAGES, ROOTS
from prill.globals import get_debug, get_llm_cache
from prill.messages import AIMessage
from prill.runnables import RunnableLambda


def python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_nothing_happens_unless_it_is_asked_for():
    done = python("import sys, prill, prill.runnables; print('prill.compat' in sys.modules, len(sys.meta_path))")
    assert done.stdout.split()[0] == "False"


def test_importing_compat_loads_no_other_room():
    code = "import sys, prill.compat; print(*sorted({n.split('.')[1] for n in sys.modules if n.startswith('prill.')}))"
    assert python(code).stdout.split() == ["compat", "errors", "lazy", "version"]


# What is there


def test_classes_are_prill_s_own(compat):
    import langchain_core.messages
    from langchain_core.messages.ai import AIMessage as Inner
    from langchain_core.runnables.base import RunnableLambda as Lambda

    assert langchain_core.messages.AIMessage is Inner is AIMessage
    assert Lambda is RunnableLambda


def test_langserve_leads_to_prill_s_server(compat):
    import langserve
    from langserve import RemoteRunnable, add_routes
    from langserve.schema import CustomUserType

    import prill.serve

    assert langserve.RemoteRunnable is RemoteRunnable is prill.serve.RemoteRunnable
    assert add_routes is prill.serve.add_routes
    assert CustomUserType is prill.serve.CustomUserType


def test_loaders_and_splitters_lead_to_prill_s(compat):
    from langchain.document_loaders.pdf import PyPDFLoader
    from langchain_community.document_loaders import TextLoader, UnstructuredMarkdownLoader
    from langchain_community.document_loaders.generic import GenericLoader
    from langchain_core.document_loaders import BaseLoader
    from langchain_text_splitters import HTMLHeaderTextSplitter
    from langchain_text_splitters.base import Language

    from prill import document_loaders, text_splitters

    assert TextLoader is document_loaders.TextLoader
    assert UnstructuredMarkdownLoader is document_loaders.MarkdownLoader
    assert GenericLoader is document_loaders.GenericLoader
    assert issubclass(PyPDFLoader, BaseLoader)
    assert (HTMLHeaderTextSplitter, Language) == (text_splitters.HTMLHeaderTextSplitter, text_splitters.Language)


def test_every_form_of_import_works(compat):
    import langchain_core.prompts.chat as chat
    from langchain_core import messages
    from langchain_core import output_parsers as parsers

    space = {}
    exec("from langchain_core.messages import *", space)
    assert space["AIMessage"] is messages.AIMessage is AIMessage
    assert importlib.import_module("langchain_core.prompts").ChatPromptTemplate is chat.ChatPromptTemplate
    assert parsers.StrOutputParser is prill.StrOutputParser
    assert "AIMessage" in dir(messages)
    assert "ai" in dir(messages)
    assert "AIMessage" in messages.__all__


def test_a_package_shows_its_modules_without_their_being_imported(compat):
    import langchain_core

    assert langchain_core.messages.ai.AIMessage is AIMessage


def test_a_function_goes_before_a_module_of_the_same_name(compat, monkeypatch):
    import langchain_core.utils

    assert langchain_core.utils.formatter.format("{a}", a=1) == "1"
    monkeypatch.setitem(MODULES, "langchain_core.utils.comma_list", "prill.utils.strings")
    import langchain_core.utils.comma_list

    assert langchain_core.utils.comma_list([1, 2]) == "1, 2"


def test_the_module_says_what_it_is(compat):
    spec = importlib.util.find_spec("langchain_core.messages")
    assert spec.origin == "prill.compat (prill.messages)"
    assert spec.submodule_search_locations == []
    assert importlib.util.find_spec("langchain_core.prompts.chat").submodule_search_locations is None
    assert inspect.ismodule(importlib.import_module("langchain_core.prompts.chat"))


def test_versions_are_those_of_the_documented_names(compat):
    import langchain_core

    assert langchain_core.__version__ == f"1.8.3+prill.{prill.__version__}"
    assert langchain_core.__version__ == importlib.import_module("langchain_core.version").VERSION


def test_objects_that_are_pickled_belong_to_prill(compat):
    from langchain_core.messages import HumanMessage

    pickled = pickle.dumps(HumanMessage("hi"))
    assert b"langchain" not in pickled
    assert pickle.loads(pickled) == HumanMessage("hi")


def test_pickles_that_name_the_other_package_s_class_lead_here(compat):
    """Protocol 0 is text: a class is ``c``, its module, its name."""
    assert pickle.loads(b"clangchain_core.messages.ai\nAIMessage\n.") is AIMessage


def test_many_threads_may_import_at_once(compat):
    found, start = [], threading.Barrier(8)

    def look():
        start.wait()
        found.append(importlib.import_module("langchain_core.output_parsers.json").JsonOutputParser)

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(found) == {prill.JsonOutputParser}
    assert len(found) == 8


def test_settings_of_the_module_are_those_of_the_program(compat):
    import langchain

    cache = InMemoryCache()
    langchain.debug, langchain.llm_cache = True, cache
    try:
        assert get_debug()
        assert langchain.debug
        assert get_llm_cache() is langchain.llm_cache is cache
    finally:
        langchain.debug, langchain.llm_cache = False, None
    assert not langchain.debug
    assert langchain.llm_cache is None


# What is not there


@pytest.mark.parametrize(
    ("statement", "module", "name"),
    [
        ("from langchain_core.messages import Missing", "langchain_core.messages", "Missing"),
        ("from langchain_core.prompts.chat import Missing", "langchain_core.prompts.chat", "Missing"),
        ("from langchain_core import Missing", "langchain_core", "Missing"),
        ("from langchain_core.messages import AIMessage, Missing as other", "langchain_core.messages", "Missing"),
    ],
)
def test_a_name_that_is_not_there_is_named(compat, statement, module, name):
    with pytest.raises(NoCounterpartError, match=f"{name!r} from {module!r}.*--list {module}`") as caught:
        exec(statement)
    assert isinstance(caught.value, ImportError)
    assert not isinstance(caught.value, ModuleNotFoundError)
    assert caught.value.name == module


def test_a_slip_of_the_pen_is_told(compat):
    with pytest.raises(NoCounterpartError, match="did you mean 'AIMessage'"):
        exec("from langchain_core.messages import AIMesage")


@pytest.mark.parametrize(
    "statement",
    [
        "import langchain_core.missing.inner",
        "import langchain_core.missing",
        "from langchain_core.missing import x",
        "import langchain_core.prompts.chat.missing",
        "importlib.import_module('langchain_core.missing')",
    ],
)
def test_a_module_that_is_not_there_is_named(compat, statement):
    kind = ModuleNotFoundError if "chat" in statement else NoCounterpartModuleError
    with pytest.raises(kind, match=r"langchain_core\.(prompts\.chat\.)?missing'") as caught:
        exec(statement, {"importlib": importlib})
    assert isinstance(caught.value, ModuleNotFoundError)


@pytest.mark.parametrize(
    ("statement", "advice"),
    [
        ("from langchain.chains import LLMChain", r"prompt \| model \| parser"),
        ("from langchain import LLMChain", r"prompt \| model \| parser"),
        ("from langchain.agents import initialize_agent", "create_agent"),
        ("from langgraph.graph import StateGraph", "--core"),
        ("from langchain.memory import ConversationBufferMemory", "RunnableWithMessageHistory"),
        ("from langchain_core.tracers import LangChainTracer", "LangSmith"),
        ("from langchain_community.chat_models import ChatTongyi", "init_chat_model"),
        ("from langchain_community.document_loaders import NotionDBLoader", r"prill\.document_loaders"),
    ],
)
def test_the_error_says_what_to_do_instead(compat, statement, advice):
    with pytest.raises(NoCounterpartError, match=advice):
        exec(statement)


def test_code_that_only_looks_is_told_in_the_usual_way(compat):
    import langchain_core.messages

    assert not hasattr(langchain_core.messages, "Missing")
    assert getattr(langchain_core.messages, "Missing", 7) == 7
    assert importlib.util.find_spec("langchain_core.missing") is None
    with pytest.raises(AttributeError, match="as Prill has it, has no attribute 'Missing'"):
        langchain_core.messages.Missing


def test_a_program_can_fall_back_when_a_name_is_not_there(compat):
    try:
        from langchain.agents import initialize_agent
    except ImportError:
        initialize_agent = None
    assert initialize_agent is None


def test_errors_are_pickled_whole(compat):
    with pytest.raises(NoCounterpartModuleError) as caught:
        import langchain.smith  # noqa: F401 - it is not there
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.name) == (str(caught.value), "langchain.smith")


@pytest.mark.parametrize("name", [name for name in ADVICE if name not in MODULES])
def test_advice_is_given_only_on_what_is_not_there(name):
    module, _, last = name.rpartition(".")
    assert module not in MODULES or last not in names(module)


# Switching it on and off


def test_install_is_refused_where_the_real_package_is_there_and_changes_nothing():
    done = python(
        "import sys, prill.compat, langchain_core.messages as m; before = list(sys.meta_path)\n"
        "try: prill.compat.install()\n"
        "except ImportError as error: print(type(error).__name__, error)\n"
        "print(sys.meta_path == before, m.__file__ is not None, prill.compat.is_installed())"
    )
    first, second = done.stdout.splitlines()
    assert first.startswith("CompatError langchain_core has been imported already, from /")
    assert "langchain_core" in first
    assert "python -m prill.compat" in first
    assert second == "True True False"


def test_uninstalling_gives_the_names_back(aside):
    with prill.compat.installed():
        from langchain_core.messages import AIMessage as Ours

        assert prill.compat.is_installed()
    assert not prill.compat.is_installed()
    assert [name for name in sys.modules if name.partition(".")[0] in ROOTS] == []
    assert Ours is AIMessage
    from langchain_core.messages import AIMessage as Theirs

    assert Theirs is not AIMessage
    with pytest.raises(CompatError, match="langchain_core"):
        prill.compat.install()


def test_a_block_inside_an_installed_program_leaves_it_installed(compat):
    prill.compat.install()
    with prill.compat.installed():
        pass
    assert prill.compat.is_installed()
    assert importlib.import_module("langchain_core.messages").AIMessage is AIMessage


def test_a_block_that_fails_is_left_uninstalled(aside):
    with pytest.raises(KeyError), prill.compat.installed():
        raise KeyError
    assert not prill.compat.is_installed()


# The table


@pytest.mark.parametrize("module", sorted(MODULES))
def test_every_name_of_the_table_is_there(compat, module):
    view = importlib.import_module(module)
    assert view.__all__ == [name for name in names(module) if not name.startswith("__")]
    for name, home in names(module).items():
        found = getattr(view, name)
        place, _, inner = home.rpartition(".")
        assert found is getattr(importlib.import_module(place), inner)


def test_mapping_names_modules_that_are_there():
    table = mapping()
    assert table["langchain_core.messages"] == ("prill.messages",)
    assert table["langchain.chat_models.openai"] == ("prill.openai",)
    assert list(table) == sorted(table) == sorted(MODULES)


def test_names_refuses_a_module_that_is_not_there():
    with pytest.raises(NoCounterpartModuleError, match=r"langchain_core\.missing"):
        names("langchain_core.missing")


def test_every_module_has_its_package_in_the_table():
    assert {package for package in PACKAGES if package} <= set(MODULES) | set(INNER)


def test_googles_package_leads_to_prills_classes(compat):
    from langchain_google_genai import ChatGoogleGenerativeAI, GoogleGenerativeAIEmbeddings, HarmCategory
    from langchain_google_genai.chat_models import ChatGoogleGenerativeAIError

    import prill.google
    from prill.errors import ModelAPIError

    assert ChatGoogleGenerativeAI is prill.google.ChatGoogleGenerativeAI
    assert GoogleGenerativeAIEmbeddings is prill.google.GoogleGenerativeAIEmbeddings
    assert HarmCategory is prill.google.HarmCategory
    assert ChatGoogleGenerativeAIError is ModelAPIError
    with pytest.raises(NoCounterpartError, match="ChatGoogleGenerativeAI"):
        from langchain_google_genai import GoogleGenerativeAI  # noqa: F401 - it is not there


def test_of_amazons_package_the_class_for_all_models_is_there(compat):
    from langchain_aws import ChatBedrockConverse

    import prill.bedrock

    assert ChatBedrockConverse is prill.bedrock.ChatBedrockConverse
    with pytest.raises(NoCounterpartError, match="ChatBedrockConverse"):
        from langchain_aws import ChatBedrock  # noqa: F401 - it is not there


@pytest.mark.parametrize(
    ("module", "name", "home"),
    [
        ("langchain.chains", "create_retrieval_chain", "chains"),
        ("langchain.chains.combine_documents", "create_stuff_documents_chain", "chains"),
        ("langchain.chains.history_aware_retriever", "create_history_aware_retriever", "chains"),
        ("langchain.retrievers", "EnsembleRetriever", "retrievers"),
        ("langchain.retrievers.document_compressors", "LLMChainExtractor", "retrievers"),
        ("langchain_classic.chains", "create_retrieval_chain", "chains"),
        ("langchain_classic.retrievers", "ParentDocumentRetriever", "retrievers"),
        ("langchain_community.document_transformers", "EmbeddingsRedundantFilter", "retrievers"),
        ("langchain_community.retrievers", "BM25Retriever", "retrievers"),
        ("langchain_core.cross_encoders", "BaseCrossEncoder", "retrievers"),
    ],
)
def test_names_of_retrieval_lead_to_prill(compat, module, name, home):
    assert getattr(importlib.import_module(module), name) is getattr(importlib.import_module(f"prill.{home}"), name)
