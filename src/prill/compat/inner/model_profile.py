"""``langchain_core.language_models.model_profile``: what a model can do, as packages' tables list it."""

from __future__ import annotations

import warnings

from typing_extensions import TypedDict


class ModelProfile(TypedDict, total=False):
    """What a model can do: its modalities, limits in tokens, and features. Every key is optional."""

    name: str
    status: str
    release_date: str
    last_updated: str
    open_weights: bool
    max_input_tokens: int
    text_inputs: bool
    image_inputs: bool
    image_url_inputs: bool
    pdf_inputs: bool
    audio_inputs: bool
    video_inputs: bool
    image_tool_message: bool
    pdf_tool_message: bool
    max_output_tokens: int
    reasoning_output: bool
    reasoning_effort_levels: list[str]
    reasoning_effort_default: str
    text_outputs: bool
    image_outputs: bool
    audio_outputs: bool
    video_outputs: bool
    tool_calling: bool
    tool_choice: bool
    tool_call_streaming: bool
    mid_conversation_system_messages: bool
    mid_conversation_tools: bool
    structured_output: bool
    attachment: bool
    temperature: bool


ModelProfileRegistry = dict[str, ModelProfile]
"""Profiles by the names of models."""


def _warn_unknown_profile_keys(profile: ModelProfile) -> None:
    if unknown := sorted(set(profile) - set(ModelProfile.__annotations__)):
        warnings.warn(f"a model profile has unknown keys: {', '.join(unknown)}", stacklevel=2)
