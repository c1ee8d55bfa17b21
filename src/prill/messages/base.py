"""The base of all messages and of their chunks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    SerializationInfo,
    SerializerFunctionWrapHandler,
)
from pydantic_core import CoreSchema, PydanticUndefined, core_schema

from prill.errors import ChunkMergeError, ConfigError
from prill.messages.blocks import standard_blocks
from prill.messages.call_types import LC_AUTO_PREFIX, LC_ID_PREFIX
from prill.transducers.merge import merge_content, merge_dicts, merge_metadata
from prill.transducers.own_fields import dump_options

if TYPE_CHECKING:
    from prill.messages.content import ContentBlock

__all__ = [
    "BaseMessage",
    "BaseMessageChunk",
    "TextAccessor",
    "construct",
    "get_msg_title_repr",
    "merge_chunks",
    "merge_content",
    "message_to_dict",
    "messages_to_dict",
]

M = TypeVar("M", bound=BaseModel)
C = TypeVar("C", bound="BaseMessageChunk")

# The slots' own setters take about half the time of ``object.__setattr__``.
set_values: Any = BaseModel.__dict__["__dict__"].__set__
set_fields_set: Any = BaseModel.__dict__["__pydantic_fields_set__"].__set__
set_extra: Any = BaseModel.__dict__["__pydantic_extra__"].__set__
set_private: Any = BaseModel.__dict__["__pydantic_private__"].__set__


def construct(cls: type[M], values: dict[str, Any]) -> M:
    """Make a model out of ``values`` without validating them: about 1 µs instead of several.

    ``values`` must hold *every* field of ``cls``; the model keeps this dictionary as its own.
    """
    model = cls.__new__(cls)
    set_values(model, values)
    set_fields_set(model, set(values))
    set_extra(model, {} if cls.model_config.get("extra") == "allow" else None)
    set_private(model, None)
    return model


class TextAccessor(str):
    """Text that can also be called: ``message.text`` and ``message.text()`` are the same."""

    __slots__ = ()

    def __call__(self) -> str:
        return str(self)


_CLASSES: dict[str, type[BaseMessage]] = {}
"""The classes of messages by their ``type``."""


class BaseMessage(BaseModel):
    """One message of a conversation.

    ``content`` is text, or a list of texts and blocks (dictionaries with a ``type``). ``additional_kwargs`` holds data
    of the provider that has no field here, ``response_metadata`` its facts about the answer. Fields that are not
    declared are kept.

    In a field of a pydantic model, of whatever class of messages the field is, a message is dumped with the fields of
    its own class, and loaded as that class.
    """

    # Built when first validated: building all kinds of message would double the time to import them.
    model_config = ConfigDict(extra="allow", defer_build=True)

    content: str | list[str | dict[Any, Any]]
    additional_kwargs: dict[Any, Any] = Field(default_factory=dict)
    response_metadata: dict[Any, Any] = Field(default_factory=dict)
    type: str
    name: str | None = None
    id: str | None = Field(default=None, coerce_numbers_to_str=True)

    def __init__(
        self,
        content: str | Sequence[str | dict[Any, Any]] | None = None,
        content_blocks: Sequence[ContentBlock] | None = None,
        **kwargs: Any,
    ) -> None:
        if content_blocks is not None:
            kwargs["content"] = list(content_blocks)
        elif content is not None:
            kwargs["content"] = content
        super().__init__(**kwargs)

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        kind = cls.model_fields["type"].default
        if isinstance(kind, str):
            _CLASSES.setdefault(kind, cls)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        made = handler(source)
        schema: Any = made
        load = _load_as(cls)
        model: Any = handler.resolve_ref_schema(schema)
        if model["type"] == "function-before" and model["function"]["function"] is load:
            return made  # it has them already
        while model["type"] != "model":
            model = model["schema"]  # below the validators of the whole model
        model["serialization"] = core_schema.wrap_serializer_function_ser_schema(_dump_as(cls), info_arg=True)
        ref = cast("dict[str, Any]", schema).pop("ref", None)
        # JSON schemas have a definition for what has the reference, and programs expect one for each class.
        return core_schema.no_info_before_validator_function(load, schema, ref=ref)

    def _prepare_dump(self) -> None:
        """Fill in fields that are computed when they are first read."""

    @property
    def text(self) -> TextAccessor:
        """The text of the content, without its other blocks."""
        content = self.content
        if isinstance(content, str):
            return TextAccessor(content)
        return TextAccessor("".join(_texts(content)))

    @property
    def content_blocks(self) -> list[ContentBlock]:
        """The content as standard blocks, whatever provider's form it has."""
        return standard_blocks(self.content)

    def pretty_repr(self, html: bool = False) -> str:
        """The message under a title line; ``html`` makes the title bold in a terminal."""
        title = get_msg_title_repr(f"{self._title()} Message", bold=html)
        name = f"\nName: {self.name}" if self.name is not None else ""
        return f"{title}{name}\n\n{self.content}"

    def pretty_print(self) -> None:
        """Print the message under a title line."""
        print(self.pretty_repr(html=False))

    def _title(self) -> str:
        return self.type.title()

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        return shown_fields(self, super().__repr_args__())


def _dump_as(cls: type[BaseMessage]) -> Any:
    """The serializer of fields of the type ``cls``, which may hold messages of its subclasses."""

    # Without a return annotation pydantic keeps the JSON schema of the fields.
    def dump(message: Any, handler: SerializerFunctionWrapHandler, info: SerializationInfo):  # type: ignore[no-untyped-def]
        own = type(message)
        if isinstance(message, BaseMessage):
            message._prepare_dump()
            if own is not cls:
                return own.__pydantic_serializer__.to_python(message, **dump_options(info))
        return handler(message)

    return dump


