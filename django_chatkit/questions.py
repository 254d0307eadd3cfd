"""Questions to the person, and the rules that their answers are held against.

ChatKit's form always has a field for words of one's own, and always a *Skip*: which of both count
is decided here, when the answer comes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any

from django.utils.translation import gettext as _
from pydantic import Field

from .sdk import types

MAX_LENGTH = 1000


@dataclass(frozen=True)
class Text:
    """A question that is answered in words."""

    question: str
    kw_only: KW_ONLY
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
    kw_only: KW_ONLY
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


def find_problem(item: Mapping[str, Any], said: types.StructuredInputSubmission) -> str:
    """Why these are no answers to a form, as it is stored with its rules; empty if they are."""
    questions = {question["id"]: question for question in item["inputs"]}
    if said.answers.keys() - questions.keys():
        return _("This is no answer to the question.")
    for name, question in questions.items():
        answer, rules = said.answers.get(name), item.get("rules", {}).get(name, {})
        values = [] if answer is None or answer.skipped or said.status == "skipped" else answer.values
        if not values and rules.get("required"):
            return _("This question cannot be skipped: {question}").format(question=question["question"])
        if not is_answer(values, question, rules):
            is_choice = question.get("options") and not rules.get("free", True)
            return (
                _("Please choose from the options.") if is_choice else _("This answer is empty or too long.")
            )
    return ""


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
