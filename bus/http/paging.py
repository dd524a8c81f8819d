"""Parameters of lists: how much a page holds, and where it begins."""

from typing import Annotated

from fastapi import Query

Limit = Annotated[int, Query(ge=1, le=1000, description="most entries in the answer")]
After = Annotated[str, Query(description="`next` of the page before")]
