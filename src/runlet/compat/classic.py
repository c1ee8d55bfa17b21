"""``langchain``, ``langchain_community``, ``langchain_text_splitters``: which modules there are, and where they lead.

Of ``langchain`` these are the modules that show what is now in ``langchain_core`` and in the vendors' packages, as
programs written from 2023 on import them, and those of version 1 for models, messages and tools.
"""

from __future__ import annotations

from runlet.compat.core import GLOBALS, HANDLERS, MANAGERS

_MESSAGES = (
    "runlet.messages:AIMessage,AIMessageChunk,AnyMessage,BaseMessage,BaseMessageChunk,ChatMessage,ChatMessageChunk,"
    "FunctionMessage,FunctionMessageChunk,HumanMessage,HumanMessageChunk,SystemMessage,SystemMessageChunk,ToolMessage,"
    "ToolMessageChunk,_message_from_dict,get_buffer_string,messages_from_dict,messages_to_dict,message_to_dict"
)
_OUTPUTS = "runlet.outputs:ChatGeneration,ChatGenerationChunk,ChatResult,Generation,GenerationChunk,LLMResult,RunInfo"
_PARSERS = (
    "runlet.output_parsers:BaseCumulativeTransformOutputParser,BaseGenerationOutputParser,BaseLLMOutputParser,"
    "BaseOutputParser,BaseTransformOutputParser,StrOutputParser runlet.errors:OutputParserException"
)
_FAKE_LLMS = "runlet.language_models:FakeListLLM,FakeStreamingListLLM"
_FAKE_CHAT = "runlet.language_models:FakeListChatModel,FakeMessagesListChatModel"
_FAKE_EMBEDDINGS = "runlet.embeddings:DeterministicFakeEmbedding,FakeEmbeddings"
_MEMORY_CHATS = "runlet.chat_history:ChatMessageHistory=InMemoryChatMessageHistory"
_CACHES = "runlet.caches:BaseCache,InMemoryCache,SQLiteCache"
_RETRY_PARSERS = "runlet.output_parsers:RetryOutputParser,RetryWithErrorOutputParser"
_TEXT_MODELS = "runlet.openai:OpenAI runlet.anthropic:Anthropic"
_CHAT_MODELS = "runlet.openai:ChatOpenAI runlet.anthropic:ChatAnthropic"
_PROMPT_SELECTORS = (
    "runlet.example_selectors:LengthBasedExampleSelector,MaxMarginalRelevanceExampleSelector,"
    "SemanticSimilarityExampleSelector"
)

