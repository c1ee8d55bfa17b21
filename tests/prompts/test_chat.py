from __future__ import annotations

import asyncio
import copy
import pickle
from typing import Any

import pytest
from langchain_core import messages as peer_messages
from langchain_core import prompts as peer

from prill import prompts
from prill.errors import MissingVariableError, PromptError
from prill.load import dumpd, load
from prill.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from prill.output_parsers import StrOutputParser
from prill.prompts import BaseChatPromptTemplate, ChatPromptTemplate, MessagesPlaceholder, PromptTemplate
from prill.prompts.message import BaseMessagePromptTemplate
from prill.prompts.structured import StructuredPrompt

HISTORY = [("human", "a"), {"role": "assistant", "content": "b"}, "c"]
VALUES: dict[str, Any] = {"x": "X", "y": 2, "u": "http://u", "h": HISTORY, "i": ["d"]}
IMAGE = {"type": "image_url", "image_url": {"url": "{u}", "detail": "{x}"}}


def shown(messages: list[Any]) -> list[Any]:
    return [(message.type, message.content, message.additional_kwargs) for message in messages]


@pytest.mark.parametrize(
    "messages",
    [
        ["{x}"],
        [("system", "s {x}"), ("user", "{y}"), ("assistant", "{x}"), ("ai", "{{x}}"), ("human", "")],
        [("placeholder", "{h}"), ("placeholder", ["{gone}", True]), ("placeholder", ["{i}", False])],
        [{"role": "user", "content": "{x}"}, {"role": "user", "content": [{"type": "text", "text": "{x}"}]}],
        [("human", ["{x}", "y", {"type": "text", "text": "t{x}"}, {"text": "u"}, ""])],
        [("human", [{"type": "image_url", "image_url": "{u}"}]), ("system", [IMAGE])],
        [("human", [{"type": "image_url", "image_url": {"url": "a", "unknown": 1}}])],
        [("human", [{"type": "text", "text": "hi", "cache_control": {"type": "e{x}"}}, {"other": "{x}"}])],
        [("ai", [{"type": "tool_use", "input": {"a": ["{x}", 1, None]}}])],
        [("human", [])],
        [],
    ],
)
def test_messages_are_made_as_the_peer_makes_them(messages: Any) -> None:
    ours, theirs = ChatPromptTemplate(messages), peer.ChatPromptTemplate(messages)
    assert ours.input_variables == theirs.input_variables
    assert ours.optional_variables == theirs.optional_variables
    made = ours.format_messages(**VALUES)
    assert shown(made) == shown(theirs.format_messages(**VALUES))
    assert asyncio.run(ours.aformat_messages(**VALUES)) == made
    assert ours.invoke(VALUES).to_messages() == made
    assert [type(message)(**message.model_dump()) for message in made] == made  # filled in by hand, yet whole


@pytest.mark.parametrize("template_format", ["mustache", "jinja2"])
def test_other_formats_are_filled_as_the_peer_fills_them(template_format: Any) -> None:
    messages: Any = [("system", "{{x}}"), ("human", [{"type": "image_url", "image_url": "{{u}}"}])]
    ours = ChatPromptTemplate(messages, template_format=template_format)
    theirs = peer.ChatPromptTemplate(messages, template_format=template_format)
    assert shown(ours.format_messages(**VALUES)) == shown(theirs.format_messages(**VALUES))


@pytest.mark.parametrize(
    "message",
    [
        3,
        ("a", "b", "c"),
        ["human", "{x}"],
        ("tool", "{x}"),
        ("placeholder", "x"),
        ("placeholder", "a {x}"),
        {"role": "user"},
        {"type": "human", "content": "{x}"},
        ("human", None),
        ("human", [3]),
        ("human", "{x.y}"),
        ("human", "{x"),
        ("human", [{"type": "image_url", "image_url": 3}]),
    ],
)
def test_what_stands_for_no_message_is_refused(message: Any) -> None:
    with pytest.raises(PromptError):
        ChatPromptTemplate([message])
    with pytest.raises((ValueError, NotImplementedError)):
        peer.ChatPromptTemplate([message])


def test_classes_stand_for_their_roles() -> None:
    prompt = ChatPromptTemplate([(SystemMessage, "{x}"), (prompts.AIMessagePromptTemplate, "{x}")])
    assert prompt.format_messages(x=1) == [SystemMessage("1"), AIMessage("1")]


