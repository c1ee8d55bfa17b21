"""``langchain``, ``langchain_classic``, ``langchain_community``, ``langchain_text_splitters``: which modules there are.

Of ``langchain`` these are the modules that show what is now in ``langchain_core`` and in the vendors' packages, as
programs written from 2023 on import them, and those of version 1 for models, messages and tools.
"""

from __future__ import annotations

from prill.compat.core import GLOBALS, HANDLERS, MANAGERS

_MESSAGES = (
    "prill.messages:AIMessage,AIMessageChunk,AnyMessage,BaseMessage,BaseMessageChunk,ChatMessage,ChatMessageChunk,"
    "FunctionMessage,FunctionMessageChunk,HumanMessage,HumanMessageChunk,SystemMessage,SystemMessageChunk,ToolMessage,"
    "ToolMessageChunk,_message_from_dict,get_buffer_string,messages_from_dict,messages_to_dict,message_to_dict"
)
_OUTPUTS = "prill.outputs:ChatGeneration,ChatGenerationChunk,ChatResult,Generation,GenerationChunk,LLMResult,RunInfo"
_PARSERS = (
    "prill.output_parsers:BaseCumulativeTransformOutputParser,BaseGenerationOutputParser,BaseLLMOutputParser,"
    "BaseOutputParser,BaseTransformOutputParser,StrOutputParser prill.errors:OutputParserException"
)
_FAKE_LLMS = "prill.language_models:FakeListLLM,FakeStreamingListLLM"
_FAKE_CHAT = "prill.language_models:FakeListChatModel,FakeMessagesListChatModel"
_FAKE_EMBEDDINGS = "prill.embeddings:DeterministicFakeEmbedding,FakeEmbeddings"
_MEMORY_CHATS = "prill.chat_history:ChatMessageHistory=InMemoryChatMessageHistory"
_CACHES = "prill.caches:BaseCache,InMemoryCache,SQLiteCache"
_RETRY_PARSERS = "prill.output_parsers:RetryOutputParser,RetryWithErrorOutputParser"
_TEXT_MODELS = "prill.openai:OpenAI prill.anthropic:Anthropic"
_CHAT_MODELS = "prill.openai:ChatOpenAI prill.anthropic:ChatAnthropic"
_PROMPT_SELECTORS = (
    "prill.example_selectors:LengthBasedExampleSelector,MaxMarginalRelevanceExampleSelector,"
    "SemanticSimilarityExampleSelector"
)

_RETRIEVERS = (
    "prill.retrievers:BM25Retriever,ContextualCompressionRetriever,EnsembleRetriever,MultiQueryRetriever,"
    "MultiVectorRetriever,ParentDocumentRetriever"
)
_COMPRESSORS = (
    "prill.retrievers:CrossEncoderReranker,DocumentCompressorPipeline,EmbeddingsFilter,LLMChainExtractor,"
    "LLMChainFilter,LLMListwiseRerank"
)
_STUFF = "prill.chains:create_stuff_documents_chain"
_REDUNDANT = "prill.retrievers:EmbeddingsRedundantFilter"