@cache
def _load_as(cls: type[BaseMessage]) -> Any:
    """The reader of fields of the type ``cls``: a dictionary whose ``type`` names a subclass becomes one of that."""

    def load(values: Any) -> Any:
        if type(values) is dict and (kind := values.get("type")) is not None:
            named = _CLASSES.get(kind) if type(kind) is str else None
            if named is not None and named is not cls and issubclass(named, cls):
                return named.model_validate(values)
        return values

    return load


def _texts(content: list[str | dict[Any, Any]]) -> Iterable[str]:
    for block in content:
        if isinstance(block, str):
            yield block
        elif block.get("type", "text") == "text" and isinstance(block.get("text"), str):
            yield block["text"]


def shown_fields(model: BaseModel, args: Iterable[tuple[str | None, Any]]) -> Iterable[tuple[str | None, Any]]:
    """The arguments of a model's ``repr`` without defaults and empty lists."""
    fields = type(model).model_fields
    for name, value in args:
        field = fields.get(name or "")
        default = PydanticUndefined if field is None else field.default
        if (default is PydanticUndefined or value != default) and value != []:
            yield name, value


class BaseMessageChunk(BaseMessage):
    """A piece of a message; pieces are added with ``+``, many of them at once with ``merge_chunks``."""

    def __add__(self, other: Any) -> Self:
        if isinstance(other, BaseMessageChunk):
            return cast("Self", merge_chunks([cast("BaseMessageChunk", self), other]))
        if isinstance(other, list) and all(isinstance(one, BaseMessageChunk) for one in other):
            return cast("Self", merge_chunks([self, *other]))
        return NotImplemented

    @staticmethod
    def merge_many(chunks: Sequence[C]) -> C:
        """Merge the chunks of one message; the same as ``merge_chunks``."""
        return merge_chunks(chunks)

    @classmethod
    def _merge_own(cls, chunks: Sequence[Any], values: dict[str, Any]) -> None:
        """Put into ``values`` the merged fields that this kind of chunk has beyond those of every message."""


def merge_chunks(chunks: Sequence[C]) -> C:
    """Merge the chunks of one message, in time linear in their size.

    Texts are joined, blocks and pieces of tool calls are joined by their ``index``, usage is added up. Of the ids the
    provider's is kept, of ``name`` the first, of ``response_metadata`` the last value of each key.

    Raises:
        ConfigError: ``chunks`` is empty.
        ChunkMergeError: the chunks are of different kinds, or belong to different messages.
    """
    if not chunks:
        raise ConfigError("merge_chunks needs at least one chunk")
    first = chunks[0]
    if len(chunks) == 1:
        return first
    if len(set(map(type, chunks))) > 1:
        _check_kinds(chunks)
    values = {
        **first.__dict__,
        "content": merge_content(*[chunk.content for chunk in chunks]),
        "additional_kwargs": merge_dicts(*[more for chunk in chunks if (more := chunk.additional_kwargs)]),
        "response_metadata": merge_metadata(*[more for chunk in chunks if (more := chunk.response_metadata)]),
        "name": next((name for chunk in chunks if (name := chunk.name)), first.name),
        "id": merge_ids(chunk.id for chunk in chunks),
    }
    first._merge_own(chunks, values)
    merged = construct(type(first), values)
    if extras := [extra for chunk in chunks if (extra := chunk.__pydantic_extra__)]:
        set_extra(merged, merge_metadata(*extras))
    return merged


def _check_kinds(chunks: Sequence[BaseMessageChunk]) -> None:
    first = chunks[0]
    for chunk in chunks:
        if not isinstance(chunk, BaseMessageChunk) or chunk.type != first.type:
            raise ChunkMergeError(
                f"cannot merge a {type(chunk).__name__} into a {type(first).__name__}: "
                "only chunks of one kind belong to one message"
            )


def merge_ids(ids: Iterable[str | None]) -> str | None:
    """The id to keep: the provider's own, then one made for the run, then any."""
    best: str | None = None
    rank = -1
    for id in dict.fromkeys(ids):
        if id is not None and (new := _id_rank(id)) > rank:
            best, rank = id, new
    return best


def _id_rank(id: str) -> int:
    if not id:
        return 0
    if not id.startswith(LC_AUTO_PREFIX):
        return 3
    return 2 if id.startswith(LC_ID_PREFIX) else 1


def same_value(chunks: Sequence[BaseMessageChunk], field: str) -> Any:
    """The value that a field has in all chunks.

    Raises ``ChunkMergeError`` if they differ: the chunks are of different messages.
    """
    values = list(dict.fromkeys(getattr(chunk, field) for chunk in chunks))
    if len(values) > 1:
        raise ChunkMergeError(
            f"cannot merge {type(chunks[0]).__name__}s of different messages: "
            f"{field} is {values[0]!r} and {values[1]!r}"
        )
    return values[0]


def message_to_dict(message: BaseMessage) -> dict[str, Any]:
    """A message as ``{"type": ..., "data": {...}}``, from which ``messages_from_dict`` makes it again."""
    return {"type": message.type, "data": message.model_dump()}


def messages_to_dict(messages: Sequence[BaseMessage]) -> list[dict[str, Any]]:
    """Messages as dictionaries, from which ``messages_from_dict`` makes them again."""
    return [message_to_dict(message) for message in messages]


def get_msg_title_repr(title: str, *, bold: bool = False) -> str:
    """A title in the middle of a line of 80 ``=``; ``bold`` adds the terminal's code for bold."""
    padded = f" {title} "
    side = "=" * ((80 - len(padded)) // 2)
    last = side + "=" if len(padded) % 2 else side
    return f"{side}\033[1m{padded}\033[0m{last}" if bold else f"{side}{padded}{last}"