def test_a_message_is_taken_as_it_is() -> None:
    message = HumanMessage("{x}")
    assert ChatPromptTemplate([message]).format_messages()[0] is message


def test_a_placeholder_says_what_it_needs() -> None:
    placeholder = MessagesPlaceholder("h")
    with pytest.raises(MissingVariableError, match="'h'"):
        placeholder.format_messages()
    for wrong in ("text", None, HumanMessage("x"), ("human", "x")):
        with pytest.raises(PromptError, match="'h' must be a list of messages, not"):
            placeholder.format_messages(h=wrong)
    with pytest.raises(ValueError, match="greater than 0"):
        MessagesPlaceholder("h", n_messages=0)


def test_a_placeholder_takes_the_last_messages_and_may_be_optional() -> None:
    assert MessagesPlaceholder("h", n_messages=1).format_messages(h=["x", "y"]) == [HumanMessage("y")]
    prompt = ChatPromptTemplate([MessagesPlaceholder("h", optional=True), "{q}"])
    assert prompt.invoke({"q": 1}).to_messages() == [HumanMessage("1")]
    assert prompt.invoke("bare").to_messages() == [HumanMessage("bare")]  # type: ignore[arg-type]  # on purpose


def test_a_variable_that_is_needed_elsewhere_is_not_optional() -> None:
    assert ChatPromptTemplate([("placeholder", "{h}"), "{h}"]).input_variables == ["h"]


def test_a_missing_variable_is_named() -> None:
    with pytest.raises(MissingVariableError, match="ChatPromptTemplate needs the variable 'b'; given: 'a'"):
        ChatPromptTemplate(["{a} {b}"]).invoke({"a": 1})


def test_everything_that_stands_for_messages_can_be_added() -> None:
    prompt = ChatPromptTemplate(["{a}"]).partial(a=1)
    other = ChatPromptTemplate([("ai", "{b}")]).partial(b=2)
    joined = prompt + other + "{c}" + [("ai", "d"), "e"] + ("system", "f") + AIMessage("{g}") + MessagesPlaceholder("h")
    assert joined.input_variables == ["c", "h"]
    contents = [message.content for message in joined.format_messages(c=3, h=["i"])]
    assert contents == ["1", "2", "3", "d", "e", "f", "{g}", "i"]
    with pytest.raises(TypeError):
        prompt + 3


def test_message_templates_and_messages_are_added_to_a_chat_prompt() -> None:
    template = prompts.HumanMessagePromptTemplate.from_template("{x}")
    joined = SystemMessage("q") + template + "y"
    assert joined.format_messages(x=1) == [SystemMessage("q"), HumanMessage("1"), HumanMessage("y")]
    assert (SystemMessage("q") + ChatPromptTemplate(["y"])).format_messages() == [SystemMessage("q"), HumanMessage("y")]


def test_what_is_appended_counts_and_is_of_the_same_format() -> None:
    prompt = ChatPromptTemplate([("human", "{{a}}")], template_format="mustache")
    partial = prompt.partial(a="A")
    prompt.append(("ai", "{{b}}"))
    prompt.extend(["{{c}}", ("placeholder", "{h}")])
    assert (prompt.input_variables, prompt.optional_variables, len(prompt)) == (["a", "b", "c"], ["h"], 4)
    assert [message.content for message in prompt.format_messages(a=1, b=2, c=3)] == ["1", "2", "3"]
    assert len(partial) == 1


@pytest.mark.parametrize(
    ("template_format", "first", "second"),
    [("mustache", "{{a}}", "{{b}} {c}"), ("jinja2", "{{ a }}", "{{ b }} {c}"), ("f-string", "{a}", "{b} {{c}}")],
)
def test_every_way_to_a_prompt_keeps_the_format_of_what_is_appended(
    template_format: Any, first: str, second: str
) -> None:
    prompt = ChatPromptTemplate([("human", first)], template_format=template_format)
    structured = StructuredPrompt(prompt.messages, {"title": "t"}, template_format=template_format)
    stored = [dumpd(one) for one in (prompt, prompt[:], "x" + prompt, structured)]
    made = [
        ChatPromptTemplate.from_template(first, template_format=template_format),
        *(load(one, init_validator=None) for one in stored),
        load(dumpd(prompt | StrOutputParser()), init_validator=None).first,
        pickle.loads(pickle.dumps(prompt.partial())),
    ]
    for each in made:
        each.append(second)
        assert each.input_variables == ["a", "b"]
        assert each.format_messages(a=1, b=2)[-1].content == "2 {c}"