CLASSIC = {
    "langchain": (
        "runlet.compat.versions:__version__=CLASSIC runlet.prompts:FewShotPromptTemplate,PromptTemplate "
        f"{_TEXT_MODELS} runlet.vectorstores:FAISS"
    ),
    "langchain.cache": _CACHES,
    "langchain.callbacks": (
        "runlet.callbacks:FileCallbackHandler,StdOutCallbackHandler,StreamingStdOutCallbackHandler "
        "runlet.tracers:collect_runs"
    ),
    "langchain.callbacks.base": HANDLERS,
    "langchain.callbacks.file": "runlet.callbacks:FileCallbackHandler",
    "langchain.callbacks.manager": f"{MANAGERS} runlet.tracers:collect_runs",
    "langchain.callbacks.stdout": "runlet.callbacks:StdOutCallbackHandler",
    "langchain.callbacks.streaming_stdout": "runlet.callbacks:StreamingStdOutCallbackHandler",
    "langchain.callbacks.tracers": "runlet.tracers:ConsoleCallbackHandler,BaseTracer",
    "langchain.chat_models": f"runlet.chat_models:init_chat_model {_CHAT_MODELS} {_FAKE_CHAT}",
    "langchain.chat_models.anthropic": "runlet.anthropic:ChatAnthropic",
    "langchain.chat_models.base": (
        "runlet.chat_models:init_chat_model runlet.language_models:BaseChatModel,SimpleChatModel"
    ),
    "langchain.chat_models.fake": _FAKE_CHAT,
    "langchain.chat_models.openai": "runlet.openai:ChatOpenAI",
    "langchain.docstore": "runlet.documents:Document",
    "langchain.docstore.document": "runlet.documents:Document",
    "langchain.document_transformers": "runlet.documents:BaseDocumentTransformer",
    "langchain.embeddings": (
        f"runlet.openai:OpenAIEmbeddings runlet.embeddings:CacheBackedEmbeddings {_FAKE_EMBEDDINGS}"
    ),
    "langchain.embeddings.base": "runlet.embeddings:Embeddings",
    "langchain.embeddings.cache": "runlet.embeddings:CacheBackedEmbeddings",
    "langchain.embeddings.fake": _FAKE_EMBEDDINGS,
    "langchain.embeddings.openai": "runlet.openai:OpenAIEmbeddings",
    "langchain.globals": GLOBALS,
    "langchain.indexes": "runlet.indexing:aindex,index",
    "langchain.llms": f"{_TEXT_MODELS} {_FAKE_LLMS}",
    "langchain.llms.anthropic": "runlet.anthropic:Anthropic",
    "langchain.llms.base": "runlet.language_models:LLM,BaseLLM",
    "langchain.llms.fake": _FAKE_LLMS,
    "langchain.llms.openai": "runlet.openai:OpenAI",
    "langchain.load": "runlet.load:dumpd,dumps,load,loads",
    "langchain.load.dump": "runlet.load:dumpd,dumps",
    "langchain.load.load": "runlet.load:load,loads",
    "langchain.load.serializable": "runlet.load:Serializable",
    "langchain.memory": _MEMORY_CHATS,
    "langchain.memory.chat_message_histories": _MEMORY_CHATS,
    "langchain.messages": "runlet.messages",
    "langchain.output_parsers": (
        "runlet.output_parsers:CommaSeparatedListOutputParser,DatetimeOutputParser,EnumOutputParser,"
        "JsonOutputKeyToolsParser,JsonOutputToolsParser,ListOutputParser,MarkdownListOutputParser,"
        "NumberedListOutputParser,OutputFixingParser,PydanticOutputParser,PydanticToolsParser,RegexParser,"
        "RetryOutputParser,RetryWithErrorOutputParser,XMLOutputParser"
    ),
    "langchain.output_parsers.datetime": "runlet.output_parsers:DatetimeOutputParser",
    "langchain.output_parsers.enum": "runlet.output_parsers:EnumOutputParser",
    "langchain.output_parsers.fix": "runlet.output_parsers:OutputFixingParser",
    "langchain.output_parsers.json": (
        "runlet.output_parsers:JsonOutputParser,SimpleJsonOutputParser "
        "runlet.utils.json:parse_and_check_json_markdown,parse_json_markdown,parse_partial_json"
    ),
    "langchain.output_parsers.list": (
        "runlet.output_parsers:CommaSeparatedListOutputParser,ListOutputParser,MarkdownListOutputParser,"
        "NumberedListOutputParser"
    ),
    "langchain.output_parsers.openai_tools": (
        "runlet.output_parsers:JsonOutputKeyToolsParser,JsonOutputToolsParser,PydanticToolsParser"
    ),
    "langchain.output_parsers.pydantic": "runlet.output_parsers:PydanticOutputParser",
    "langchain.output_parsers.regex": "runlet.output_parsers:RegexParser",
    "langchain.output_parsers.retry": _RETRY_PARSERS,
    "langchain.output_parsers.xml": "runlet.output_parsers:XMLOutputParser",
    "langchain.prompts": f"runlet.prompts {_PROMPT_SELECTORS}",
    "langchain.prompts.base": "runlet.prompts:BasePromptTemplate,StringPromptTemplate",
    "langchain.prompts.chat": "runlet.prompts.chat",
    "langchain.prompts.example_selector": _PROMPT_SELECTORS,
    "langchain.prompts.few_shot": "runlet.prompts:FewShotChatMessagePromptTemplate,FewShotPromptTemplate",
    "langchain.prompts.prompt": "runlet.prompts:PromptTemplate",
    "langchain.pydantic_v1": "pydantic:BaseModel,Field,PrivateAttr,SecretStr,ValidationError,create_model",
    "langchain.rate_limiters": "runlet.rate_limiters:BaseRateLimiter,InMemoryRateLimiter",
    "langchain.schema": (
        f"{_MESSAGES} {_OUTPUTS} {_PARSERS} runlet.documents:BaseDocumentTransformer,Document "
        "runlet.chat_history:BaseChatMessageHistory runlet.prompt_values:PromptValue runlet.stores:BaseStore "
        "runlet.prompts:BasePromptTemplate,format_document runlet.retrievers:BaseRetriever "
        "runlet.exceptions:LangChainException"
    ),
    "langchain.schema.cache": "runlet.caches:BaseCache",
    "langchain.schema.callbacks": "runlet.callbacks",
    "langchain.schema.callbacks.base": HANDLERS,
    "langchain.schema.callbacks.manager": MANAGERS,
    "langchain.schema.callbacks.stdout": "runlet.callbacks:StdOutCallbackHandler",
    "langchain.schema.callbacks.streaming_stdout": "runlet.callbacks:StreamingStdOutCallbackHandler",
    "langchain.schema.chat_history": "runlet.chat_history:BaseChatMessageHistory",
    "langchain.schema.document": "runlet.documents:BaseDocumentTransformer,Document",
    "langchain.schema.embeddings": "runlet.embeddings:Embeddings",
    "langchain.schema.exceptions": "runlet.exceptions:LangChainException",
    "langchain.schema.language_model": (
        "runlet.language_models:BaseLanguageModel,LanguageModelInput,LanguageModelOutput"
    ),
    "langchain.schema.messages": f"{_MESSAGES} runlet.messages:merge_content",
    "langchain.schema.output": _OUTPUTS,
    "langchain.schema.output_parser": _PARSERS,
    "langchain.schema.prompt": "runlet.prompt_values:PromptValue",
    "langchain.schema.prompt_template": "runlet.prompts:BasePromptTemplate,format_document",
    "langchain.schema.retriever": "runlet.retrievers:BaseRetriever",
    "langchain.schema.runnable": "runlet.runnables",
    "langchain.schema.runnable.base": (
        "runlet.runnables:Runnable,RunnableBinding,RunnableEach,RunnableGenerator,RunnableLambda,RunnableMap,"
        "RunnableParallel,RunnableSequence,RunnableSerializable,coerce_to_runnable"
    ),
    "langchain.schema.runnable.branch": "runlet.runnables:RunnableBranch",
    "langchain.schema.runnable.config": "runlet.runnables.config",
    "langchain.schema.runnable.fallbacks": "runlet.runnables:RunnableWithFallbacks",
    "langchain.schema.runnable.history": "runlet.runnables:RunnableWithMessageHistory",
    "langchain.schema.runnable.passthrough": "runlet.runnables:RunnableAssign,RunnablePassthrough",
    "langchain.schema.runnable.utils": "runlet.runnables.utils",
    "langchain.schema.storage": "runlet.stores:BaseStore",
    "langchain.schema.vectorstore": "runlet.vectorstores:VST,VectorStore,VectorStoreRetriever",
    "langchain.storage": "runlet.stores:InMemoryByteStore,InMemoryStore,InvalidKeyException",
    "langchain.text_splitter": (
        "runlet.text_splitters:CharacterTextSplitter,MarkdownHeaderTextSplitter,MarkdownTextSplitter,"
        "RecursiveCharacterTextSplitter,TextSplitter,TokenTextSplitter"
    ),
    "langchain.tools": (
        "runlet.tools:BaseTool,InjectedToolArg,InjectedToolCallId,StructuredTool,Tool,ToolException,tool"
    ),
    "langchain.tools.base": (
        "runlet.tools:BaseTool,SchemaAnnotationError,StructuredTool,Tool,ToolException,create_schema_from_function,tool"
    ),
    "langchain.tools.render": "runlet.tools:ToolsRenderer,render_text_description,render_text_description_and_args",
    "langchain.tools.retriever": "runlet.tools:create_retriever_tool",
    "langchain.vectorstores": "runlet.vectorstores:FAISS,InMemoryVectorStore,VectorStore",
    "langchain.vectorstores.base": "runlet.vectorstores:VectorStore,VectorStoreRetriever",
    "langchain.vectorstores.faiss": "runlet.vectorstores:FAISS",
}

