"""Requests and answers as ours are, where that is less than what they might be."""

from collections.abc import Iterable
from typing import cast
from wsgiref.types import WSGIEnvironment

from flask import Request, Response
from werkzeug.datastructures import Headers, ImmutableMultiDict
from werkzeug.utils import cached_property

Pairs = tuple[tuple[str, str], ...]

_WITH_BODY = {200, 201}
_COMPLETED = {"location", "content-location"}


class Asked(Request):
    """A request. Where there is no cookie, none is looked for among all headers."""

    @cached_property
    def cookies(self) -> ImmutableMultiDict[str, str]:
        """The cookies that came along."""
        return super().cookies if "HTTP_COOKIE" in self.environ else ImmutableMultiDict()


class Answer(Response):
    """An answer, and headers that go with it as they are.

    What stands in `headers` is checked when it is set, and once more when all are copied to be
    sent.
    """

    sent_along: Pairs = ()

    def get_wsgi_headers(self, environ: WSGIEnvironment) -> Headers:
        """The headers, as they are where werkzeug would put none of them right."""
        names = {name.lower() for name, _ in self.headers}
        if (
            self.status_code in _WITH_BODY
            and "content-length" in names
            and names.isdisjoint(_COMPLETED)
        ):
            return self.headers
        return super().get_wsgi_headers(environ)

    def get_wsgi_response(
        self, environ: WSGIEnvironment
    ) -> tuple[Iterable[bytes], str, list[tuple[str, str]]]:
        """What the server is given."""
        body, status, headers = super().get_wsgi_response(environ)
        return body, status, [*headers, *self.sent_along]


def send_along(response: Response, headers: Pairs) -> None:
    """Have headers sent that nobody changes any more.

    Only names that are not yet there, and no value that holds a line break: neither is checked.
    """
    # Flask makes everything that a route answers one of its `response_class`.
    answer = cast(Answer, response)
    answer.sent_along += headers
