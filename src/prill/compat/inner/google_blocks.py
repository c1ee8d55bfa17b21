"""What ``langchain-google-genai`` keeps beside an answer, as standard blocks: sources, speech, and bare base64 data."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from prill.messages import AIMessage
from prill.messages.create import create_citation

_standard: Any = AIMessage.__dict__["content_blocks"]


def content_blocks(self: AIMessage) -> list[Any]:
    """The content as standard blocks. See ``AIMessage.content_blocks``."""
    blocks: list[Any] = _standard.fget(self)
    if self.response_metadata.get("model_provider") != "google_genai":
        return blocks
    blocks = [_with_data(block) for block in blocks]
    if grounding := self.response_metadata.get("grounding_metadata"):
        _annotate(blocks, list(_citations(grounding)))
    speech = self.additional_kwargs.get("audio")
    if isinstance(speech, bytes):
        encoded = base64.b64encode(speech).decode()
        blocks.append({"type": "audio", "base64": encoded, "mime_type": "audio/wav"})
    return blocks


def _with_data(block: Any) -> Any:
    """An image whose address is base64 text, as data."""
    url = block.get("url")
    if block["type"] != "image" or not isinstance(url, str) or "://" in url:
        return block
    try:
        base64.b64decode(url, validate=True)
    except ValueError:
        return block
    return {**{key: value for key, value in block.items() if key != "url"}, "base64": url}


def _annotate(blocks: list[Any], citations: list[Any]) -> None:
    """Put citations to the first text, of which Google's places are."""
    for index, block in enumerate(blocks):
        if block["type"] == "text" and citations:
            blocks[index] = {**block, "annotations": [*block.get("annotations", ()), *citations]}
            return


def _citations(grounding: dict[str, Any]) -> Iterator[Any]:
    chunks = grounding.get("grounding_chunks") or []
    for support in grounding.get("grounding_supports") or []:
        segment = support.get("segment") or {}
        for number in support.get("grounding_chunk_indices") or []:
            if number < len(chunks):
                source = chunks[number].get("web") or chunks[number].get("maps") or {}
                place = source.get("placeId") or source.get("place_id")
                about = {
                    "web_search_queries": grounding.get("web_search_queries") or [],
                    "grounding_chunk_index": number,
                    "confidence_scores": support.get("confidence_scores") or [],
                    **({"place_id": place} if place else {}),
                }
                said = {
                    "url": source.get("uri"),
                    "title": source.get("title"),
                    "start_index": segment.get("start_index"),
                    "end_index": segment.get("end_index"),
                    "cited_text": segment.get("text"),
                }
                known = {key: value for key, value in said.items() if value is not None}
                yield create_citation(**known, google_ai_metadata=about)
