"""What a type checker says of events. It is checked, never run."""

from typing import Any, assert_type

from prill.runnables import RunnableLambda
from prill.tracers.schema import CustomStreamEvent, EventData, StandardStreamEvent, StreamEvent

part: RunnableLambda[str, int] = RunnableLambda(len)


def read(event: StreamEvent) -> None:
    if event["event"] == "on_custom_event":
        assert_type(event, CustomStreamEvent)
        assert_type(event["data"], Any)
    else:
        assert_type(event, StandardStreamEvent)
        assert_type(event["data"], EventData)
        assert_type(event["data"].get("message"), str | None)
        event["data"]["no_such_key"]  # type: ignore[typeddict-item]  # no event has it
    assert_type(event["run_id"], str)
    assert_type(event["name"], str)
    if event["event"] == "on_chain_begin":  # type: ignore[comparison-overlap]  # no such event
        raise AssertionError
    event["no_such_key"]  # type: ignore[typeddict-item]  # no event has it


async def watch() -> None:
    async for event in part.astream_events("x", version="v2", include_types=["chat_model"]):
        read(event)
    for event in part.stream_events("x"):
        read(event)
    part.astream_events("x", version="v3")  # type: ignore[arg-type]  # there is none
