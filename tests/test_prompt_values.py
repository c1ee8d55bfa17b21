"""What prompts make."""

import pytest

from prill.messages import AIMessage, HumanMessage, SystemMessage
from prill.prompt_values import (
    ChatPromptValue,
    ChatPromptValueConcrete,
    ImagePromptValue,
    StringPromptValue,
    chat_prompt_value,
    string_prompt_value,
)


def test_text_as_messages_and_messages_as_text():
    assert StringPromptValue(text="x").to_messages() == [HumanMessage("x")]
    assert ChatPromptValue(messages=[SystemMessage("x"), AIMessage("y")]).to_string() == "System: x\nAI: y"


def test_the_fast_constructors_make_what_validation_makes():
    messages = [HumanMessage("x")]
    assert string_prompt_value("x") == StringPromptValue(text="x")
    assert chat_prompt_value(messages) == ChatPromptValue(messages=messages)
    assert repr(chat_prompt_value(messages)) == repr(ChatPromptValue(messages=messages))


def test_the_messages_are_a_new_list():
    value = chat_prompt_value([HumanMessage("x")])
    value.to_messages().clear()
    assert len(value.messages) == 1


@pytest.mark.parametrize("kind", [ChatPromptValue, ChatPromptValueConcrete])
def test_messages_keep_their_kind_in_a_round_trip(kind):
    value = kind(messages=[HumanMessage("x"), AIMessage("y", tool_calls=[{"name": "f", "args": {}, "id": "1"}])])
    again = kind.model_validate(value.model_dump())
    assert again == value
    assert [type(message) for message in again.messages] == [HumanMessage, AIMessage]


def test_an_image_is_a_message_with_an_image():
    value = ImagePromptValue(image_url={"url": "http://a", "detail": "low"})
    assert value.to_string() == "http://a"
    assert value.to_messages()[0].content_blocks == [{"type": "image", "url": "http://a", "extras": {"detail": "low"}}]
