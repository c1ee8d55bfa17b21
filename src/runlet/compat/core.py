"""``langchain_core``: which of its modules there are, and where their names are in Runlet. See ``places``."""

from __future__ import annotations

HANDLERS = (
    "runlet.callbacks:AsyncCallbackHandler,BaseCallbackHandler,BaseCallbackManager,CallbackManagerMixin,Callbacks,"
    "ChainManagerMixin,LLMManagerMixin,RetrieverManagerMixin,RunManagerMixin,ToolManagerMixin"
)
MANAGERS = (
    "runlet.callbacks:AsyncCallbackManager,AsyncCallbackManagerForChainGroup,AsyncCallbackManagerForChainRun,"
    "AsyncCallbackManagerForLLMRun,AsyncCallbackManagerForRetrieverRun,AsyncCallbackManagerForToolRun,"
    "AsyncParentRunManager,AsyncRunManager,BaseRunManager,CallbackManager,CallbackManagerForChainGroup,"
    "CallbackManagerForChainRun,CallbackManagerForLLMRun,CallbackManagerForRetrieverRun,CallbackManagerForToolRun,"
    "Callbacks,ParentRunManager,RunManager,adispatch_custom_event,atrace_as_chain_group,dispatch_custom_event,"
    "trace_as_chain_group"
)
GLOBALS = "runlet.globals:get_debug,get_llm_cache,get_verbose,set_debug,set_llm_cache,set_verbose"