_RETRIEVAL = {
    "langchain.chains": "prill.chains:create_history_aware_retriever,create_retrieval_chain",
    "langchain.chains.combine_documents": _STUFF,
    "langchain.chains.combine_documents.stuff": _STUFF,
    "langchain.chains.history_aware_retriever": "prill.chains:create_history_aware_retriever",
    "langchain.chains.retrieval": "prill.chains:create_retrieval_chain",
    "langchain.retrievers": _RETRIEVERS,
    "langchain.retrievers.bm25": "prill.retrievers:BM25Retriever",
    "langchain.retrievers.contextual_compression": "prill.retrievers:ContextualCompressionRetriever",
    "langchain.retrievers.document_compressors": _COMPRESSORS,
    "langchain.retrievers.document_compressors.base": (
        "prill.retrievers:DocumentCompressorPipeline prill.documents:BaseDocumentCompressor"
    ),
    "langchain.retrievers.document_compressors.chain_extract": "prill.retrievers:LLMChainExtractor",
    "langchain.retrievers.document_compressors.chain_filter": "prill.retrievers:LLMChainFilter",
    "langchain.retrievers.document_compressors.cross_encoder": "prill.retrievers:BaseCrossEncoder",
    "langchain.retrievers.document_compressors.cross_encoder_rerank": "prill.retrievers:CrossEncoderReranker",
    "langchain.retrievers.document_compressors.embeddings_filter": "prill.retrievers:EmbeddingsFilter",
    "langchain.retrievers.document_compressors.listwise_rerank": "prill.retrievers:LLMListwiseRerank",
    "langchain.retrievers.ensemble": "prill.retrievers:EnsembleRetriever",
    "langchain.retrievers.multi_query": "prill.retrievers:LineListOutputParser,MultiQueryRetriever",
    "langchain.retrievers.multi_vector": "prill.retrievers:MultiVectorRetriever",
    "langchain.retrievers.parent_document_retriever": "prill.retrievers:ParentDocumentRetriever",
}

