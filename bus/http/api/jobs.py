"""Jobs over HTTP: many questions to an agency at once, their progress and their answers."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Header, Query, Response
from pydantic import AwareDatetime, BaseModel, Field

from bus import clock, json
from bus.agencies import KEPT, MOST_QUESTIONS, CollectedAnswer, Job, QuestionState
from bus.contracts import parse_body
from bus.http.api.contracts import Body
from bus.http.cursors import After, Listing, read_position, write_position
from bus.http.openapi_parts import refer_headers
from bus.http.page import NO_STORE
from bus.http.path_parameters import ContractName, JobId
from bus.http.rooms import Rooms, TheRooms
from bus.http.security import Authorised, caller
from bus.http.written import write_answer, write_model
from bus.identity import Principal, Scope
from bus.problem import FieldError, Invalid, Refused

router = APIRouter(prefix="/v1", tags=["Queries"], route_class=Authorised)

Asker = Annotated[Principal, Depends(caller(Scope.QUERIES_CALL))]
Prefer = Annotated[
    str,
    Header(
        max_length=200,
        description="`respond-async`: the bus answers 202 with a job, and asks the agency afterwards (RFC 7240, section 4.1)",
        examples=["respond-async"],
    ),
]

LARGEST_QUESTION: Final = 64 * 1024
"""Bytes of one question, live or in a job."""
_MOST_ANSWERS: Final = 200
_ASYNC: Final = "respond-async"
_QUESTIONS: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["questions"],
                    "properties": {
                        "questions": {"type": "array", "minItems": 1, "maxItems": MOST_QUESTIONS, "items": {}}
                    },
                },
                "example": {"questions": [{"nik": "3524015203889002"}, {"nik": "3524010101909001"}]},
            }
        },
    }
}


class JobDocument(BaseModel):
    """A job: questions that the bus puts to an agency, one after the other."""

    id: str = Field(examples=["job_k3v5m2qa7xw4c6dnb5ty"])
    contract: str
    state: Literal["running", "done"]
    total: int = Field(description="questions")
    answered: int
    refused: int = Field(description="questions without an answer; each says why")
    created_at: AwareDatetime
    done_at: AwareDatetime | None
    kept_until: AwareDatetime | None = Field(description="when the answers are deleted; null: questions wait")


class JobAnswer(BaseModel):
    """What became of one question: `answer`, or `problem` (RFC 9457)."""

    index: int = Field(description="the question's place in the request, from 0")
    answer: dict[str, Any] | None = Field(None, description="what your grant shows of it now")
    problem: dict[str, Any] | None = Field(None, description="why there is no answer")


class JobPage(JobDocument):
    """A job with a page of its answers, in the order of the questions, up to the first question that waits."""

    answers: list[JobAnswer]
    next: str | None = Field(description="give it as `after` for the next answers; null: all were given")


_ACCEPTED: Final[dict[int | str, dict[str, Any]]] = {
    202: {"model": JobDocument, "headers": refer_headers("Location"), "description": "The job, which is at `Location`"},
    422: {"description": "Questions do not fit the contract; none was asked"},
    503: {"description": "The agency's adapter is not set up here"},
}


@router.post("/queries/{contract}/batch", status_code=202, responses=_ACCEPTED, openapi_extra=_QUESTIONS)
async def ask_batch(contract: ContractName, body: Body, caller: Asker, rooms: TheRooms) -> Response:
    """Ask an agency up to 1,000 questions, as a job.

    The job goes on after a restart of the bus. Its answers are kept for an hour after the last one, for your participant alone.
    """
    document = parse_body(body, rooms.settings.max_depth)
    return await start_job(rooms, contract, _read_questions(document), caller)


async def start_job(
    rooms: Rooms, contract: str, questions: Sequence[Any], asker: Principal, headers: Mapping[str, str] | None = None
) -> Response:
    """The answer 202 with a new job.

    Raises:
        Refused: as `Queries.check_questions` and `Jobs.create` say.
    """
    check = partial(rooms.queries.check_questions, contract, questions, asker)
    # In the asker's share: a thousand questions may take seconds.
    await rooms.reading.run(check, who=asker.participant)
    job = await asyncio.to_thread(rooms.jobs.create, asker, contract, questions)
    rooms.job_runner.ring()
    location = {"Location": f"/v1/jobs/{job.id}", **NO_STORE, **(headers or {})}
    return write_model(JobDocument(**_describe(job)), location, 202)


def wishes_async(prefer: str) -> bool:
    """Whether a `Prefer` header asks for an answer later (RFC 7240, section 4.1)."""
    return _ASYNC in {wish.partition(";")[0].strip().casefold() for wish in prefer.split(",")}


PREFERENCE_APPLIED: Final = {"Preference-Applied": _ASYNC}


def _read_questions(document: Any) -> list[Any]:
    questions = document.get("questions") if isinstance(document, dict) else None
    if not isinstance(questions, list) or not 1 <= len(questions) <= MOST_QUESTIONS:
        detail = f"must be a list of 1 to {MOST_QUESTIONS} questions"
        raise Invalid("The body has no usable `questions`.", errors=[FieldError("/questions", detail)])
    for number, question in enumerate(questions):
        if len(json.dumps(question)) > LARGEST_QUESTION:
            at = FieldError(f"/questions/{number}", f"must have at most {LARGEST_QUESTION} bytes")
            raise Invalid("A question is larger than an agency is asked.", errors=[at])
    return questions


@router.get("/jobs/{id}", response_model=JobPage)
async def read_job(
    id: JobId,
    caller: Asker,
    rooms: TheRooms,
    after: After = "",
    limit: Annotated[int, Query(ge=0, le=_MOST_ANSWERS, description="most answers; 0: the progress alone")] = 100,
) -> Response:
    """See how a job stands, and read its answers.

    Each answer is cut to what your grant shows at this moment. What tells of a person is disclosed before it leaves.
    """
    behind = read_position(after, Listing.JOB, id) - 1
    job = await asyncio.to_thread(rooms.jobs.read, id, caller.participant)
    settled = await asyncio.to_thread(rooms.jobs.read_settled, job.id, behind, limit) if limit else []
    told = [
        (one.data, CollectedAnswer.from_document(one.content)) for one in settled if one.state is QuestionState.ANSWERED
    ]
    shown = iter(await rooms.queries.show(job.contract, told, caller) if told else [])
    answers = [
        _describe_answer(one.number, next(shown) if one.state is QuestionState.ANSWERED else one.content, one.state)
        for one in settled
    ]
    last = settled[-1].number if settled else behind
    # Of a job that was done after `settled` was read, the next page has the rest.
    following = None if job.done_at is not None and last + 1 >= job.total else write_position(Listing.JOB, id, last + 1)
    return await write_answer({**_write(job), "answers": answers, "next": following}, NO_STORE)


def _describe_answer(number: int, content: Any, state: QuestionState) -> dict[str, Any]:
    if isinstance(content, Refused):
        return {"index": number, "problem": content.to_document()}
    return {"index": number, "answer" if state is QuestionState.ANSWERED else "problem": content}


def _write(job: Job) -> dict[str, Any]:
    return JobDocument(**_describe(job)).model_dump(mode="json")


def _describe(job: Job) -> dict[str, Any]:
    done_at = None if job.done_at is None else clock.moment(job.done_at)
    return {
        "id": job.id,
        "contract": job.contract,
        "state": "running" if done_at is None else "done",
        "total": job.total,
        "answered": job.answered,
        "refused": job.refused,
        "created_at": clock.moment(job.created_at),
        "done_at": done_at,
        "kept_until": None if done_at is None else done_at + KEPT,
    }
