"""The adapter document: an HTTP API of an agency, described so that the bus can call it without code.

The descriptions here are those of `schemas/adapter.schema.json`, which `write_schema` makes.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from bus.declared.example import Example
from bus.declared.part import Jsonata, Means, Part, Pointer, Word
from bus.kit import Classification

ParticipantId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=63)]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]*$", max_length=100)]
Path = Annotated[
    str,
    Field(
        pattern=r"^/([A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2}|\{[a-z][a-z0-9_]*\})*$",
        max_length=1000,
        description="Path below the server's address. `{name}` stands for a value or a setting, percent-encoded.",
    ),
]


class Server(Part):
    """One address of the API."""

    name: Word = Field(description="Which installation this is, such as produksi or uji.")
    url: str = Field(
        pattern=r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?$",
        max_length=500,
        description="https://host or https://host/path. Plain http works in the operator's agency networks alone.",
    )


class Setting(Part):
    """A value that differs from office to office and is no secret."""

    title: str = Field(max_length=200, description="What the operator has to give, in one line.")
    default: str | None = Field(None, max_length=500, description="The value if the operator gives none.")


class Secret(Part):
    """A value that nobody but the agency may see. The document names it, and the operator gives it."""

    title: str = Field(max_length=200, description="What the operator has to give, in one line.")


class _TokenAnswer(Part):
    token: Jsonata = Field("access_token", description="Where the answer has the token.")
    expires_in: Jsonata = Field("expires_in", description="Where the answer has the token's life in seconds.")
    lifetime_seconds: int = Field(300, ge=1, le=86_400, description="The token's life if the answer does not say it.")
    header: HeaderName = Field("authorization", description="The header that carries the token.")
    scheme: str = Field("Bearer", pattern=r"^[A-Za-z]*$", description="The word before the token; may be empty.")
    refused_when: Jsonata | None = Field(
        None,
        description="Says that the agency refuses the token. The bus then fetches one and tries once more. 401 says so too.",
    )
    pause_seconds: int = Field(
        60, ge=0, le=3600, description="Seconds without a further attempt after the agency refused the account."
    )


class OAuth2(_TokenAnswer):
    """OAuth 2.0 client credentials (RFC 6749, section 4.4)."""

    kind: Literal["oauth2"] = Field(description="OAuth 2.0 client credentials.")
    token_path: str = Field(
        pattern=r"^(https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?)?/[A-Za-z0-9._~/?&=-]*$",
        description="The token's endpoint: a path below the server, or an address of its own.",
    )
    client_id: Word = Field(description="The secret with the client's id.")
    client_secret: Word = Field(description="The secret with the client's secret.")
    client_in: Literal["basic", "form"] = Field("basic", description="How the client names itself.")
    scope: str | None = Field(None, max_length=500, description="The scopes to ask for.")


class Login(_TokenAnswer):
    """A token from a login call of the agency's own."""

    kind: Literal["login"] = Field(description="A token from a login call of the agency's own.")
    path: Path
    form: Literal["json", "form"] = Field("json", description="How the account is sent.")
    secrets: dict[str, Word] = Field(description="Each member of the body to the secret with its value.", min_length=1)
    members: dict[str, str] = Field(default_factory=dict, description="Further members of the body.")
    token: Jsonata = Field("token", description="Where the answer has the token.")


class ApiKey(Part):
    """A key in a header or in the query."""

    kind: Literal["api_key"] = Field(description="A key in a header or in the query.")
    secret: Word = Field(description="The secret with the key.")
    place: Literal["header", "query"] = Field("header", alias="in", description="Where the key goes.")
    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]*$", max_length=100, description="The header or parameter.")
    scheme: str = Field("", pattern=r"^[A-Za-z]*$", description="A word before the key, such as Bearer.")


class Basic(Part):
    """HTTP Basic (RFC 7617)."""

    kind: Literal["basic"] = Field(description="HTTP Basic.")
    user: Word = Field(description="The secret with the user's name.")
    password: Word = Field(description="The secret with the password.")


