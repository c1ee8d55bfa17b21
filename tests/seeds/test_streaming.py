"""How to stream runnables: the examples of the documentation, with what they print."""

import uuid
from contextlib import aclosing

import pytest

from prill.anthropic import ChatAnthropic
from prill.language_models import GenericFakeChatModel
from prill.messages import AIMessageChunk, HumanMessage
from prill.output_parsers import JsonOutputParser, StrOutputParser
from prill.prompts import ChatPromptTemplate
from prill.runnables import RunnableLambda, chain
from prill.testing import Reply
from prill.tools import tool

ASK = (
    "output a list of the countries france, spain and japan and their populations in JSON format. "
    'Use a dict with an outer key of "countries" which contains a list of countries. '
    "Each country should have the key `name` and `population`"
)

# The tokens that the documentation shows, and how it goes on.
TOKENS = [
    "{", "\n  ", '"', "countries", '":', " [", "\n    ", "{", "\n      ", '"', "name", '":', ' "', "France", '",',
    "\n      ", '"', "population", '":', " ", "67", "413", "000", "\n    ", "},", "\n    ", "{", "\n      ", '"',
    "name", '":', ' "', "Spain", '",', "\n      ", '"', "population", '":', " ", "47", "351", "567", "\n    ", "},",
    "\n    ", "{", "\n      ", '"', "name", '":', ' "', "Japan", '",', "\n      ", '"', "population", '":', " ", "125",
    "584", "000", "\n    ", "}\n  ", "]\n", "}",
]  # fmt: skip

PARSED = [
    {},
    {"countries": []},
    {"countries": [{}]},
    {"countries": [{"name": ""}]},
    {"countries": [{"name": "France"}]},
    {"countries": [{"name": "France", "population": 67}]},
    {"countries": [{"name": "France", "population": 67413}]},
    {"countries": [{"name": "France", "population": 67413000}]},
]

SPAIN = [{}, {"name": ""}, {"name": "Spain"}] + [{"name": "Spain", "population": n} for n in (47, 47351, 47351567)]
JAPAN = [{}, {"name": ""}, {"name": "Japan"}] + [{"name": "Japan", "population": n} for n in (125, 125584, 125584000)]
FRANCE = PARSED[-1]["countries"]
PARSED += [{"countries": [*FRANCE, spain]} for spain in SPAIN]
PARSED += [{"countries": [*FRANCE, SPAIN[-1], japan]} for japan in JAPAN]


@pytest.fixture
def model(server):
    server.replies(lambda request: Reply(TOKENS))
    return ChatAnthropic(model="claude-3-haiku-20240307", base_url=server.anthropic_url, api_key="test")


@pytest.fixture
def make_events(run):
    def make_events(part, input, version="v2", take=None, **more):
        async def main():
            events = []
            async with aclosing(part.astream_events(input, version=version, **more)) as stream:
                async for event in stream:
                    events.append(event)
                    if len(events) == take:
                        break
            return events

        return run(main())

    return make_events


def shown(event):
    """An event as the documentation prints it; without what newer versions add."""
    return {key: event[key] for key in ("event", "data", "name", "tags")}


def extract_country_names(inputs):
    if not isinstance(inputs, dict) or not isinstance(inputs.get("countries"), list):
        return ""
    return [country.get("name") for country in inputs["countries"] if isinstance(country, dict)]


async def extract_country_names_streaming(input_stream):
    country_names_so_far = set()
    async for input in input_stream:
        for country in input.get("countries", ()) if isinstance(input, dict) else ():
            name = country.get("name")
            if name and name not in country_names_so_far:
                yield name
                country_names_so_far.add(name)


# Streams


@pytest.mark.parametrize("colour", ["stream", "astream"])
def test_a_model_streams_chunks_that_add_up(server, run, colour):
    printed = "The| sky| appears| blue| during| the| day|.|"
    server.reply(*printed.removesuffix("|").split("|"))
    model = ChatAnthropic(model="claude-3-haiku-20240307", base_url=server.anthropic_url, api_key="test")

    async def main():
        return [chunk async for chunk in model.astream("what color is the sky?")]

    chunks = run(main()) if colour == "astream" else list(model.stream("what color is the sky?"))
    said = [chunk for chunk in chunks if chunk.content]
    assert "|".join(chunk.content for chunk in said) + "|" == printed
    assert isinstance(said[0], AIMessageChunk)
    assert said[0].content == "The"
    total = said[0] + said[1] + said[2] + said[3] + said[4]
    assert (total.content, total.id) == ("The sky appears blue during", said[0].id)


def test_the_id_of_a_chunk_is_the_run_s():
    """Where the provider gives none."""
    model = GenericFakeChatModel(messages=iter(["The sky"]))
    ids = {chunk.id for chunk in model.stream("what color is the sky?")}
    (id,) = ids
    uuid.UUID(id.removeprefix("run-"))


