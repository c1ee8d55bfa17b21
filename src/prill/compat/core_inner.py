"""``langchain_core``: names beyond the documented ones that packages built on it import. See ``module_map``."""

from __future__ import annotations


def _inner(module: str, names: str) -> str:
    return f"prill.compat.inner.{module}:{','.join(names.split())}"


_RUN_MANAGERS = (
    "AsyncCallbackManagerForChainRun AsyncCallbackManagerForLLMRun AsyncCallbackManagerForRetrieverRun "
    "AsyncCallbackManagerForToolRun CallbackManagerForChainRun CallbackManagerForLLMRun "
    "CallbackManagerForRetrieverRun CallbackManagerForToolRun"
)

_NEW: dict[str, tuple[str, ...]] = {
    "langchain_core._api": (
        _inner(
            "deprecation",
            "LangChainBetaWarning LangChainDeprecationWarning LangChainPendingDeprecationWarning "
            "as_import_path beta deprecated get_relative_path rename_parameter "
            "suppress_langchain_beta_warning suppress_langchain_deprecation_warning "
            "surface_langchain_beta_warnings surface_langchain_deprecation_warnings warn_beta "
            "warn_deprecated",
        ),
    ),
    "langchain_core._api.beta_decorator": (
        _inner(
            "deprecation",
            "LangChainBetaWarning beta suppress_langchain_beta_warning surface_langchain_beta_warnings warn_beta",
        ),
    ),
    "langchain_core._api.deprecation": (
        _inner(
            "deprecation",
            "LangChainDeprecationWarning LangChainPendingDeprecationWarning deprecated rename_parameter "
            "suppress_langchain_deprecation_warning surface_langchain_deprecation_warnings warn_deprecated",
        ),
    ),
    "langchain_core._api.internal": (_inner("deprecation", "is_caller_internal"),),
    "langchain_core._api.path": (_inner("deprecation", "as_import_path get_relative_path"),),
    "langchain_core._security": (
        _inner(
            "ssrf",
            "DEFAULT_SSRF_POLICY SSRFBlockedError SSRFPolicy validate_hostname validate_resolved_ip "
            "validate_url validate_url_sync",
        ),
        _inner(
            "ssrf_transport",
            "SSRFSafeSyncTransport SSRFSafeTransport ssrf_safe_async_client ssrf_safe_client",
        ),
    ),
    "langchain_core._security._exceptions": (_inner("ssrf", "SSRFBlockedError"),),
    "langchain_core._security._policy": (
        _inner(
            "ssrf",
            "DEFAULT_SSRF_POLICY SSRFPolicy validate_hostname validate_resolved_ip validate_url validate_url_sync",
        ),
    ),
    "langchain_core._security._transport": (
        _inner(
            "ssrf_transport",
            "SSRFSafeSyncTransport SSRFSafeTransport ssrf_safe_async_client ssrf_safe_client",
        ),
    ),
    "langchain_core.agents": (
        _inner(
            "conversations",
            "AgentAction AgentActionMessageLog AgentFinish AgentStep _convert_agent_action_to_messages "
            "_convert_agent_observation_to_messages _create_function_message",
        ),
    ),
    "langchain_core.chat_loaders": (_inner("conversations", "BaseChatLoader"),),
    "langchain_core.chat_sessions": (_inner("conversations", "ChatSession"),),
    "langchain_core.decisions": (
        _inner(
            "decisions",
            "Answer BaseDecisionModel Box BoxAnswer BoxCoordinates Choice ChoiceAnswer ClassifierRequest "
            "ClassifierResponse Content Noul NoulAnswer NoulCriteria Question Score ScoreAnswer State",
        ),
    ),
    "langchain_core.env": (_inner("helpers", "get_runtime_environment"),),
    "langchain_core.language_models._compat_bridge": (
        _inner("annotation_names", "achunks_to_events amessage_to_events chunks_to_events message_to_events"),
    ),
    "langchain_core.language_models._utils": ("prill.messages.data_blocks:is_openai_data_block",),
    "langchain_core.language_models.chat_model_stream": (
        _inner("annotation_names", "AsyncChatModelStream ChatModelStream"),
    ),
    "langchain_core.language_models.model_profile": (
        _inner("model_profile", "ModelProfile ModelProfileRegistry _warn_unknown_profile_keys"),
    ),
    "langchain_core.messages.block_translators": (
        _inner("translators", "PROVIDER_TRANSLATORS get_translator register_translator"),
    ),
    "langchain_core.messages.block_translators.anthropic": (
        _inner("translators", "translate_content translate_content_chunk"),
    ),
    "langchain_core.messages.block_translators.google_genai": (
        _inner("translators", "_convert_to_v1_from_genai translate_content translate_content_chunk"),
    ),
    "langchain_core.messages.block_translators.openai": (
        _inner(
            "translators",
            "_FUNCTION_CALL_IDS_MAP_KEY _convert_from_v03_ai_message _convert_from_v1_to_chat_completions "
            "_convert_to_v1_from_chat_completions _convert_to_v1_from_responses convert_to_openai_data_block "
            "convert_to_openai_image_block translate_content translate_content_chunk",
        ),
    ),
    "langchain_core.structured_query": (
        _inner(
            "structured_query",
            "Comparator Comparison Expr FilterDirective Operation Operator StructuredQuery Visitor",
        ),
    ),
    "langchain_core.tracers._streaming": (_inner("tracing", "_StreamingCallbackHandler _V2StreamingCallbackHandler"),),
    "langchain_core.tracers.evaluation": (_inner("tracing", "EvaluatorCallbackHandler wait_for_all_evaluators"),),
    "langchain_core.tracers.langchain": (_inner("tracing", "LangChainTracer get_client wait_for_all_tracers"),),
    "langchain_core.tracers.root_listeners": (_inner("tracing", "AsyncRootListenersTracer RootListenersTracer"),),
    "langchain_core.tracers.run_collector": ("prill.tracers.context:RunCollectorCallbackHandler",),
    "langchain_core.utils._gateway": (
        _inner(
            "gateway",
            "GATEWAY_METADATA_HEADER GATEWAY_METADATA_RESPONSE_KEY GatewayConfig _apply_gateway_config "
            "_first_env _gateway_headers _langsmith_gateway_active _parse_gateway_metadata _pop_provided "
            "_resolve_gateway_config _with_gateway_headers langsmith_gateway",
        ),
    ),
    "langchain_core.utils._merge": (_inner("merging", "merge_dicts merge_lists merge_obj"),),
    "langchain_core.utils.html": (
        _inner(
            "helpers",
            "DEFAULT_LINK_REGEX PREFIXES_TO_IGNORE PREFIXES_TO_IGNORE_REGEX SUFFIXES_TO_IGNORE "
            "SUFFIXES_TO_IGNORE_REGEX extract_sub_links find_all_links",
        ),
    ),
    "langchain_core.utils.input": (_inner("helpers", "get_bolded_text get_color_mapping get_colored_text print_text"),),
    "langchain_core.utils.interactive_env": (_inner("helpers", "is_interactive_env"),),
    "langchain_core.utils.pydantic": (
        _inner(
            "pydantic_models",
            "IS_PYDANTIC_V1 IS_PYDANTIC_V2 PYDANTIC_MAJOR_VERSION PYDANTIC_MINOR_VERSION PYDANTIC_VERSION "
            "PydanticBaseModel TBaseModel TypeBaseModel _create_subset_model _create_subset_model_v2 create_model "
            "create_model_v2 get_fields get_pydantic_major_version is_basemodel_instance "
            "is_basemodel_subclass is_pydantic_v1_subclass is_pydantic_v2_subclass model_json_schema "
            "model_validate pre_init",
        ),
    ),
    "langchain_core.utils.uuid": (_inner("merging", "uuid7"),),
}