class Mtls(Part):
    """A client certificate (RFC 8446)."""

    kind: Literal["mtls"] = Field(description="A client certificate.")
    certificate: Word = Field(description="The secret with the certificate and its chain, in PEM.")
    key: Word = Field(description="The secret with the private key, in PEM.")


class SignedPart(Part):
    """One part of what is signed. Exactly one member is there."""

    secret: Word | None = Field(None, description="A secret.")
    value: Word | None = Field(None, description="A value of the request, by its name in `values`.")
    text: str | None = Field(None, max_length=200, description="A fixed text.")
    time: str | None = Field(
        None, max_length=40, description="The moment in WIB, as strftime writes it: %Y%m%d; epoch: seconds since 1970."
    )
    request: Literal["method", "path", "query", "body", "body_sha256"] | None = Field(
        None, description="A part of the request itself."
    )


class Signature(Part):
    """A signature over named parts of the request."""

    kind: Literal["signature"] = Field(description="A signature over parts of the request.")
    algorithm: Literal["hmac-sha256", "hmac-sha512", "hmac-sha1", "sha1", "sha256"] = Field(
        description="An HMAC with a key, or a plain digest."
    )
    key: Word | None = Field(None, description="The secret with the key of an HMAC.")
    parts: list[SignedPart] = Field(min_length=1, max_length=20, description="What is signed, in this order.")
    separator: str = Field("", max_length=10, description="What stands between the parts.")
    encoding: Literal["hex", "base64"] = Field("hex", description="How the signature is written.")
    header: HeaderName = Field(description="The header with the signature.")
    scheme: str = Field("", pattern=r"^[A-Za-z0-9-]*$", description="A word before the signature.")
    time_header: HeaderName | None = Field(None, description="The header with the moment that `time` signs.")


Verify = Annotated[ApiKey | Basic | Signature, Field(discriminator="kind")]
"""How an agency shows the bus who it is: as the bus does it to agencies, the other way round."""

Auth = Annotated[OAuth2 | Login | ApiKey | Basic | Mtls | Signature, Field(discriminator="kind")]


class Rule(Part):
    """What an answer means. The first rule that fits decides."""

    status: list[Annotated[int | str, Field(examples=[404, "5xx"])]] = Field(
        default_factory=list, description="Statuses such as 404 or 5xx; none: every status."
    )
    when: Jsonata | None = Field(
        None,
        description="Says of the answer whether the rule fits. Variables: $status, $headers, $text, $event, $question.",
    )
    means: Means = Field(
        description="success. transient: a later attempt can succeed. permanent: the same event fails the same way. "
        "sink_down: nothing can arrive until somebody mends the account or the address."
    )
    says: str = Field("", max_length=200, description="What the operator reads. It holds nothing of the answer.")
    quotes: Jsonata | None = Field(
        None,
        description="A text of the answer that the operator reads too. Only where an answer repeats no personal data.",
    )
    retry_after: Jsonata | None = Field(
        None, description="Seconds to wait, an HTTP date, or WSO2's nextAccessTime. The header Retry-After counts too."
    )


class Body(Part):
    """The body of a request. Exactly one member is there."""

    json_: Jsonata | None = Field(None, alias="json", description="Gives the JSON value.")
    form: dict[str, Jsonata] | None = Field(
        None, description="Fields of a form. A value that is no text is written as JSON; an absent one is left out."
    )


class Request(Part):
    """One request. Expressions see the event or the question; variables: $settings, $page, $offset, $limit, $cursor."""

    when: Jsonata | None = Field(None, description="Says whether this request is the one; the first that fits is sent.")
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = Field(description="The method.")
    path: Path
    values: dict[Word, Jsonata] = Field(default_factory=dict, description="Values for the path and for signatures.")
    query: dict[str, Jsonata] = Field(default_factory=dict, description="Parameters; an absent value is left out.")
    headers: dict[HeaderName, Jsonata] = Field(
        default_factory=dict, description="Headers; an absent value is left out."
    )
    body: Body | None = Field(None, description="The body; absent: none.")


