"""Examples of an adapter document: requests with their answers, and what the bus makes of them."""

from typing import Any

from pydantic import Field

from bus.declared.part import Means, Part


class ExampleRequest(Part):
    """The request that the bus must make of an example, before any auth."""

    method: str = Field(description="The method.")
    path: str = Field(description="The path, as it is sent.")
    query: dict[str, str] = Field(default_factory=dict, description="All parameters.")
    headers: dict[str, str] = Field(default_factory=dict, description="Some headers; others may be there too.")
    body: Any = Field(None, description="The JSON body, or the fields of the form.")


class ExampleAnswer(Part):
    """An answer of the agency."""

    status: int = Field(200, ge=100, le=599, description="The HTTP status.")
    headers: dict[str, str] = Field(default_factory=dict, description="Header fields, in lower case.")
    body: Any = Field(None, description="The JSON body.")
    text: str | None = Field(None, description="A body that is no JSON, such as XML.")


class Example(Part):
    """What the bus sends, what the agency answers, and what the bus makes of it. Lint runs it."""

    title: str = Field(max_length=200, description="What the example shows.")
    events: list[dict[str, Any]] = Field(default_factory=list, description="deliver: the events, as CloudEvents.")
    question: dict[str, Any] | None = Field(None, description="query: the question.")
    request: ExampleRequest | None = Field(None, description="The request; absent: it is not compared.")
    push: dict[str, Any] | None = Field(None, description="push: the JSON body that the agency sends.")
    answer: ExampleAnswer = Field(
        default_factory=lambda: ExampleAnswer.model_validate({}), description="What the agency answers."
    )
    outcomes: list[Means] | None = Field(None, description="deliver: what becomes of each event.")
    failure: Means | None = Field(None, description="poll, query: the failure; absent: none.")
    result: Any = Field(None, description="query: the answer. poll, push: the rows, each with key and data.")