def test_a_chain_streams_to_its_end(server, run):
    printed = "Here|'s| a| joke| about| a| par|rot|:|\n\nA man| goes| to| a| pet| shop| to| buy| a| par|rot|.|"
    model = ChatAnthropic(model="claude-3-haiku-20240307", base_url=server.anthropic_url, api_key="test")
    server.reply(*printed.removesuffix("|").split("|"))
    joke = ChatPromptTemplate.from_template("tell me a joke about {topic}") | model | StrOutputParser()

    async def main():
        return [chunk async for chunk in joke.astream({"topic": "parrot"})]

    assert "|".join(filter(None, run(main()))) + "|" == printed
    assert server.requests[0].json["messages"] == [{"role": "user", "content": "tell me a joke about parrot"}]


def test_json_grows_while_it_arrives(model, run):
    async def main():
        return [value async for value in (model | JsonOutputParser()).astream(ASK)]

    assert run(main()) == PARSED


def test_a_function_waits_for_the_whole(model, run):
    async def main():
        names = model | JsonOutputParser() | extract_country_names
        return [text async for text in names.astream(ASK)]

    assert run(main()) == [["France", "Spain", "Japan"]]


def test_a_generator_goes_on_streaming(model, run):
    async def main():
        names = model | JsonOutputParser() | extract_country_names_streaming
        return [text async for text in names.astream(ASK)]

    assert run(main()) == ["France", "Spain", "Japan"]


# Events


def test_the_events_of_a_model(server, make_events):
    server.reply("Hello", "!", " How", " can", " I", " assist", " you", " today", "?")
    model = ChatAnthropic(model="claude-3-haiku-20240307", base_url=server.anthropic_url, api_key="test")
    events = make_events(model, "hello")
    assert shown(events[0]) == {
        "event": "on_chat_model_start",
        "data": {"input": "hello"},
        "name": "ChatAnthropic",
        "tags": [],
    }
    texts = [event["data"]["chunk"].content for event in events[1:-1]]
    assert {event["event"] for event in events[1:-1]} == {"on_chat_model_stream"}
    assert [text for text in texts if text] == ["Hello", "!", " How", " can", " I", " assist", " you", " today", "?"]
    output = events[-1]["data"]["output"]
    assert events[-1]["event"] == "on_chat_model_end"
    assert "input" not in events[-1]["data"]
    assert isinstance(output, AIMessageChunk)
    assert (output.content, output.id) == ("Hello! How can I assist you today?", events[1]["data"]["chunk"].id)
    assert len({event["run_id"] for event in events}) == 1
    assert all(event["parent_ids"] == [] for event in events)


def test_the_events_of_a_chain_begin_with_three_starts(model, make_events):
    events = make_events(model | JsonOutputParser(), ASK)
    starts = [event for event in events if event["event"].endswith("_start")]
    assert [shown(event) for event in starts] == [
        {"event": "on_chain_start", "data": {"input": ASK}, "name": "RunnableSequence", "tags": []},
        {
            "event": "on_chat_model_start",
            "data": {"input": {"messages": [[HumanMessage(content=ASK)]]}},
            "name": "ChatAnthropic",
            "tags": ["seq:step:1"],
        },
        {"event": "on_parser_start", "data": {}, "name": "JsonOutputParser", "tags": ["seq:step:2"]},
    ]
    assert events[:2] == starts[:2]
    assert events[2]["event"] == "on_chat_model_stream"
    root = starts[0]["run_id"]
    assert [event["parent_ids"] for event in starts] == [[], [root], [root]]


def printed_by_the_loop(events):
    lines = []
    for event in events:
        if event["event"] == "on_chat_model_stream" and event["data"]["chunk"].content:
            lines.append(f"Chat model chunk: {event['data']['chunk'].content!r}")
        if event["event"] == "on_parser_stream":
            lines.append(f"Parser chunk: {event['data']['chunk']}")
    return lines


PRINTED_BY_THE_LOOP = """\
Chat model chunk: '{'
Parser chunk: {}
Chat model chunk: '\\n  '
Chat model chunk: '"'
Chat model chunk: 'countries'
Chat model chunk: '":'
Chat model chunk: ' ['
Parser chunk: {'countries': []}
Chat model chunk: '\\n    '
Chat model chunk: '{'
Parser chunk: {'countries': [{}]}
Chat model chunk: '\\n      '
Chat model chunk: '"'
Chat model chunk: 'name'
Chat model chunk: '":'
Chat model chunk: ' "'
Parser chunk: {'countries': [{'name': ''}]}
Chat model chunk: 'France'
Parser chunk: {'countries': [{'name': 'France'}]}
Chat model chunk: '",'
Chat model chunk: '\\n      '
Chat model chunk: '"'
Chat model chunk: 'population'
Chat model chunk: '":'
Chat model chunk: ' '
Chat model chunk: '67'
Parser chunk: {'countries': [{'name': 'France', 'population': 67}]}
""".splitlines()


@pytest.mark.parametrize("last", [None, extract_country_names], ids=["parser", "function that waits"])
def test_model_and_parser_take_turns(model, make_events, last):
    part = model | JsonOutputParser()
    lines = printed_by_the_loop(make_events(part if last is None else part | last, ASK))
    assert lines[: len(PRINTED_BY_THE_LOOP)] == PRINTED_BY_THE_LOOP


