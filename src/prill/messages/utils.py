"""The functions that work on whole messages; each has its own file, here they are under their usual address."""

from prill.messages.base import message_to_dict, messages_to_dict
from prill.messages.buffer import get_buffer_string
from prill.messages.convert import (
    MessageLikeRepresentation,
    convert_to_messages,
    messages_from_dict,
)
from prill.messages.convert import message_from_dict as _message_from_dict
from prill.messages.count import count_tokens_approximately
from prill.messages.filter import filter_messages
from prill.messages.kinds import AnyMessage, message_chunk_to_message
from prill.messages.openai_format import convert_to_openai_messages
from prill.messages.runs import merge_message_runs
from prill.messages.trim import trim_messages

__all__ = [
    "AnyMessage",
    "MessageLikeRepresentation",
    "_message_from_dict",
    "convert_to_messages",
    "convert_to_openai_messages",
    "count_tokens_approximately",
    "filter_messages",
    "get_buffer_string",
    "merge_message_runs",
    "message_chunk_to_message",
    "message_to_dict",
    "messages_from_dict",
    "messages_to_dict",
    "trim_messages",
]
