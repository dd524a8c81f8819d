"""What the parts of an adapter document have in common: they name all their members, and never change."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Jsonata = Annotated[str, Field(min_length=1, max_length=20_000, description="A JSONata expression.")]
Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$", max_length=40)]
Pointer = Annotated[str, Field(pattern=r"^(/([^~/]|~[01])*)+$", max_length=200)]
Means = Literal["success", "transient", "permanent", "sink_down"]


class Part(BaseModel):
    """A part of a document. A member that it does not name is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)
