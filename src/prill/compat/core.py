"""``langchain_core``: which of its modules there are, and where their names are in Prill. See ``places``."""

from __future__ import annotations

HANDLERS = (
    "prill.callbacks:AsyncCallbackHandler,BaseCallbackHandler,BaseCallbackManager,CallbackManagerMixin,Callbacks,"
    "ChainManagerMixin,LLMManagerMixin,RetrieverManagerMixin,RunManagerMixin,ToolManagerMixin"
)
MANAGERS = (
    "prill.callbacks:AsyncCallbackManager,AsyncCallbackManagerForChainGroup,AsyncCallbackManagerForChainRun,"
    "AsyncCallbackManagerForLLMRun,AsyncCallbackManagerForRetrieverRun,AsyncCallbackManagerForToolRun,"
    "AsyncParentRunManager,AsyncRunManager,BaseRunManager,CallbackManager,CallbackManagerForChainGroup,"
    "CallbackManagerForChainRun,CallbackManagerForLLMRun,CallbackManagerForRetrieverRun,CallbackManagerForToolRun,"
    "Callbacks,ParentRunManager,RunManager,adispatch_custom_event,atrace_as_chain_group,dispatch_custom_event,"
    "trace_as_chain_group"
)
GLOBALS = "prill.globals:get_debug,get_llm_cache,get_verbose,set_debug,set_llm_cache,set_verbose"