_LANGCHAIN = {
    **_RETRIEVAL,
    "langchain": (
        "prill.compat.module_map:__version__=CLASSIC_VERSION prill.prompts:FewShotPromptTemplate,PromptTemplate "
        f"{_TEXT_MODELS} prill.vectorstores:FAISS"
    ),
    "langchain.cache": _CACHES,
    "langchain.callbacks": (
        "prill.callbacks:FileCallbackHandler,StdOutCallbackHandler,StreamingStdOutCallbackHandler "
        "prill.tracers:collect_runs"
    ),
    "langchain.callbacks.base": HANDLERS,
    "langchain.callbacks.file": "prill.callbacks:FileCallbackHandler",
    "langchain.callbacks.manager": f"{MANAGERS} prill.tracers:collect_runs",
    "langchain.callbacks.stdout": "prill.callbacks:StdOutCallbackHandler",
    "langchain.callbacks.streaming_stdout": "prill.callbacks:StreamingStdOutCallbackHandler",
    "langchain.callbacks.tracers": "prill.tracers:ConsoleCallbackHandler,BaseTracer",
    "langchain.chat_models": f"prill.chat_models:init_chat_model {_CHAT_MODELS} {_FAKE_CHAT}",
    "langchain.chat_models.anthropic": "prill.anthropic:ChatAnthropic",
    "langchain.chat_models.base": (
        "prill.chat_models:init_chat_model prill.language_models:BaseChatModel,SimpleChatModel"
    ),
    "langchain.chat_models.fake": _FAKE_CHAT,
    "langchain.chat_models.openai": "prill.openai:ChatOpenAI",
    "langchain.docstore": "prill.documents:Document",
    "langchain.docstore.document": "prill.documents:Document",
    "langchain.document_transformers": f"prill.documents:BaseDocumentTransformer {_REDUNDANT}",
    "langchain.embeddings": (
        f"prill.openai:OpenAIEmbeddings prill.embeddings:CacheBackedEmbeddings {_FAKE_EMBEDDINGS}"
    ),
    "langchain.embeddings.base": "prill.embeddings:Embeddings",
    "langchain.embeddings.cache": "prill.embeddings:CacheBackedEmbeddings",
    "langchain.embeddings.fake": _FAKE_EMBEDDINGS,
    "langchain.embeddings.openai": "prill.openai:OpenAIEmbeddings",
    "langchain.globals": GLOBALS,
    "langchain.indexes": "prill.indexing:aindex,index",
    "langchain.llms": f"{_TEXT_MODELS} {_FAKE_LLMS}",
    "langchain.llms.anthropic": "prill.anthropic:Anthropic",
    "langchain.llms.base": "prill.language_models:LLM,BaseLLM",
    "langchain.llms.fake": _FAKE_LLMS,
    "langchain.llms.openai": "prill.openai:OpenAI",
    "langchain.load": "prill.load:dumpd,dumps,load,loads",
    "langchain.load.dump": "prill.load:dumpd,dumps",
    "langchain.load.load": "prill.load:load,loads",
    "langchain.load.serializable": "prill.load:Serializable",
    "langchain.memory": _MEMORY_CHATS,
    "langchain.memory.chat_message_histories": _MEMORY_CHATS,
    "langchain.messages": "prill.messages",
    "langchain.output_parsers": (
        "prill.output_parsers:CommaSeparatedListOutputParser,DatetimeOutputParser,EnumOutputParser,"
        "JsonOutputKeyToolsParser,JsonOutputToolsParser,ListOutputParser,MarkdownListOutputParser,"
        "NumberedListOutputParser,OutputFixingParser,PydanticOutputParser,PydanticToolsParser,RegexParser,"
        "RetryOutputParser,RetryWithErrorOutputParser,XMLOutputParser"
    ),
    "langchain.output_parsers.datetime": "prill.output_parsers:DatetimeOutputParser",
    "langchain.output_parsers.enum": "prill.output_parsers:EnumOutputParser",
    "langchain.output_parsers.fix": "prill.output_parsers:OutputFixingParser",
    "langchain.output_parsers.json": (
        "prill.output_parsers:JsonOutputParser,SimpleJsonOutputParser "
        "prill.utils.json:parse_and_check_json_markdown,parse_json_markdown,parse_partial_json"
    ),
    "langchain.output_parsers.list": (
        "prill.output_parsers:CommaSeparatedListOutputParser,ListOutputParser,MarkdownListOutputParser,"
        "NumberedListOutputParser"
    ),
    "langchain.output_parsers.openai_tools": (
        "prill.output_parsers:JsonOutputKeyToolsParser,JsonOutputToolsParser,PydanticToolsParser"
    ),
    "langchain.output_parsers.pydantic": "prill.output_parsers:PydanticOutputParser",
    "langchain.output_parsers.regex": "prill.output_parsers:RegexParser",
    "langchain.output_parsers.retry": _RETRY_PARSERS,
    "langchain.output_parsers.xml": "prill.output_parsers:XMLOutputParser",
    "langchain.prompts": f"prill.prompts {_PROMPT_SELECTORS}",
    "langchain.prompts.base": "prill.prompts:BasePromptTemplate,StringPromptTemplate",
    "langchain.prompts.chat": "prill.prompts.chat",
    "langchain.prompts.example_selector": _PROMPT_SELECTORS,
    "langchain.prompts.few_shot": "prill.prompts:FewShotChatMessagePromptTemplate,FewShotPromptTemplate",
    "langchain.prompts.prompt": "prill.prompts:PromptTemplate",
    "langchain.pydantic_v1": "pydantic:BaseModel,Field,PrivateAttr,SecretStr,ValidationError,create_model",
    "langchain.rate_limiters": "prill.rate_limiters:BaseRateLimiter,InMemoryRateLimiter",
    "langchain.schema": (
        f"{_MESSAGES} {_OUTPUTS} {_PARSERS} prill.agents:AgentAction,AgentFinish "
        "prill.documents:BaseDocumentTransformer,Document "
        "prill.chat_history:BaseChatMessageHistory prill.prompt_values:PromptValue prill.stores:BaseStore "
        "prill.prompts:BasePromptTemplate,format_document prill.retrievers:BaseRetriever "
        "prill.exceptions:LangChainException"
    ),
    "langchain.schema.cache": "prill.caches:BaseCache",
    "langchain.schema.callbacks": "prill.callbacks",
    "langchain.schema.callbacks.base": HANDLERS,
    "langchain.schema.callbacks.manager": MANAGERS,
    "langchain.schema.callbacks.stdout": "prill.callbacks:StdOutCallbackHandler",
    "langchain.schema.callbacks.streaming_stdout": "prill.callbacks:StreamingStdOutCallbackHandler",
    "langchain.schema.chat_history": "prill.chat_history:BaseChatMessageHistory",
    "langchain.schema.document": "prill.documents:BaseDocumentTransformer,Document",
    "langchain.schema.embeddings": "prill.embeddings:Embeddings",
    "langchain.schema.exceptions": "prill.exceptions:LangChainException",
    "langchain.schema.language_model": (
        "prill.language_models:BaseLanguageModel,LanguageModelInput,LanguageModelOutput"
    ),
    "langchain.schema.messages": f"{_MESSAGES} prill.messages:merge_content",
    "langchain.schema.output": _OUTPUTS,
    "langchain.schema.output_parser": _PARSERS,
    "langchain.schema.prompt": "prill.prompt_values:PromptValue",
    "langchain.schema.prompt_template": "prill.prompts:BasePromptTemplate,format_document",
    "langchain.schema.retriever": "prill.retrievers:BaseRetriever",
    "langchain.schema.runnable": "prill.runnables",
    "langchain.schema.runnable.base": (
        "prill.runnables:Runnable,RunnableBinding,RunnableEach,RunnableGenerator,RunnableLambda,RunnableMap,"
        "RunnableParallel,RunnableSequence,RunnableSerializable,coerce_to_runnable"
    ),
    "langchain.schema.runnable.branch": "prill.runnables:RunnableBranch",
    "langchain.schema.runnable.config": "prill.runnables.config prill.compat.config",
    "langchain.schema.runnable.fallbacks": "prill.runnables:RunnableWithFallbacks",
    "langchain.schema.runnable.history": "prill.runnables:RunnableWithMessageHistory",
    "langchain.schema.runnable.passthrough": "prill.runnables:RunnableAssign,RunnablePassthrough",
    "langchain.schema.runnable.utils": "prill.runnables.utils",
    "langchain.schema.storage": "prill.stores:BaseStore",
    "langchain.schema.vectorstore": "prill.vectorstores:VST,VectorStore,VectorStoreRetriever",
    "langchain.storage": "prill.stores:InMemoryByteStore,InMemoryStore,InvalidKeyException",
    "langchain.text_splitter": (
        "prill.text_splitters:CharacterTextSplitter,HTMLHeaderTextSplitter,HTMLSectionSplitter,Language,"
        "LatexTextSplitter,MarkdownHeaderTextSplitter,MarkdownTextSplitter,PythonCodeTextSplitter,"
        "RecursiveCharacterTextSplitter,TextSplitter,TokenTextSplitter"
    ),
    "langchain.tools": (
        "prill.tools:BaseTool,InjectedToolArg,InjectedToolCallId,StructuredTool,Tool,ToolException,tool"
    ),
    "langchain.tools.base": (
        "prill.tools:BaseTool,SchemaAnnotationError,StructuredTool,Tool,ToolException,create_schema_from_function,tool"
    ),
    "langchain.tools.render": "prill.tools:ToolsRenderer,render_text_description,render_text_description_and_args",
    "langchain.tools.retriever": "prill.tools:create_retriever_tool",
    "langchain.vectorstores": "prill.vectorstores:FAISS,InMemoryVectorStore,VectorStore",
    "langchain.vectorstores.base": "prill.vectorstores:VectorStore,VectorStoreRetriever",
    "langchain.vectorstores.faiss": "prill.vectorstores:FAISS",
}

