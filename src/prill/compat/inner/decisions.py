"""``langchain_core.decisions``: models that answer given questions about a state with numbers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypedDict

from pydantic import BaseModel, Field, JsonValue

from prill.messages import BaseMessage, UsageMetadata
from prill.runnables.config import run_in_executor
from prill.runnables.serializable import RunnableSerializable

Content = str | dict[str, JsonValue] | list[JsonValue]
State = str | BaseMessage | Sequence[Any] | Mapping[str, Any]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]


class NoulCriteria(BaseModel):
    """What speaks for each of the two answers."""

    true: JsonValue = None
    false: JsonValue = None


class Noul(BaseModel):
    """A question whose answer lies between no and yes."""

    type: Literal["noul"] = "noul"
    instructions: Content
    criteria: NoulCriteria | None = None


class Choice(BaseModel):
    """A question with a list of answers."""

    type: Literal["choice"] = "choice"
    criteria: Annotated[dict[str, JsonValue], Field(min_length=1)]
    instructions: Content


class Score(BaseModel):
    """A question whose answer is a place on a scale."""

    type: Literal["score"] = "score"
    criteria: Annotated[list[JsonValue], Field(min_length=2)]
    instructions: Content


class Box(BaseModel):
    """A question whose answer is a place in a picture."""

    type: Literal["box"] = "box"
    instructions: Content


Question = Annotated[Noul | Choice | Score | Box, Field(discriminator="type")]


class NoulAnswer(BaseModel):
    """The answer to a ``Noul``."""

    type: Literal["noul"]
    noul: Fraction


class ChoiceAnswer(BaseModel):
    """The answer to a ``Choice``."""

    type: Literal["choice"]
    choice: str
    probabilities: dict[str, float]
    confidence: Fraction


class ScoreAnswer(BaseModel):
    """The answer to a ``Score``."""

    type: Literal["score"]
    score: float
    legend: dict[int, JsonValue]
    probabilities: dict[int, float]
    confidence: Fraction


class BoxCoordinates(BaseModel):
    """A place in a picture."""

    top: float
    bottom: float
    left: float
    right: float


class BoxAnswer(BaseModel):
    """The answer to a ``Box``."""

    type: Literal["box"]
    box: BoxCoordinates
    confidence: Fraction | None = None


Answer = Annotated[NoulAnswer | ChoiceAnswer | ScoreAnswer | BoxAnswer, Field(discriminator="type")]


class ClassifierRequest(TypedDict):
    """A state and the questions about it."""

    state: Any
    questions: dict[str, Any]


class ClassifierResponse(BaseModel):
    """The answers, by the names of the questions."""

    model: str
    answers: dict[str, Answer]
    usage: UsageMetadata | None = None
    request_id: str | None = None

    def _of_kind(self, kind: type[Any]) -> dict[str, Any]:
        return {name: answer for name, answer in self.answers.items() if isinstance(answer, kind)}

    @property
    def nouls(self) -> dict[str, NoulAnswer]:
        """The answers to questions between no and yes."""
        return self._of_kind(NoulAnswer)

    @property
    def choices(self) -> dict[str, ChoiceAnswer]:
        """The answers to questions with a list."""
        return self._of_kind(ChoiceAnswer)

    @property
    def scores(self) -> dict[str, ScoreAnswer]:
        """The answers on a scale."""
        return self._of_kind(ScoreAnswer)

    @property
    def boxes(self) -> dict[str, BoxAnswer]:
        """The places in pictures."""
        return self._of_kind(BoxAnswer)


class BaseDecisionModel(RunnableSerializable[ClassifierRequest, ClassifierResponse], ABC):
    """A model that answers questions about a state: a subclass writes ``_classify``."""

    model: str

    @abstractmethod
    def _classify(self, state: Any, questions: dict[str, Any]) -> ClassifierResponse:
        """Answer the questions."""

    async def _aclassify(self, state: Any, questions: dict[str, Any]) -> ClassifierResponse:
        """Answer the questions in asyncio."""
        return await run_in_executor(None, self._classify, state, questions)

    async def _work(self, input: Any, run: Any, **kwargs: Any) -> ClassifierResponse:
        state, questions = input["state"], input["questions"]
        if run.io.blocking:
            return self._classify(state, questions)
        answer: ClassifierResponse = await run.io.await_on_loop(self._aclassify(state, questions))
        return answer