COMMUNITY = {
    "langchain_community": "runlet.compat.versions:__version__=COMMUNITY",
    "langchain_community.cache": _CACHES,
    "langchain_community.chat_message_histories": _MEMORY_CHATS,
    "langchain_community.chat_message_histories.in_memory": _MEMORY_CHATS,
    "langchain_community.chat_models": f"{_CHAT_MODELS} {_FAKE_CHAT}",
    "langchain_community.chat_models.anthropic": "runlet.anthropic:ChatAnthropic",
    "langchain_community.chat_models.fake": _FAKE_CHAT,
    "langchain_community.chat_models.openai": "runlet.openai:ChatOpenAI",
    "langchain_community.embeddings": f"runlet.openai:OpenAIEmbeddings {_FAKE_EMBEDDINGS}",
    "langchain_community.embeddings.fake": _FAKE_EMBEDDINGS,
    "langchain_community.embeddings.openai": "runlet.openai:OpenAIEmbeddings",
    "langchain_community.llms": f"{_TEXT_MODELS} {_FAKE_LLMS}",
    "langchain_community.llms.anthropic": "runlet.anthropic:Anthropic",
    "langchain_community.llms.fake": _FAKE_LLMS,
    "langchain_community.llms.openai": "runlet.openai:OpenAI",
    "langchain_community.vectorstores": "runlet.vectorstores:FAISS,InMemoryVectorStore,VectorStore",
    "langchain_community.vectorstores.faiss": "runlet.vectorstores:FAISS",
}

TEXT_SPLITTERS = {
    "langchain_text_splitters": (
        "runlet.text_splitters:CharacterTextSplitter,MarkdownHeaderTextSplitter,MarkdownTextSplitter,"
        "RecursiveCharacterTextSplitter,TextSplitter,TokenTextSplitter "
        "runlet.compat.versions:__version__=TEXT_SPLITTERS"
    ),
    "langchain_text_splitters.base": "runlet.text_splitters:TextSplitter,TokenTextSplitter",
    "langchain_text_splitters.character": (
        "runlet.text_splitters:CharacterTextSplitter,RecursiveCharacterTextSplitter"
    ),
    "langchain_text_splitters.markdown": ("runlet.text_splitters:MarkdownHeaderTextSplitter,MarkdownTextSplitter"),
}
