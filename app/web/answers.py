"""Requests and answers as ours are, where that is less than what they might be."""

from collections.abc import Iterable
from typing import cast
from wsgiref.types import WSGIEnvironment

from flask import Request, Response
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.utils import cached_property

Headers = tuple[tuple[str, str], ...]


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

    sent_along: Headers = ()

    def get_wsgi_response(
        self, environ: WSGIEnvironment
    ) -> tuple[Iterable[bytes], str, list[tuple[str, str]]]:
        """What the server is given."""
        body, status, headers = super().get_wsgi_response(environ)
        return body, status, [*headers, *self.sent_along]


def send_along(response: Response, headers: Headers) -> None:
    """Have headers sent that nobody changes any more.

    Only names that are not yet there, and no value that holds a line break: neither is checked.
    """
    # Flask makes everything that a route answers one of its `response_class`.
    answer = cast(Answer, response)
    answer.sent_along += headers