def test_parts_are_reached_by_index() -> None:
    prompt = ChatPromptTemplate(["{a}", ("ai", "{b}"), ("placeholder", "{h}")]).partial(a=1)
    assert isinstance(prompt[0], prompts.HumanMessagePromptTemplate)
    assert (prompt[1:].input_variables, dict(prompt[1:].partial_variables)) == (["b"], {"h": []})


def test_a_chat_prompt_stands_within_another() -> None:
    inner = ChatPromptTemplate(["{a}", "{b}"]).partial(a=1)
    outer = ChatPromptTemplate([inner, ("ai", "{c}")])
    assert outer.input_variables == ["b", "c"]
    assert [message.content for message in outer.format_messages(b=2, c=3)] == ["1", "2", "3"]


def test_a_prompt_survives_pickling_and_copying() -> None:
    prompt = ChatPromptTemplate([("system", "{x}"), MessagesPlaceholder("h"), ("human", [IMAGE])])
    for other in (pickle.loads(pickle.dumps(prompt)), copy.deepcopy(prompt)):
        assert other == prompt
        assert other.format_messages(**VALUES) == prompt.format_messages(**VALUES)
    assert prompt != ChatPromptTemplate(["x"])


def test_what_is_read_as_text_is_what_the_peer_writes() -> None:
    messages: Any = [("system", "s {x}"), ("placeholder", "{h}"), ("human", "{y}")]
    ours, theirs = ChatPromptTemplate(messages), peer.ChatPromptTemplate(messages)
    assert ours.pretty_repr() == theirs.pretty_repr()
    assert ours.pretty_repr(html=True) == theirs.pretty_repr(html=True)
    assert ours.format(x=1, y=2) == theirs.format(x=1, y=2)


def test_content_blocks_can_be_shown() -> None:
    assert "{'url': '{u}'" in ChatPromptTemplate([("human", [IMAGE, {"k": "{x}"}, "t {y}"])]).pretty_repr()


def test_the_given_variables_are_checked_if_asked_for() -> None:
    assert ChatPromptTemplate(["{a}"], input_variables=["b"]).input_variables == ["a"]
    with pytest.raises(PromptError, match=r"have the variables \['a'\], not \['b'\]"):
        ChatPromptTemplate(["{a}"], input_variables=["b"], validate_template=True)


def test_additional_kwargs_and_other_roles_go_into_the_message() -> None:
    template = prompts.AIMessagePromptTemplate.from_template("{x}", additional_kwargs={"q": 1})
    assert template.format(x=1) == AIMessage("1", additional_kwargs={"q": 1})
    ours = prompts.ChatMessagePromptTemplate.from_template("{x}", role="Judge").format(x=1)
    theirs = peer.ChatMessagePromptTemplate.from_template("{x}", role="Judge").format(x=1)
    assert ours.model_dump() == theirs.model_dump()


def test_messages_do_not_share_what_can_be_changed() -> None:
    prompt = ChatPromptTemplate(["x"])
    prompt.format_messages()[0].additional_kwargs["changed"] = True
    assert prompt.format_messages()[0].additional_kwargs == {}


def test_partial_variables_do_not_go_with_content_blocks() -> None:
    with pytest.raises(PromptError, match="list of content blocks"):
        prompts.HumanMessagePromptTemplate.from_template(["{x}"], partial_variables={"x": 1})
    template = prompts.HumanMessagePromptTemplate.from_template("{x}{y}", partial_variables={"x": 1})
    assert template.input_variables == ["y"]
    assert template.format(y=2).content == "12"


class Both(BaseMessagePromptTemplate):
    def format_messages(self, /, **kwargs: Any) -> list[BaseMessage]:
        return [HumanMessage(kwargs["a"]), AIMessage("blocking")]

    async def aformat_messages(self, /, **kwargs: Any) -> list[BaseMessage]:
        return [HumanMessage(kwargs["a"]), AIMessage("asyncio")]

    @property
    def input_variables(self) -> list[str]:
        return ["a"]


class Greeting(BaseChatPromptTemplate):
    def format_messages(self, /, **kwargs: Any) -> list[BaseMessage]:
        return [HumanMessage(f"Hello {kwargs['a']}")]