CORE = {
    "langchain_core": "runlet.compat.versions:__version__=CORE",
    "langchain_core.caches": "runlet.caches",
    "langchain_core.callbacks": "runlet.callbacks",
    "langchain_core.callbacks.base": HANDLERS,
    "langchain_core.callbacks.file": "runlet.callbacks:FileCallbackHandler",
    "langchain_core.callbacks.manager": MANAGERS,
    "langchain_core.callbacks.stdout": "runlet.callbacks:StdOutCallbackHandler",
    "langchain_core.callbacks.streaming_stdout": "runlet.callbacks:StreamingStdOutCallbackHandler",
    "langchain_core.callbacks.usage": "runlet.callbacks:UsageMetadataCallbackHandler,get_usage_metadata_callback",
    "langchain_core.chat_history": "runlet.chat_history",
    "langchain_core.documents": "runlet.documents",
    "langchain_core.documents.base": "runlet.documents:Document",
    "langchain_core.documents.compressor": "runlet.documents:BaseDocumentCompressor",
    "langchain_core.documents.transformers": "runlet.documents:BaseDocumentTransformer",
    "langchain_core.embeddings": "runlet.embeddings",
    "langchain_core.embeddings.embeddings": "runlet.embeddings:Embeddings",
    "langchain_core.embeddings.fake": "runlet.embeddings:DeterministicFakeEmbedding,FakeEmbeddings",
    "langchain_core.example_selectors": "runlet.example_selectors",
    "langchain_core.example_selectors.base": "runlet.example_selectors:BaseExampleSelector",
    "langchain_core.example_selectors.length_based": "runlet.example_selectors:LengthBasedExampleSelector",
    "langchain_core.example_selectors.semantic_similarity": (
        "runlet.example_selectors:MaxMarginalRelevanceExampleSelector,SemanticSimilarityExampleSelector,sorted_values"
    ),
    "langchain_core.exceptions": "runlet.exceptions",
    "langchain_core.globals": GLOBALS,
    "langchain_core.indexing": "runlet.indexing",
    "langchain_core.indexing.api": "runlet.indexing:IndexingResult,aindex,index",
    "langchain_core.indexing.base": (
        "runlet.indexing:DeleteResponse,DocumentIndex,InMemoryRecordManager,RecordManager,UpsertResponse"
    ),
    "langchain_core.language_models": "runlet.language_models",
    "langchain_core.language_models.base": (
        "runlet.language_models:BaseLanguageModel,LangSmithParams,LanguageModelInput,LanguageModelLike,"
        "LanguageModelOutput runlet.callbacks:Callbacks"
    ),
    "langchain_core.language_models.chat_models": (
        "runlet.language_models.chat_models:agenerate_from_stream,generate_from_stream runlet.language_models:"
        "BaseChatModel,BaseLanguageModel,LangSmithParams,LanguageModelInput,SimpleChatModel runlet.callbacks:Callbacks"
    ),
    "langchain_core.language_models.fake": (
        "runlet.language_models.fake:FakeListLLM,FakeListLLMError,FakeStreamingListLLM"
    ),
    "langchain_core.language_models.fake_chat_models": (
        "runlet.language_models.fake_chat_models:FakeChatModel,FakeListChatModel,FakeListChatModelError,"
        "FakeMessagesListChatModel,GenericFakeChatModel,ParrotFakeChatModel"
    ),
    "langchain_core.language_models.llms": (
        "runlet.language_models:LLM,BaseLLM,BaseLanguageModel,LangSmithParams,LanguageModelInput"
        " runlet.callbacks:Callbacks"
    ),
    "langchain_core.load": "runlet.load",
    "langchain_core.load.dump": "runlet.load:dumpd,dumps",
    "langchain_core.load.load": "runlet.load:load,loads",
    "langchain_core.load.serializable": "runlet.load:Serializable",
    "langchain_core.messages": "runlet.messages",
    "langchain_core.messages.ai": "runlet.messages.ai runlet.messages:LC_AUTO_PREFIX,LC_ID_PREFIX",
    "langchain_core.messages.base": "runlet.messages.base",
    "langchain_core.messages.chat": "runlet.messages:ChatMessage,ChatMessageChunk",
    "langchain_core.messages.content": (
        "runlet.messages:Annotation,AudioContentBlock,Citation,ContentBlock,DataContentBlock,FileContentBlock,"
        "ImageContentBlock,InvalidToolCall,NonStandardAnnotation,NonStandardContentBlock,PlainTextContentBlock,"
        "ReasoningContentBlock,ServerToolCall,ServerToolCallChunk,ServerToolResult,TextContentBlock,ToolCall,"
        "ToolCallChunk,VideoContentBlock,ensure_id,is_data_content_block "
        "runlet.messages.create:create_audio_block,create_citation,create_file_block,create_image_block,"
        "create_non_standard_block,create_plaintext_block,create_reasoning_block,create_text_block,create_tool_call,"
        "create_video_block"
    ),
    "langchain_core.messages.function": "runlet.messages:FunctionMessage,FunctionMessageChunk",
    "langchain_core.messages.human": "runlet.messages:HumanMessage,HumanMessageChunk",
    "langchain_core.messages.modifier": "runlet.messages:RemoveMessage",
    "langchain_core.messages.notification": (
        "runlet.messages:NotificationMetadata,add_notification_metadata,get_notification_metadata"
    ),
    "langchain_core.messages.system": "runlet.messages:SystemMessage,SystemMessageChunk",
    "langchain_core.messages.tool": "runlet.messages.tool",
    "langchain_core.messages.utils": "runlet.messages.utils",
    "langchain_core.output_parsers": "runlet.output_parsers",
    "langchain_core.output_parsers.base": (
        "runlet.output_parsers:BaseGenerationOutputParser,BaseLLMOutputParser,BaseOutputParser"
    ),
    "langchain_core.output_parsers.json": (
        "runlet.output_parsers:JsonOutputParser,SimpleJsonOutputParser "
        "runlet.utils.json:parse_and_check_json_markdown,parse_json_markdown,parse_partial_json"
    ),
    "langchain_core.output_parsers.list": (
        "runlet.output_parsers:CommaSeparatedListOutputParser,ListOutputParser,MarkdownListOutputParser,"
        "NumberedListOutputParser"
    ),
    "langchain_core.output_parsers.openai_tools": (
        "runlet.output_parsers.openai_tools:JsonOutputKeyToolsParser,JsonOutputToolsParser,PydanticToolsParser,"
        "make_invalid_tool_call,parse_tool_call,parse_tool_calls"
    ),
    "langchain_core.output_parsers.pydantic": "runlet.output_parsers:PydanticOutputParser",
    "langchain_core.output_parsers.string": "runlet.output_parsers:StrOutputParser",
    "langchain_core.output_parsers.transform": (
        "runlet.output_parsers:BaseCumulativeTransformOutputParser,BaseTransformOutputParser"
    ),
    "langchain_core.output_parsers.xml": "runlet.output_parsers:XMLOutputParser",
    "langchain_core.outputs": "runlet.outputs",
    "langchain_core.outputs.chat_generation": "runlet.outputs:ChatGeneration,ChatGenerationChunk",
    "langchain_core.outputs.chat_result": "runlet.outputs:ChatResult",
    "langchain_core.outputs.generation": "runlet.outputs:Generation,GenerationChunk",
    "langchain_core.outputs.llm_result": "runlet.outputs:LLMResult",
    "langchain_core.outputs.run_info": "runlet.outputs:RunInfo",
    "langchain_core.prompt_values": "runlet.prompt_values",
    "langchain_core.prompts": "runlet.prompts",
    "langchain_core.prompts.base": (
        "runlet.prompts.base:BasePromptTemplate,FormatOutputType,aformat_document,format_document"
    ),
    "langchain_core.prompts.chat": "runlet.prompts.chat",
    "langchain_core.prompts.dict": "runlet.prompts:DictPromptTemplate",
    "langchain_core.prompts.few_shot": "runlet.prompts:FewShotChatMessagePromptTemplate,FewShotPromptTemplate",
    "langchain_core.prompts.few_shot_with_templates": "runlet.prompts:FewShotPromptWithTemplates",
    "langchain_core.prompts.image": "runlet.prompts.image:ImagePromptTemplate",
    "langchain_core.prompts.message": "runlet.prompts.message:BaseMessagePromptTemplate",
    "langchain_core.prompts.prompt": "runlet.prompts:PromptTemplate",
    "langchain_core.prompts.string": "runlet.prompts.string",
    # What is there is pydantic 2, which is what Runlet takes; programs of that time used little that differs.
    "langchain_core.pydantic_v1": "pydantic:BaseModel,Field,PrivateAttr,SecretStr,ValidationError,create_model",
    "langchain_core.rate_limiters": "runlet.rate_limiters",
    "langchain_core.retrievers": "runlet.retrievers",
    "langchain_core.runnables": "runlet.runnables",
    "langchain_core.runnables.base": (
        "runlet.runnables.base:Input,Other,Output,RunnableBindingBase,RunnableEachBase runlet.runnables:Runnable,"
        "RunnableBinding,RunnableEach,RunnableGenerator,RunnableLambda,RunnableMap,RunnableParallel,RunnableSequence,"
        "RunnableSerializable,chain,coerce_to_runnable"
    ),
    "langchain_core.runnables.branch": "runlet.runnables:RunnableBranch",
    "langchain_core.runnables.config": "runlet.runnables.config",
    "langchain_core.runnables.configurable": "runlet.runnables.configurable",
    "langchain_core.runnables.fallbacks": "runlet.runnables:RunnableWithFallbacks",
    "langchain_core.runnables.graph": "runlet.runnables.graph",
    "langchain_core.runnables.history": (
        "runlet.runnables.history:GetSessionHistoryCallable,MessagesOrDictWithMessages,RunnableWithMessageHistory"
    ),
    "langchain_core.runnables.passthrough": (
        "runlet.runnables.passthrough:RunnableAssign,RunnablePassthrough,RunnablePick,aidentity,identity"
    ),
    "langchain_core.runnables.retry": "runlet.runnables.retry:ExponentialJitterParams,RunnableRetry",
    "langchain_core.runnables.router": "runlet.runnables:RouterInput,RouterRunnable",
    "langchain_core.runnables.schema": "runlet.runnables.schema",
    "langchain_core.runnables.utils": "runlet.runnables.utils",
    "langchain_core.stores": "runlet.stores",
    "langchain_core.tools": "runlet.tools",
    "langchain_core.tools.base": (
        "runlet.tools:ArgsSchema,BaseTool,BaseToolkit,FILTERED_ARGS,InjectedToolArg,InjectedToolCallId,"
        "SchemaAnnotationError,ToolException,create_schema_from_function runlet.callbacks:Callbacks"
    ),
    "langchain_core.tools.convert": "runlet.tools:convert_runnable_to_tool,tool",
    "langchain_core.tools.render": (
        "runlet.tools:ToolsRenderer,render_text_description,render_text_description_and_args"
    ),
    "langchain_core.tools.retriever": "runlet.tools:RetrieverInput,create_retriever_tool",
    "langchain_core.tools.simple": "runlet.tools:Tool",
    "langchain_core.tools.structured": "runlet.tools:StructuredTool",
    "langchain_core.tracers": "runlet.tracers",
    "langchain_core.tracers.base": "runlet.tracers:AsyncBaseTracer,BaseTracer",
    "langchain_core.tracers.context": "runlet.tracers.context:collect_runs,register_configure_hook",
    "langchain_core.tracers.log_stream": "runlet.tracers.log_stream",
    "langchain_core.tracers.schemas": "runlet.tracers:Run",
    "langchain_core.tracers.stdout": "runlet.tracers.stdout",
    "langchain_core.utils": "runlet.utils",
    "langchain_core.utils.aiter": "runlet.utils.aiter",
    "langchain_core.utils.env": "runlet.utils.env",
    "langchain_core.utils.formatting": "runlet.utils.formatting",
    "langchain_core.utils.function_calling": "runlet.utils.function_calling",
    "langchain_core.utils.iter": "runlet.utils.iter",
    "langchain_core.utils.json": "runlet.utils.json",
    "langchain_core.utils.json_schema": "runlet.utils.json_schema",
    "langchain_core.utils.mustache": "runlet.utils.mustache",
    "langchain_core.utils.strings": "runlet.utils.strings",
    "langchain_core.utils.utils": "runlet.utils.utils",
    "langchain_core.vectorstores": "runlet.vectorstores:InMemoryVectorStore,VST,VectorStore,VectorStoreRetriever",
    "langchain_core.vectorstores.base": "runlet.vectorstores:VST,VectorStore,VectorStoreRetriever",
    "langchain_core.vectorstores.in_memory": "runlet.vectorstores:InMemoryVectorStore",
    "langchain_core.version": "runlet.compat.versions:VERSION=CORE",
}
