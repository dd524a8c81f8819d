"""Conditional requests (RFC 9110, section 13): a client does not get again what it has."""

from hashlib import blake2b

from fastapi import Request, Response


def cacheable(request: Request, body: bytes, media_type: str) -> Response:
    """The body with a tag of its content; 304 without the body if the request names the tag.

    Only the client may keep the body, since others may lack the scope. It must ask again each time, since a draft may change.
    """
    etag = f'"{blake2b(body, digest_size=12).hexdigest()}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Authorization"}
    if matches(request.headers.get("if-none-match", ""), etag):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=media_type)


def matches(if_none_match: str, etag: str) -> bool:
    """Whether the header names the tag, by weak comparison (RFC 9110, section 13.1.2)."""
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in tags or tags == ["*"]