_LOADERS = (
    "prill.document_loaders:BSHTMLLoader,CSVLoader,DirectoryLoader,Docx2txtLoader,FileSystemBlobLoader,JSONLoader,"
    "PyPDFDirectoryLoader,PyPDFLoader,TextLoader,UnstructuredMarkdownLoader=MarkdownLoader,WebBaseLoader"
)
_LOADER_MODULES = {
    "base": "BaseBlobParser,BaseLoader",
    "blob_loaders": "Blob,BlobLoader,FileSystemBlobLoader",
    "blob_loaders.file_system": "FileSystemBlobLoader",
    "blob_loaders.schema": "Blob,BlobLoader,PathLike",
    "csv_loader": "CSVLoader",
    "directory": "DirectoryLoader",
    "generic": "GenericLoader",
    "html_bs": "BSHTMLLoader",
    "json_loader": "JSONLoader",
    "markdown": "UnstructuredMarkdownLoader=MarkdownLoader",
    "pdf": "PyPDFDirectoryLoader,PyPDFLoader",
    "text": "TextLoader",
    "web_base": "WebBaseLoader",
    "word_document": "Docx2txtLoader",
}
"""The modules of loaders, which ``langchain`` had before ``langchain_community``."""

LOADERS = {
    f"{package}.document_loaders{module}": names
    for package in ("langchain", "langchain_classic", "langchain_community")
    for module, names in {
        "": _LOADERS,
        **{f".{module}": f"prill.document_loaders:{names}" for module, names in _LOADER_MODULES.items()},
    }.items()
}