class Limits(Part):
    """What the agency allows. The bus keeps it on its own side."""

    requests_per_second: float | None = Field(None, gt=0, le=1000, description="Most requests a second, evenly spread.")
    requests_per_day: int | None = Field(None, ge=1, description="Most requests a day, in WIB, of each process.")
    at_once: int = Field(10, ge=1, le=20, description="Most requests under way.")


class _Operation(Part):
    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=63, description="The name by which contracts call it.")
    title: str = Field("", max_length=200, description="What it does, in one line.")
    least: Classification = Field(description="The lowest classification that a contract on it may have.")
    person: Pointer | None = Field(None, description="Where the person's identifier stands, if data are about persons.")
    fields: list[Pointer] = Field(description="The fields of the contract's data that the mapping reads or writes.")
    definitions: dict[Pointer, str] = Field(
        default_factory=dict, description="A field to the shared definition by which the contract must declare it."
    )
    rules: list[Rule] = Field(default_factory=list, description="What answers mean, before the adapter's own rules.")
    numbers: Literal["short", "text"] = Field(
        "short",
        description="short: numbers of up to 15 digits; longer ones are refused. text: each number is its text, digit by digit.",
    )
    fold: bool = Field(
        False, description="Makes the names in an answer lower case, and strips blanks around names and texts."
    )
    examples: list[Example] = Field(
        default_factory=list, max_length=50, description="Requests and answers that lint runs through the mapping."
    )


class _Calling(_Operation):
    format: Literal["json", "xml"] = Field(
        "json",
        description="What answers are. xml: an element is an object of its children by their names; one without children is its "
        "text, a repeated one a list; attributes are `@name`, text beside children is `#text`; no DTD, no namespaces.",
    )


class Batch(Part):
    """Several events in one request. Expressions then see the list of events."""

    most: int = Field(ge=2, le=500, description="Most events in one request.")
    results: Jsonata = Field(
        description='Gives one entry for each event, in order: {"means": "success"}, or another word with "says".'
    )


class Deliver(_Calling):
    """Sends events to the agency."""

    does: Literal["deliver"] = Field(description="Sends events to the agency.")
    contracts: list[str] = Field(
        default_factory=list, description="Contracts whose events lint checks examples against."
    )
    requests: list[Request] = Field(min_length=1, max_length=10, description="The first whose `when` fits is sent.")
    batch: Batch | None = Field(None, description="Several events in one request; absent: one event a request.")


class Query(_Calling):
    """Asks the agency."""

    does: Literal["query"] = Field(description="Asks the agency.")
    contracts: list[str] = Field(
        default_factory=list, description="Contracts whose questions lint checks examples against."
    )
    requests: list[Request] = Field(min_length=1, max_length=10, description="The first whose `when` fits is sent.")
    answer: Jsonata = Field(description="Gives the contract's answer. Variable: $question.")


class Paging(Part):
    """How a list goes on. A round ends at an empty page, at a page that repeats the one before, or at the total."""

    kind: Literal["offset", "page", "cursor", "link"] = Field(
        description="offset: $offset counts rows. page: $page counts pages. cursor: $cursor comes from `next`. "
        "link: the header Link (RFC 8288) or `next` has the next address."
    )
    first: int = Field(1, ge=0, le=1, description="page: the number of the first page.")
    limit: int = Field(100, ge=1, le=10_000, description="Rows that a page is asked for, as $limit.")
    total: Jsonata | None = Field(None, description="Where the answer has the number of all rows.")
    next: Jsonata | None = Field(
        None, description="cursor, link: where the answer has what comes next; absent at the end."
    )
    keeps: bool = Field(
        False, description="cursor: the next round goes on at the last cursor. Absent: each round reads the whole list."
    )
    together: bool = Field(
        False, description="All pages are one step, so that a row that is gone is deleted; for short lists."
    )


