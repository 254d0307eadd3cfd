"""Questions to the person, and the rules that their answers are held against.

ChatKit's form always has a field for words of one's own, and always a *Skip*: which of both count
is decided here, when the answer comes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any

from pydantic import Field

from .sdk import types

MAX_LENGTH = 1000


@dataclass(frozen=True)
class Text:
    """A question that is answered in words."""

    question: str
    _: KW_ONLY
    id: str = ""
    """The name of the answer; ``q1``, ``q2`` … if there is none."""
    description: str = ""
    required: bool = False
    """May the person not skip it?"""
    max_length: int = MAX_LENGTH

    def to_input(self, id: str) -> types.StructuredInputFreeform:
        return types.StructuredInputFreeform(
            id=id, question=str(self.question), description=str(self.description) or None
        )

    @property
    def rules(self) -> dict[str, Any]:
        return {"required": self.required, "max_length": self.max_length}


@dataclass(frozen=True)
class Choice:
    """A question with options."""

    question: str
    options: Sequence[str]
    _: KW_ONLY
    id: str = ""
    multiple: bool = False
    """May the person choose more than one?"""
    free: bool = False
    """Do words of the person's own count as well?"""
    required: bool = False
    max_length: int = MAX_LENGTH

    def __post_init__(self) -> None:
        if not self.options or isinstance(self.options, str):
            raise ValueError("A choice needs a list of options.")

    def to_input(self, id: str) -> types.StructuredInputMultipleChoice:
        options = [types.StructuredInputMultipleChoiceOption(value=str(value)) for value in self.options]
        return types.StructuredInputMultipleChoice(
            id=id, question=str(self.question), options=options, multiple=self.multiple
        )

    @property
    def rules(self) -> dict[str, Any]:
        return {"required": self.required, "max_length": self.max_length, "free": self.free}


Question = Text | Choice


class Asked(types.StructuredInputItem):
    """A form, with its rules beside the SDK's own fields: stored with it, never sent, and never read back."""

    rules: dict[str, dict[str, Any]] = Field(default_factory=dict)


def make_form(common: dict[str, Any], questions: Sequence[str | Question]) -> Asked:
    """An item that puts these questions. A plain string is a question that is answered in words."""
    if not questions:
        raise ValueError("There is nothing to ask.")
    asked = [Text(question) if isinstance(question, str) else question for question in questions]
    named = {question.id or f"q{number}": question for number, question in enumerate(asked, 1)}
    if len(named) < len(asked):
        raise ValueError("Two questions have the same id.")
    return Asked(
        **common,
        inputs=[question.to_input(name) for name, question in named.items()],
        rules={name: question.rules for name, question in named.items()},
    )


def is_answer(values: Sequence[str], question: Mapping[str, Any], rules: Mapping[str, Any]) -> bool:
    """Are these values an answer to a question, as it is stored?"""
    options = [option["value"] for option in question.get("options", ())]
    own = [value for value in values if value not in options]
    most = len(options) + 1 if question.get("multiple") else 1
    # Without rules of ours it is the SDK's question, where any text is an answer.
    free = rules.get("free", True) or not options
    return (
        len(values) <= most
        and len(set(values)) == len(values)
        and len(own) <= (1 if free else 0)
        and all(value.strip() and len(value) <= rules.get("max_length", len(value)) for value in own)
    )


def read_answers(item: types.StructuredInputItem) -> dict[str, list[str]]:
    """The answers by the ids of their questions; none for one that was skipped."""
    return {
        question.id: list(question.answer.values) if question.answer is not None else []
        for question in item.inputs
    }
