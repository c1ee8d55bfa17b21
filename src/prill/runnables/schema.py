"""What the events of ``astream_events`` look like."""

from prill.tracers.schema import BaseStreamEvent, CustomStreamEvent, EventData, StandardStreamEvent, StreamEvent

__all__ = ["BaseStreamEvent", "CustomStreamEvent", "EventData", "StandardStreamEvent", "StreamEvent"]