def test_events_by_name(model, make_events):
    part = model.with_config({"run_name": "model"}) | JsonOutputParser().with_config({"run_name": "my_parser"})
    events = make_events(part, ASK, include_names=["my_parser"], take=11)
    assert shown(events[0]) == {
        "event": "on_parser_start",
        "data": {"input": ASK},
        "name": "my_parser",
        "tags": ["seq:step:2"],
    }
    stream = {"event": "on_parser_stream", "name": "my_parser", "tags": ["seq:step:2"]}
    assert [shown(event) for event in events[1:]] == [{**stream, "data": {"chunk": value}} for value in PARSED[:10]]


def test_events_by_type(model, make_events):
    part = model.with_config({"run_name": "model"}) | JsonOutputParser().with_config({"run_name": "my_parser"})
    events = make_events(part, ASK, include_types=["chat_model"], take=12)
    assert shown(events[0]) == {
        "event": "on_chat_model_start",
        "data": {"input": ASK},
        "name": "model",
        "tags": ["seq:step:1"],
    }
    assert {(event["event"], event["name"]) for event in events[1:]} == {("on_chat_model_stream", "model")}
    texts = [event["data"]["chunk"].content for event in events[1:]]
    assert [text for text in texts if text] == TOKENS[:10]


def test_events_by_tag(make_events):
    class ScriptedModel(GenericFakeChatModel):
        """Without the empty chunk with which a provider's stream begins."""

        name: str | None = "ChatAnthropic"

        async def _chunks(self, messages, run, **kwargs):
            for token in TOKENS:
                yield AIMessageChunk(content=token)

    part = (ScriptedModel(messages=iter([])) | JsonOutputParser()).with_config({"tags": ["my_chain"]})
    events = make_events(part, ASK, include_tags=["my_chain"])
    seen = [(event["event"], event["name"], event["tags"]) for event in events]
    chain_tags, model_tags, parser_tags = ["my_chain"], ["seq:step:1", "my_chain"], ["seq:step:2", "my_chain"]
    token = ("on_chat_model_stream", "ChatAnthropic", model_tags)
    assert seen[:11] == [
        ("on_chain_start", "RunnableSequence", chain_tags),
        ("on_chat_model_start", "ChatAnthropic", model_tags),
        token,
        ("on_parser_start", "JsonOutputParser", parser_tags),
        ("on_parser_stream", "JsonOutputParser", parser_tags),
        ("on_chain_stream", "RunnableSequence", chain_tags),
        token,
        token,
        token,
        token,
        token,
    ]


# Callbacks

reverse_word = RunnableLambda(lambda word: word[::-1], name="reverse_word")


def four_events(name):
    return [
        {"event": "on_tool_start", "data": {"input": "hello"}, "name": name, "tags": []},
        {"event": "on_chain_start", "data": {"input": "hello"}, "name": "reverse_word", "tags": []},
        {
            "event": "on_chain_end",
            "data": {"output": "olleh", "input": "hello"},
            "name": "reverse_word",
            "tags": [],
        },
        {"event": "on_tool_end", "data": {"output": "olleh"}, "name": name, "tags": []},
    ]


def test_a_tool_that_does_not_hand_callbacks_on(make_events):
    @tool
    def bad_tool(word: str):
        """Custom tool that doesn't propagate callbacks."""
        return reverse_word.invoke(word)

    events = make_events(bad_tool, "hello")
    assert [shown(event) for event in events] == four_events("bad_tool")
    assert events[1]["parent_ids"] == [events[0]["run_id"]]


def test_a_tool_that_hands_callbacks_on(make_events):
    @tool
    def correct_tool(word: str, callbacks):
        """A tool that correctly propagates callbacks."""
        return reverse_word.invoke(word, {"callbacks": callbacks})

    events = make_events(correct_tool, "hello")
    assert [shown(event) for event in events] == four_events("correct_tool")
    assert events[1]["parent_ids"] == [events[0]["run_id"]]
    assert set(correct_tool.args) == {"word"}


@pytest.mark.parametrize("make", [RunnableLambda, chain], ids=["RunnableLambda", "chain"])
def test_a_function_hands_callbacks_on_by_itself(make_events, run, make):
    async def reverse_and_double(word: str):
        return await reverse_word.ainvoke(word) * 2

    part = make(reverse_and_double)
    assert run(part.ainvoke("1234")) == "43214321"
    events = make_events(part, "1234")
    outer = {"name": "reverse_and_double", "tags": []}
    inner = {"name": "reverse_word", "tags": []}
    assert [shown(event) for event in events] == [
        {"event": "on_chain_start", "data": {"input": "1234"}, **outer},
        {"event": "on_chain_start", "data": {"input": "1234"}, **inner},
        {"event": "on_chain_end", "data": {"output": "4321", "input": "1234"}, **inner},
        {"event": "on_chain_stream", "data": {"chunk": "43214321"}, **outer},
        {"event": "on_chain_end", "data": {"output": "43214321"}, **outer},
    ]
    assert events[1]["parent_ids"] == [events[0]["run_id"]]
