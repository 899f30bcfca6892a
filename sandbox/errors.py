"""What Stripe answers when it refuses: one shape for every error (docs.stripe.com/api/errors)."""

from __future__ import annotations

from typing import Any


class StripeError(Exception):
    """A refusal with its HTTP status and Stripe's error body."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        decline_code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.code = code
        self.param = param
        self.decline_code = decline_code

    def body(self) -> dict[str, Any]:
        """The JSON object that Stripe would send."""
        error: dict[str, Any] = {"message": self.message, "type": self.kind}
        for name in ("code", "param", "decline_code"):
            value = getattr(self, name)
            if value is not None:
                error[name] = value
        if self.code is not None:
            error["doc_url"] = "https://docs.stripe.com/error-codes/" + self.code.replace("_", "-")
        return {"error": error}


class ValidationError(StripeError):
    """A request refused before it ran: its answer is not kept for an idempotency key."""

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(400, message, param=param, code=code)


def no_such(kind: str, object_id: str, param: str) -> StripeError:
    """404: the object named by `param` does not exist."""
    return StripeError(404, f"No such {kind}: '{object_id}'", code="resource_missing", param=param)