def test_a_users_own_prompts_and_message_templates_are_parts() -> None:
    prompt = ChatPromptTemplate([Both(), Greeting(input_variables=["a"])])
    assert [message.content for message in prompt.invoke({"a": "x"}).to_messages()] == ["x", "blocking", "Hello x"]
    made = asyncio.run(prompt.ainvoke({"a": "x"})).to_messages()
    assert [message.content for message in made] == ["x", "asyncio", "Hello x"]
    assert Greeting(input_variables=["a"]).format(a="x") == "Human: Hello x"


def test_a_prompt_that_exists_is_wrapped_by_prompt() -> None:
    wrapped = prompts.HumanMessagePromptTemplate(prompt=PromptTemplate.from_template("{x}"))
    assert wrapped.format(x=1) == HumanMessage("1")
    with pytest.raises(PromptError, match=r"HumanMessagePromptTemplate\(prompt=...\)"):
        ChatPromptTemplate([("human", PromptTemplate.from_template("{x}"))])  # type: ignore[list-item]  # on purpose


def test_a_prompt_is_a_step_of_a_chain() -> None:
    chain = ChatPromptTemplate(["{x}"]) | (lambda value: value.to_string())
    assert chain.invoke({"x": 1}) == "Human: 1"
    assert list(chain.stream({"x": 1})) == ["Human: 1"]


def test_dumped_messages_are_equal_to_the_peers() -> None:
    (ours,) = ChatPromptTemplate([("ai", "{x}")]).format_messages(x=1)
    assert ours.model_dump() == peer_messages.AIMessage("1").model_dump()


class Signed(ChatPromptTemplate):
    def format_messages(self, /, **kwargs: Any) -> list[BaseMessage]:
        return [*super().format_messages(**kwargs), HumanMessage("signed")]


class Loud(prompts.HumanMessagePromptTemplate):
    def format(self, /, **kwargs: Any) -> BaseMessage:
        return HumanMessage(super().format(**kwargs).text.upper())


def test_what_a_users_subclass_overrides_is_used_by_the_verbs() -> None:
    prompt = Signed([Loud.from_template("{a}")])
    assert [message.content for message in prompt.invoke({"a": "x"}).to_messages()] == ["X", "signed"]
    loud = ChatPromptTemplate([Loud.from_template("{a}")])
    assert [message.content for message in loud.invoke({"a": "x"}).to_messages()] == ["X"]


def test_a_template_that_is_changed_is_filled_as_it_is_now() -> None:
    prompt: Any = ChatPromptTemplate(["{a}"])
    assert prompt.invoke({"a": 1}).to_string() == "Human: 1"
    prompt[0].prompt.template = "now {a}"
    assert prompt.invoke({"a": 1}).to_string() == "Human: now 1"


@pytest.mark.parametrize(
    "template", [prompts.SystemMessagePromptTemplate, prompts.ChatMessagePromptTemplate], ids=lambda kind: kind.__name__
)
def test_given_variables_of_a_message_template_are_checked(template: Any) -> None:
    role = {"role": "r"} if template is prompts.ChatMessagePromptTemplate else {}
    made = template.from_template("{a} {b}", input_variables=["b", "a"], **role)
    assert made.format(a=1, b=2).content == "1 2"
    with pytest.raises(PromptError, match=r"has the variables \['a', 'b'\], not \['a'\]"):
        template.from_template("{a} {b}", input_variables=["a"], **role)


def test_an_optional_variable_that_is_not_given_is_empty_text() -> None:
    prompt = ChatPromptTemplate([("human", "{greeting}{u}")], optional_variables=["greeting"])
    assert prompt.input_variables == ["u"]
    assert prompt.invoke({"u": "x"}).messages[0].content == "x"
    assert prompt.invoke({"u": "x", "greeting": "Hi "}).messages[0].content == "Hi x"


def test_a_placeholder_stands_in_braces_of_the_templates_format() -> None:
    prompt = ChatPromptTemplate([("placeholder", "{{h}}"), ("human", "{{u}}")], template_format="mustache")
    assert [message.content for message in prompt.invoke({"u": "x", "h": ["a"]}).messages] == ["a", "x"]


@pytest.mark.parametrize("optional", [False, True])
@pytest.mark.parametrize("name", ["{past}", "{{past}}", "past}", ""])
def test_a_placeholder_has_a_name_without_braces(name: str, optional: bool) -> None:
    with pytest.raises(PromptError, match="without braces"):
        MessagesPlaceholder(name, optional=optional)