_MORE: dict[str, tuple[str, ...]] = {
    "langchain_core.caches": (_inner("annotation_names", "RETURN_VAL_TYPE"),),
    "langchain_core": ("prill.compat.module_map:__version__=CORE_PUBLIC_VERSION",),
    "langchain_core.callbacks": (_inner("managers", _RUN_MANAGERS),),
    "langchain_core.version": ("prill.compat.module_map:VERSION=CORE_PUBLIC_VERSION",),
    "langchain_core.callbacks.manager": (
        _inner("managers", _RUN_MANAGERS),
        "prill.callbacks:BaseCallbackManager",
        _inner("events", "Func ahandle_event handle_event shielded"),
    ),
    "langchain_core.language_models": (
        "prill.compat.inner.chat_models:BaseChatModel",
        _inner("model_profile", "ModelProfile ModelProfileRegistry"),
        _inner("model_calls", "get_tokenizer"),
    ),
    "langchain_core.language_models.base": (_inner("model_calls", "_get_token_ids_default_method get_tokenizer"),),
    "langchain_core.language_models.chat_models": ("prill.compat.inner.chat_models:BaseChatModel",),
    "langchain_core.load": ("prill.compat.inner.serialized:load,loads",),
    "langchain_core.language_models.llms": (
        _inner(
            "model_calls",
            "aget_prompts aupdate_cache create_base_retry_decorator get_prompts update_cache",
        ),
    ),
    "langchain_core.load.dump": (_inner("serialized", "default"),),
    "langchain_core.load.load": (_inner("serialized", "DEFAULT_NAMESPACES Reviver default_init_validator load loads"),),
    "langchain_core.load.serializable": (
        _inner(
            "serialized",
            "BaseSerialized SerializedConstructor SerializedNotImplemented SerializedSecret "
            "to_json_not_implemented try_neq_default",
        ),
    ),
    "langchain_core.output_parsers.base": (_inner("annotation_names", "OutputParserLike T"),),
    "langchain_core.output_parsers.pydantic": (_inner("pydantic_models", "PydanticBaseModel TBaseModel"),),
    "langchain_core.output_parsers.transform": ("prill.output_parsers:BaseOutputParser",),
    "langchain_core.outputs.chat_generation": ("prill.outputs:Generation",),
    "langchain_core.prompts.base": ("prill.prompt_values:StringPromptValue",),
    "langchain_core.prompts.chat": (
        "prill.messages:AIMessage,AnyMessage,BaseMessage,ChatMessage,HumanMessage,SystemMessage",
    ),
    "langchain_core.retrievers": (
        "prill.documents:Document",
        _inner("annotation_names", "RetrieverLike RetrieverOutput RetrieverOutputLike"),
    ),
    "langchain_core.runnables.base": (
        "prill.runnables:RunnableConfig",
        _inner("annotation_names", "RunnableLike"),
    ),
    "langchain_core.runnables.config": (
        _inner(
            "run_config",
            "CONFIGURABLE_TO_TRACING_METADATA_EXCLUDED_KEYS CONFIG_KEYS COPIABLE_KEYS _set_config_context "
            "var_child_runnable_config",
        ),
    ),
    "langchain_core.runnables.retry": (_inner("annotation_names", "U"),),
    "langchain_core.stores": (_inner("annotation_names", "K V"),),
    "langchain_core.tools.base": (
        _inner(
            "tools",
            "TOOL_MESSAGE_BLOCK_TYPES _DirectlyInjectedToolArg _is_directly_injected_arg_type "
            "_is_injected_arg_type _stringify get_all_basemodel_annotations",
        ),
    ),
    "langchain_core.tracers": (_inner("tracing", "EvaluatorCallbackHandler LangChainTracer"),),
    "langchain_core.tracers.context": (
        "prill.tracers.context:RunCollectorCallbackHandler",
        _inner("tracing", "tracing_v2_enabled"),
    ),
    "langchain_core.utils": (
        _inner(
            "helpers",
            "build_extra_kwargs check_package_version get_bolded_text get_color_mapping get_colored_text "
            "mock_now print_text raise_for_status_with_text",
        ),
        _inner("pydantic_models", "pre_init"),
    ),
    "langchain_core.utils.utils": (
        _inner(
            "helpers",
            "_build_model_kwargs build_extra_kwargs check_package_version mock_now raise_for_status_with_text",
        ),
    ),
}

INNER = {module: " ".join(lines) for module, lines in {**_NEW, **_MORE}.items()}
"""Modules that are not documented, and names of those that are beside the documented ones.

They are there only where the core's names alone lead here, for packages that are built on it.
"""
