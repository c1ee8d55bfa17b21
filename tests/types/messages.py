"""The types of messages and their chunks, as a type checker sees them. It is checked, never run."""

from typing import assert_type

from prill.messages import AIMessage, AIMessageChunk, BaseMessage, message_chunk_to_message


def whole(answer: AIMessageChunk, other: BaseMessage) -> None:
    assert_type(message_chunk_to_message(answer), AIMessage)
    assert_type(message_chunk_to_message(other), BaseMessage)