class _Listing(_Operation):
    contract: str = Field(description="The contract of the rows.")
    source: str = Field(pattern=r"^/[a-z0-9/_-]+$", max_length=200, description="The source of the events.")
    key: Jsonata = Field(description="Gives a row's key, a text.")
    record: Jsonata = Field(description="Gives a row's record. A member whose expression finds nothing is left out.")
    time: Jsonata | None = Field(None, description="Gives when the row changed, in RFC 3339.")


class Poll(_Listing, _Calling):
    """Fetches rows of a list. The bus finds which of them are new, changed or gone."""

    does: Literal["poll"] = Field(description="Fetches rows of a list.")
    interval_seconds: float = Field(300, ge=10, le=604_800, description="Seconds between rounds.")
    request: Request = Field(description="Asks for a page, or for the list.")
    rows: Jsonata = Field(description="Gives the list; an answer without a list is a failure.")
    is_whole: bool = Field(False, description="The answer is the whole list: a row that is gone is deleted.")
    paging: Paging | None = Field(None, description="How the list goes on; absent: one answer has all of it.")


class PushReply(Part):
    """The answer to a push."""

    status: Literal[200, 202, 400, 401, 403, 422] = Field(200, description="The HTTP status.")
    body: dict[str, Any] = Field(description="The JSON body. It repeats nothing of the push.")


class Push(_Listing):
    """Takes rows that the agency sends to the bus."""

    does: Literal["push"] = Field(description="Takes rows that the agency sends to the bus.")
    verify: Verify = Field(description="How the agency shows that it is the sender.")
    values: dict[Word, Pointer] = Field(
        default_factory=dict, description="Values for a signature: pointers to texts of the body."
    )
    rows: Jsonata = Field(description="Gives the list of rows in the body.")
    accepted: PushReply = Field(description="The answer once every row is in the journal.")
    refused: PushReply = Field(description="The answer if the push, or a row of it, is refused.")
    denied: PushReply | None = Field(None, description="The answer to a wrong proof; absent: 401 and a problem.")


Operation = Annotated[Deliver | Poll | Query | Push, Field(discriminator="does")]


class AdapterDocument(Part):
    """An agency's HTTP API, and what the bus does with it."""

    schema_: str | None = Field(None, alias="$schema", description="Where an editor finds this schema.")
    kind: Literal["adapter"] = Field(description="Says that this is an adapter document.")
    adapter: str = Field(
        pattern=r"^[a-z][a-z0-9]*$",
        max_length=30,
        description="The adapter's name in contracts and settings. It needs to be no agency's that has a coded adapter.",
    )
    version: str = Field(pattern=r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$", description="Semantic version.")
    title: str = Field(max_length=200, description="What it is, in one line for people.")
    description: str = Field(
        "", max_length=5000, description="Where the facts come from, and what a reader has to know."
    )
    owner: ParticipantId = Field(description="The office that answers for the document.")
    participant: ParticipantId = Field(description="The participant that publishes what polls and pushes bring.")
    agency: str = Field(max_length=60, description="The agency's name in messages to the operator.")
    servers: list[Server] = Field(
        min_length=1, max_length=10, description="The first is used unless the operator chooses."
    )
    settings: dict[Word, Setting] = Field(
        default_factory=dict, description="What the operator gives, by name: BUS_ADAPTERS__<ADAPTER>__<NAME>."
    )
    secrets: dict[Word, Secret] = Field(
        default_factory=dict,
        description="What the operator gives, by name: BUS_ADAPTERS__<ADAPTER>__<NAME>, and the hosts that may get it: …_HOSTS.",
    )
    auth: list[Auth] = Field(default_factory=list, max_length=5, description="How the bus shows who it is; all apply.")
    rules: list[Rule] = Field(
        default_factory=list, max_length=50, description="What answers mean, for every operation."
    )
    limits: Limits = Field(
        default_factory=lambda: Limits.model_validate({}), description="What the agency allows; the bus keeps it."
    )
    operations: list[Operation] = Field(min_length=1, max_length=50, description="What the bus does with the API.")