CLASSIC = {
    **_LANGCHAIN,
    **{name.replace("langchain", "langchain_classic", 1): line for name, line in _LANGCHAIN.items()},
}
"""``langchain_classic`` has the modules that ``langchain`` had before its version 1."""

COMMUNITY = {
    "langchain_community": "prill.compat.module_map:__version__=COMMUNITY_VERSION",
    "langchain_community.cache": _CACHES,
    "langchain_community.chat_message_histories": _MEMORY_CHATS,
    "langchain_community.chat_message_histories.in_memory": _MEMORY_CHATS,
    "langchain_community.chat_models": f"{_CHAT_MODELS} {_FAKE_CHAT}",
    "langchain_community.chat_models.anthropic": "prill.anthropic:ChatAnthropic",
    "langchain_community.chat_models.fake": _FAKE_CHAT,
    "langchain_community.chat_models.openai": "prill.openai:ChatOpenAI",
    "langchain_community.document_transformers": _REDUNDANT,
    "langchain_community.document_transformers.embeddings_redundant_filter": _REDUNDANT,
    "langchain_community.embeddings": f"prill.openai:OpenAIEmbeddings {_FAKE_EMBEDDINGS}",
    "langchain_community.embeddings.fake": _FAKE_EMBEDDINGS,
    "langchain_community.embeddings.openai": "prill.openai:OpenAIEmbeddings",
    "langchain_community.llms": f"{_TEXT_MODELS} {_FAKE_LLMS}",
    "langchain_community.llms.anthropic": "prill.anthropic:Anthropic",
    "langchain_community.llms.fake": _FAKE_LLMS,
    "langchain_community.llms.openai": "prill.openai:OpenAI",
    "langchain_community.retrievers": "prill.retrievers:BM25Retriever",
    "langchain_community.retrievers.bm25": "prill.retrievers.bm25:BM25Retriever,default_preprocessing_func",
    "langchain_community.vectorstores": "prill.vectorstores:FAISS,InMemoryVectorStore,VectorStore",
    "langchain_community.vectorstores.faiss": "prill.vectorstores:FAISS",
}

TEXT_SPLITTERS = {
    "langchain_text_splitters": (
        "prill.text_splitters:CharacterTextSplitter,HTMLHeaderTextSplitter,HTMLSectionSplitter,Language,"
        "LatexTextSplitter,MarkdownHeaderTextSplitter,MarkdownTextSplitter,PythonCodeTextSplitter,"
        "RecursiveCharacterTextSplitter,TextSplitter,TokenTextSplitter "
        "prill.compat.module_map:__version__=TEXT_SPLITTERS_VERSION"
    ),
    "langchain_text_splitters.base": "prill.text_splitters:Language,TextSplitter,TokenTextSplitter",
    "langchain_text_splitters.character": ("prill.text_splitters:CharacterTextSplitter,RecursiveCharacterTextSplitter"),
    "langchain_text_splitters.html": "prill.text_splitters:HTMLHeaderTextSplitter,HTMLSectionSplitter",
    "langchain_text_splitters.latex": "prill.text_splitters:LatexTextSplitter",
    "langchain_text_splitters.markdown": ("prill.text_splitters:MarkdownHeaderTextSplitter,MarkdownTextSplitter"),
    "langchain_text_splitters.python": "prill.text_splitters:PythonCodeTextSplitter",
}
