"""The types of the events of ``astream_events``."""

from prill.tracers.schema import BaseStreamEvent, CustomStreamEvent, EventData, StandardStreamEvent, StreamEvent

__all__ = ["BaseStreamEvent", "CustomStreamEvent", "EventData", "StandardStreamEvent", "StreamEvent"]