CORE = {
    "langchain_core": "prill.compat.module_map:__version__=CORE_VERSION",
    "langchain_core.caches": "prill.caches",
    "langchain_core.callbacks": "prill.callbacks",
    "langchain_core.callbacks.base": HANDLERS,
    "langchain_core.callbacks.file": "prill.callbacks:FileCallbackHandler",
    "langchain_core.callbacks.manager": MANAGERS,
    "langchain_core.callbacks.stdout": "prill.callbacks:StdOutCallbackHandler",
    "langchain_core.callbacks.streaming_stdout": "prill.callbacks:StreamingStdOutCallbackHandler",
    "langchain_core.callbacks.usage": "prill.callbacks:UsageMetadataCallbackHandler,get_usage_metadata_callback",
    "langchain_core.chat_history": "prill.chat_history",
    "langchain_core.cross_encoders": "prill.retrievers:BaseCrossEncoder",
    "langchain_core.documents": "prill.documents",
    "langchain_core.documents.base": "prill.documents:Blob,Document",
    "langchain_core.documents.compressor": "prill.documents:BaseDocumentCompressor",
    "langchain_core.documents.transformers": "prill.documents:BaseDocumentTransformer",
    "langchain_core.embeddings": "prill.embeddings",
    "langchain_core.embeddings.embeddings": "prill.embeddings:Embeddings",
    "langchain_core.embeddings.fake": "prill.embeddings:DeterministicFakeEmbedding,FakeEmbeddings",
    "langchain_core.example_selectors": "prill.example_selectors",
    "langchain_core.example_selectors.base": "prill.example_selectors:BaseExampleSelector",
    "langchain_core.example_selectors.length_based": "prill.example_selectors:LengthBasedExampleSelector",
    "langchain_core.example_selectors.semantic_similarity": (
        "prill.example_selectors:MaxMarginalRelevanceExampleSelector,SemanticSimilarityExampleSelector,sorted_values"
    ),
    "langchain_core.exceptions": "prill.exceptions",
    "langchain_core.globals": GLOBALS,
    "langchain_core.document_loaders": "prill.document_loaders:BaseBlobParser,BaseLoader,Blob,BlobLoader,PathLike",
    "langchain_core.document_loaders.base": "prill.document_loaders:BaseBlobParser,BaseLoader",
    "langchain_core.document_loaders.blob_loaders": "prill.document_loaders:Blob,BlobLoader,PathLike",
    "langchain_core.indexing": "prill.indexing",
    "langchain_core.indexing.in_memory": "prill.indexing:InMemoryDocumentIndex",
    "langchain_core.indexing.api": "prill.indexing:IndexingException,IndexingResult,aindex,index",
    "langchain_core.indexing.base": (
        "prill.indexing:DeleteResponse,DocumentIndex,InMemoryRecordManager,RecordManager,UpsertResponse"
    ),
    "langchain_core.language_models": "prill.language_models",
    "langchain_core.language_models.base": (
        "prill.language_models:BaseLanguageModel,LangSmithParams,LanguageModelInput,LanguageModelLike,"
        "LanguageModelOutput prill.callbacks:Callbacks"
    ),
    "langchain_core.language_models.chat_models": (
        "prill.language_models.chat_models:agenerate_from_stream,generate_from_stream prill.language_models:"
        "BaseChatModel,BaseLanguageModel,LangSmithParams,LanguageModelInput,SimpleChatModel prill.callbacks:Callbacks"
    ),
    "langchain_core.language_models.fake": (
        "prill.language_models.fake:FakeListLLM,FakeListLLMError,FakeStreamingListLLM"
    ),
    "langchain_core.language_models.fake_chat_models": (
        "prill.language_models.fake_chat_models:FakeChatModel,FakeListChatModel,FakeListChatModelError,"
        "FakeMessagesListChatModel,GenericFakeChatModel,ParrotFakeChatModel"
    ),
    "langchain_core.language_models.llms": (
        "prill.language_models:LLM,BaseLLM,BaseLanguageModel,LangSmithParams,LanguageModelInput"
        " prill.callbacks:Callbacks"
    ),
    "langchain_core.load": "prill.load",
    "langchain_core.load.dump": "prill.load:dumpd,dumps",
    "langchain_core.load.load": "prill.load:load,loads",
    "langchain_core.load.serializable": "prill.load:Serializable",
    "langchain_core.messages": "prill.messages",
    "langchain_core.messages.ai": "prill.messages.ai prill.messages:LC_AUTO_PREFIX,LC_ID_PREFIX",
    "langchain_core.messages.base": "prill.messages.base",
    "langchain_core.messages.chat": "prill.messages:ChatMessage,ChatMessageChunk",
    "langchain_core.messages.content": (
        "prill.messages:Annotation,AudioContentBlock,Citation,ContentBlock,DataContentBlock,FileContentBlock,"
        "ImageContentBlock,InvalidToolCall,NonStandardAnnotation,NonStandardContentBlock,PlainTextContentBlock,"
        "ReasoningContentBlock,RefusalContentBlock,ServerToolCall,ServerToolCallChunk,ServerToolResult,TextContentBlock,ToolCall,"
        "ToolCallChunk,VideoContentBlock,ensure_id,is_data_content_block "
        "prill.messages.create:create_audio_block,create_citation,create_file_block,create_image_block,"
        "create_non_standard_block,create_plaintext_block,create_reasoning_block,create_text_block,create_tool_call,"
        "create_video_block"
    ),
    "langchain_core.messages.function": "prill.messages:FunctionMessage,FunctionMessageChunk",
    "langchain_core.messages.human": "prill.messages:HumanMessage,HumanMessageChunk",
    "langchain_core.messages.modifier": "prill.messages:RemoveMessage",
    "langchain_core.messages.notification": (
        "prill.messages:NotificationMetadata,add_notification_metadata,get_notification_metadata"
    ),
    "langchain_core.messages.system": "prill.messages:SystemMessage,SystemMessageChunk",
    "langchain_core.messages.tool": "prill.messages.tool",
    "langchain_core.messages.utils": "prill.messages.utils",
    "langchain_core.output_parsers": "prill.output_parsers",
    "langchain_core.output_parsers.base": (
        "prill.output_parsers:BaseGenerationOutputParser,BaseLLMOutputParser,BaseOutputParser"
    ),
    "langchain_core.output_parsers.json": (
        "prill.output_parsers:JsonOutputParser,SimpleJsonOutputParser "
        "prill.utils.json:parse_and_check_json_markdown,parse_json_markdown,parse_partial_json"
    ),
    "langchain_core.output_parsers.list": (
        "prill.output_parsers:CommaSeparatedListOutputParser,ListOutputParser,MarkdownListOutputParser,"
        "NumberedListOutputParser"
    ),
    "langchain_core.output_parsers.openai_functions": "prill.output_parsers.openai_functions",
    "langchain_core.output_parsers.openai_tools": (
        "prill.output_parsers.openai_tools:JsonOutputKeyToolsParser,JsonOutputToolsParser,PydanticToolsParser,"
        "make_invalid_tool_call,parse_tool_call,parse_tool_calls"
    ),
    "langchain_core.output_parsers.pydantic": "prill.output_parsers:PydanticOutputParser",
    "langchain_core.output_parsers.string": "prill.output_parsers:StrOutputParser",
    "langchain_core.output_parsers.transform": (
        "prill.output_parsers:BaseCumulativeTransformOutputParser,BaseTransformOutputParser"
    ),
    "langchain_core.output_parsers.xml": "prill.output_parsers:XMLOutputParser",
    "langchain_core.outputs": "prill.outputs",
    "langchain_core.outputs.chat_generation": "prill.outputs:ChatGeneration,ChatGenerationChunk",
    "langchain_core.outputs.chat_result": "prill.outputs:ChatResult",
    "langchain_core.outputs.generation": "prill.outputs:Generation,GenerationChunk",
    "langchain_core.outputs.llm_result": "prill.outputs:LLMResult",
    "langchain_core.outputs.run_info": "prill.outputs:RunInfo",
    "langchain_core.prompt_values": "prill.prompt_values",
    "langchain_core.prompts": "prill.prompts",
    "langchain_core.prompts.base": (
        "prill.prompts.base:BasePromptTemplate,FormatOutputType,aformat_document,format_document"
    ),
    "langchain_core.prompts.chat": "prill.prompts.chat",
    "langchain_core.prompts.dict": "prill.prompts:DictPromptTemplate",
    "langchain_core.prompts.few_shot": "prill.prompts:FewShotChatMessagePromptTemplate,FewShotPromptTemplate",
    "langchain_core.prompts.few_shot_with_templates": "prill.prompts:FewShotPromptWithTemplates",
    "langchain_core.prompts.image": "prill.prompts.image:ImagePromptTemplate",
    "langchain_core.prompts.message": "prill.prompts.chat:BaseMessagePromptTemplate",
    "langchain_core.prompts.prompt": "prill.prompts:PromptTemplate",
    "langchain_core.prompts.string": "prill.prompts.string",
    "langchain_core.prompts.structured": "prill.prompts.structured:StructuredPrompt",
    # What is there is pydantic 2, which is what Prill takes; programs of that time used little that differs.
    "langchain_core.pydantic_v1": "pydantic:BaseModel,Field,PrivateAttr,SecretStr,ValidationError,create_model",
    "langchain_core.rate_limiters": "prill.rate_limiters",
    "langchain_core.retrievers": "prill.retrievers:BaseRetriever,LangSmithRetrieverParams",
    "langchain_core.runnables": "prill.runnables",
    "langchain_core.runnables.base": (
        "prill.runnables.base:Input,Other,Output,RunnableBindingBase,RunnableEachBase prill.runnables:Runnable,"
        "RunnableBinding,RunnableEach,RunnableGenerator,RunnableLambda,RunnableMap,RunnableParallel,RunnableSequence,"
        "RunnableSerializable,chain,coerce_to_runnable"
    ),
    "langchain_core.runnables.branch": "prill.runnables:RunnableBranch",
    "langchain_core.runnables.config": "prill.runnables.config prill.compat.config",
    "langchain_core.runnables.configurable": "prill.runnables.configurable",
    "langchain_core.runnables.fallbacks": "prill.runnables:RunnableWithFallbacks",
    "langchain_core.runnables.graph": "prill.runnables.graph",
    "langchain_core.runnables.history": (
        "prill.runnables.history:GetSessionHistoryCallable,MessagesOrDictWithMessages,RunnableWithMessageHistory"
    ),
    "langchain_core.runnables.passthrough": (
        "prill.runnables.passthrough:RunnableAssign,RunnablePassthrough,RunnablePick,aidentity,identity"
    ),
    "langchain_core.runnables.retry": "prill.runnables.retry:ExponentialJitterParams,RunnableRetry",
    "langchain_core.runnables.router": "prill.runnables:RouterInput,RouterRunnable",
    "langchain_core.runnables.schema": "prill.runnables.schema",
    "langchain_core.runnables.utils": "prill.runnables.utils",
    "langchain_core.stores": "prill.stores",
    "langchain_core.tools": "prill.tools",
    "langchain_core.tools.base": (
        "prill.tools:ArgsSchema,BaseTool,BaseToolkit,FILTERED_ARGS,InjectedToolArg,InjectedToolCallId,"
        "SchemaAnnotationError,ToolException,create_schema_from_function prill.callbacks:Callbacks"
    ),
    "langchain_core.tools.convert": "prill.tools:convert_runnable_to_tool,tool",
    "langchain_core.tools.render": (
        "prill.tools:ToolsRenderer,render_text_description,render_text_description_and_args"
    ),
    "langchain_core.tools.retriever": "prill.tools:RetrieverInput,create_retriever_tool",
    "langchain_core.tools.simple": "prill.tools:Tool",
    "langchain_core.tools.structured": "prill.tools:StructuredTool",
    "langchain_core.tracers": "prill.tracers",
    "langchain_core.tracers.base": "prill.tracers:AsyncBaseTracer,BaseTracer",
    "langchain_core.tracers.context": "prill.tracers.context:collect_runs,register_configure_hook",
    "langchain_core.tracers.log_stream": "prill.tracers.log_stream",
    "langchain_core.tracers.schemas": "prill.tracers:Run",
    "langchain_core.tracers.stdout": "prill.tracers.stdout",
    "langchain_core.utils": "prill.utils",
    "langchain_core.utils.aiter": "prill.utils.aiter",
    "langchain_core.utils.env": "prill.utils.env",
    "langchain_core.utils.formatting": "prill.utils.formatting",
    "langchain_core.utils.function_calling": "prill.utils.function_calling",
    "langchain_core.utils.iter": "prill.utils.iter",
    "langchain_core.utils.json": "prill.utils.json",
    "langchain_core.utils.json_schema": "prill.utils.json_schema",
    "langchain_core.utils.mustache": "prill.utils.mustache",
    "langchain_core.utils.strings": "prill.utils.strings",
    "langchain_core.utils.utils": "prill.utils.utils",
    "langchain_core.vectorstores": "prill.vectorstores:InMemoryVectorStore,VST,VectorStore,VectorStoreRetriever",
    "langchain_core.vectorstores.base": "prill.vectorstores:VST,VectorStore,VectorStoreRetriever",
    "langchain_core.vectorstores.utils": "prill.vectorstores.utils:maximal_marginal_relevance",
    "langchain_core.vectorstores.in_memory": "prill.vectorstores:InMemoryVectorStore",
    "langchain_core.version": "prill.compat.module_map:VERSION=CORE_VERSION",
}
