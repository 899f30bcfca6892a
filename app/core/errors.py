"""What can go wrong, in the product's own words. `web` alone knows which HTTP status that is."""

from typing import Any


class ProductError(Exception):
    """Something the product refuses; `detail` may be shown to the person who asked."""

    code: str | None = None
    detail = "That could not be done."

    def __init__(self, detail: str | None = None) -> None:
        if detail is not None:
            self.detail = detail
        super().__init__(self.detail)

    def extras(self) -> dict[str, Any]:
        """Further members of the answer, by their API names."""
        return {}


class Invalid(ProductError):
    """Input is wrong; `errors` maps each field to what is wrong with it."""

    detail = "Some of what was sent is not valid."

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__()
        self.errors = errors

    @classmethod
    def field(cls, name: str, message: str) -> "Invalid":
        """One field, one message."""
        return cls({name: [message]})


class NotSignedIn(ProductError):
    """The caller must sign in first."""

    detail = "Sign in first."


class NotFound(ProductError):
    """There is no such thing, or it is not the caller's to see."""

    detail = "There is no such thing, or it is not yours to see."


class Forbidden(ProductError):
    """The caller may not do this."""

    code = "forbidden"
    detail = "Your account may not do this."


class Conflict(ProductError):
    """The thing's present state forbids it."""

    code = "state_forbids"
    detail = "The present state does not allow this."


class Unavailable(ProductError):
    """Something the product depends on is away; trying again later is right."""

    detail = "The service cannot answer right now. Try again in a moment."


class TooManyRequests(ProductError):
    """Asked too often; `retry_after` is in seconds."""

    detail = "Too many requests. Try again later."

    def __init__(self, retry_after: int) -> None:
        wait = f"{retry_after} seconds" if retry_after < 120 else f"{retry_after // 60 + 1} minutes"
        super().__init__(f"Too many requests in a short time. Try again in {wait}.")
        self.retry_after = retry_after
