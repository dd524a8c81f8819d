"""Queries over HTTP: a question to an agency, answered live."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response

from bus.contracts import parse_body
from bus.http.api.contracts import Body, DocumentTooLarge
from bus.http.api.jobs import LARGEST_QUESTION, PREFERENCE_APPLIED, JobDocument, Prefer, start_job, wishes_async
from bus.http.asking import ask_while_granted
from bus.http.openapi_parts import refer_headers
from bus.http.page import NO_STORE
from bus.http.path_parameters import ContractName
from bus.http.rooms import TheRooms
from bus.http.security import Authorised, caller
from bus.http.written import write_answer
from bus.identity import Principal, Scope

router = APIRouter(prefix="/v1/queries", tags=["Queries"], route_class=Authorised)

Asker = Annotated[Principal, Depends(caller(Scope.QUERIES_CALL))]

_QUESTION: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {}, "example": {"nik": "3524015203889002"}}},
    }
}
_ANSWER: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "What your grant shows of the answer, as the contract's answer schema says",
        "content": {"application/json": {"example": {"ditemukan": False, "keterangan": "data tidak ditemukan"}}},
    },
    202: {
        "model": JobDocument,
        "headers": refer_headers("Location"),
        "description": "The job, for `Prefer: respond-async`",
    },
    422: {"description": "The question does not fit the contract, or has a number that would change"},
    502: {},
    503: {"description": "The agency does not answer, or its adapter is not set up here"},
}


@router.post("/{contract}", response_class=Response, responses=_ANSWER, openapi_extra=_QUESTION)
async def ask_query(
    request: Request, contract: ContractName, body: Body, caller: Asker, rooms: TheRooms, prefer: Prefer = ""
) -> Response:
    """Ask an agency. The body is the question, as the contract's request schema says.

    With `Prefer: respond-async` the answer is 202 with a job, which `GET /v1/jobs/{id}` reads.

    If your token or your grant ends while the agency is asked, the question ends with the reason.
    """
    if len(body) > LARGEST_QUESTION:
        raise DocumentTooLarge(f"A question has at most {LARGEST_QUESTION} bytes.")
    question = parse_body(body, rooms.settings.max_depth)
    if wishes_async(prefer):
        return await start_job(rooms, contract, [question], caller, PREFERENCE_APPLIED)
    answer = await ask_while_granted(rooms, contract, question, caller, request)
    # Live and about one question: nobody on the way may keep it.
    return await write_answer(answer, NO_STORE)
