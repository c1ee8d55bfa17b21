"""Messages: what people, models and tools say to each other, their pieces, and functions that work on them.

Names are loaded when they are first used: a chain needs few of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prill.lazy import lazy_names

if TYPE_CHECKING:
    from prill.messages.ai import (
        AIMessage as AIMessage,
        AIMessageChunk as AIMessageChunk,
        InputTokenDetails as InputTokenDetails,
        OutputTokenDetails as OutputTokenDetails,
        UsageMetadata as UsageMetadata,
        ai_chunk as ai_chunk,
        text_chunk as text_chunk,
    )
    from prill.messages.base import (
        BaseMessage as BaseMessage,
        BaseMessageChunk as BaseMessageChunk,
        merge_chunks as merge_chunks,
        merge_content as merge_content,
        message_to_dict as message_to_dict,
        messages_to_dict as messages_to_dict,
    )
    from prill.messages.buffer import get_buffer_string as get_buffer_string
    from prill.messages.call_types import (
        LC_AUTO_PREFIX as LC_AUTO_PREFIX,
        LC_ID_PREFIX as LC_ID_PREFIX,
        InvalidToolCall as InvalidToolCall,
        ToolCall as ToolCall,
        ToolCallChunk as ToolCallChunk,
        ensure_id as ensure_id,
    )
    from prill.messages.chat import (
        ChatMessage as ChatMessage,
        ChatMessageChunk as ChatMessageChunk,
    )
    from prill.messages.content import (
        Annotation as Annotation,
        AudioContentBlock as AudioContentBlock,
        Citation as Citation,
        ContentBlock as ContentBlock,
        DataContentBlock as DataContentBlock,
        FileContentBlock as FileContentBlock,
        ImageContentBlock as ImageContentBlock,
        NonStandardAnnotation as NonStandardAnnotation,
        NonStandardContentBlock as NonStandardContentBlock,
        PlainTextContentBlock as PlainTextContentBlock,
        ReasoningContentBlock as ReasoningContentBlock,
        RefusalContentBlock as RefusalContentBlock,
        ServerToolCall as ServerToolCall,
        ServerToolCallChunk as ServerToolCallChunk,
        ServerToolResult as ServerToolResult,
        TextContentBlock as TextContentBlock,
        VideoContentBlock as VideoContentBlock,
        is_data_content_block as is_data_content_block,
    )
    from prill.messages.convert import (
        MessageLikeRepresentation as MessageLikeRepresentation,
        convert_to_messages as convert_to_messages,
        message_from_dict,
        messages_from_dict as messages_from_dict,
    )
    from prill.messages.count import count_tokens_approximately as count_tokens_approximately
    from prill.messages.data_blocks import (
        convert_to_openai_data_block as convert_to_openai_data_block,
        convert_to_openai_image_block as convert_to_openai_image_block,
    )
    from prill.messages.filter import filter_messages as filter_messages
    from prill.messages.function import (
        FunctionMessage as FunctionMessage,
        FunctionMessageChunk as FunctionMessageChunk,
    )
    from prill.messages.human import (
        HumanMessage as HumanMessage,
        HumanMessageChunk as HumanMessageChunk,
    )
    from prill.messages.kinds import (
        AnyMessage as AnyMessage,
        message_chunk_to_message as message_chunk_to_message,
    )
    from prill.messages.modifier import RemoveMessage as RemoveMessage
    from prill.messages.notification import (
        NotificationMetadata as NotificationMetadata,
        add_notification_metadata as add_notification_metadata,
        get_notification_metadata as get_notification_metadata,
    )
    from prill.messages.openai_format import convert_to_openai_messages as convert_to_openai_messages
    from prill.messages.runs import merge_message_runs as merge_message_runs
    from prill.messages.system import (
        SystemMessage as SystemMessage,
        SystemMessageChunk as SystemMessageChunk,
    )
    from prill.messages.tool import (
        ToolMessage as ToolMessage,
        ToolMessageChunk as ToolMessageChunk,
    )
    from prill.messages.trim import trim_messages as trim_messages

    _message_from_dict = message_from_dict
else:  # a type checker would believe that every name exists
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "ai": ("AIMessage AIMessageChunk InputTokenDetails OutputTokenDetails UsageMetadata ai_chunk text_chunk"),
            "base": "BaseMessage BaseMessageChunk merge_chunks merge_content message_to_dict messages_to_dict",
            "buffer": "get_buffer_string",
            "call_types": "LC_AUTO_PREFIX LC_ID_PREFIX InvalidToolCall ToolCall ToolCallChunk ensure_id",
            "chat": "ChatMessage ChatMessageChunk",
            "content": (
                "Annotation AudioContentBlock Citation ContentBlock DataContentBlock FileContentBlock "
                "ImageContentBlock NonStandardAnnotation NonStandardContentBlock PlainTextContentBlock "
                "ReasoningContentBlock RefusalContentBlock ServerToolCall ServerToolCallChunk ServerToolResult "
                "TextContentBlock "
                "VideoContentBlock is_data_content_block"
            ),
            "convert": (
                "MessageLikeRepresentation _message_from_dict=message_from_dict convert_to_messages messages_from_dict"
            ),
            "count": "count_tokens_approximately",
            "data_blocks": "convert_to_openai_data_block convert_to_openai_image_block",
            "filter": "filter_messages",
            "function": "FunctionMessage FunctionMessageChunk",
            "human": "HumanMessage HumanMessageChunk",
            "kinds": "AnyMessage message_chunk_to_message",
            "modifier": "RemoveMessage",
            "notification": "NotificationMetadata add_notification_metadata get_notification_metadata",
            "openai_format": "convert_to_openai_messages",
            "runs": "merge_message_runs",
            "system": "SystemMessage SystemMessageChunk",
            "tool": "ToolMessage ToolMessageChunk",
            "trim": "trim_messages",
        },
    )
