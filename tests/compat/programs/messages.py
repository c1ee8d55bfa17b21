"""Messages: kinds, chunks that add up, conversion, trimming, filters."""

import pickle

from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    convert_to_messages,
    convert_to_openai_messages,
    filter_messages,
    get_buffer_string,
    merge_message_runs,
    messages_from_dict,
    messages_to_dict,
    trim_messages,
)
from langchain_core.messages.ai import UsageMetadata, add_usage
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.messages.utils import count_tokens_approximately
from langchain_core.prompt_values import ChatPromptValue

said = [SystemMessage("Be brief."), HumanMessage("Hi", name="Ann"), AIMessage("Hello"), HumanMessage("Bye", id="4")]
print(get_buffer_string(said))
print([message.type for message in said], isinstance(said[0], BaseMessage))
print(messages_from_dict(messages_to_dict(said)) == said)
print(pickle.loads(pickle.dumps(said)) == said)
print(ChatPromptValue(messages=said).to_string())
print(convert_to_openai_messages(said))
print(
    [type(message).__name__ for message in convert_to_messages([("system", "s"), "h", {"role": "ai", "content": "a"}])]
)
print([message.content for message in filter_messages(said, include_types=["human"], exclude_ids=["4"])])
print([message.content for message in merge_message_runs([HumanMessage("a"), HumanMessage("b"), AIMessage("c")])])
kept = trim_messages(said, max_tokens=2, token_counter=len, strategy="last", include_system=True)
print([message.content for message in kept], count_tokens_approximately([HumanMessage("x" * 40)]) > 10)

whole = AIMessageChunk(content="Hel") + AIMessageChunk(content="lo")
print(whole.content, type(whole).__name__)
call = AIMessageChunk(content="", tool_call_chunks=[tool_call_chunk(name="add", args='{"a": ', id="1", index=0)])
call += AIMessageChunk(content="", tool_call_chunks=[tool_call_chunk(name=None, args="1}", id=None, index=0)])
print(call.tool_calls)
one: UsageMetadata = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
print(sorted(add_usage(one, one).items()))
print(ToolMessage("3", tool_call_id="1").tool_call_id, ToolMessage("x", tool_call_id="2", status="error").status)
HumanMessage("Shown").pretty_print()
