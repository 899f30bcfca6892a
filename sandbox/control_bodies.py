"""The JSON bodies of the control API; unknown fields are refused."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sandbox.faults import KINDS
from sandbox.operations import OPERATION_NAMES


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class FaultBody(_Strict):
    """A failure to switch on, for the next `times` requests (None: until it is removed)."""

    operation: str
    kind: str
    status: int | None = Field(None, ge=400, le=599)
    code: str | None = None
    seconds: float | None = Field(None, ge=0, le=120)
    times: int | None = Field(1, ge=1)

    @model_validator(mode="after")
    def _fits(self) -> FaultBody:
        if self.operation not in (*OPERATION_NAMES, "*"):
            raise ValueError(f"operation must be one of {', '.join(OPERATION_NAMES)}, or *")
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}")
        if self.kind == "status" and self.status is None:
            raise ValueError("a status fault needs its status")
        if self.kind == "delay" and self.seconds is None:
            raise ValueError("a delay fault needs its seconds")
        return self


class BarrierBody(_Strict):
    """A gate at which requests stop, before or after their effect."""

    name: str = Field(min_length=1, max_length=100)
    operation: str
    when: Literal["before", "after"]

    @model_validator(mode="after")
    def _fits(self) -> BarrierBody:
        if self.operation not in (*OPERATION_NAMES, "pay", "*"):
            raise ValueError(f"operation must be one of {', '.join(OPERATION_NAMES)}, pay, or *")
        return self


class WebhooksBody(_Strict):
    """How events reach the webhook from now on; what is not named stays as it is."""

    mode: Literal["deliver", "drop", "hold", "duplicate", "delay"] | None = None
    types: list[str] | None = None
    copies: int = Field(2, ge=2, le=50)
    seconds: float = Field(0, ge=0, le=86_400)
    url: str | None = Field(None, pattern=r"^https?://")
    secret: str | None = Field(None, min_length=1)


class ReleaseBody(_Strict):
    """The order in which held events go out."""

    order: list[str] | Literal["reverse", "as_made"] = "as_made"


class DeliverBody(_Strict):
    """One event, now, as often as asked, signed as asked."""

    copies: int = Field(1, ge=1, le=50)
    concurrent: bool = False
    age_seconds: int = 0
    secret: str | None = Field(None, min_length=1)
    url: str | None = Field(None, pattern=r"^https?://")


class PayBody(_Strict):
    """A card, as if typed on the page; `challenge` answers 3-D Secure at once."""

    card: str
    challenge: Literal["complete", "fail"] | None = None
    email: str = "buyer@example.com"
    name: str = "Test Buyer"


class SettleBody(_Strict):
    """What became of funds that were to come later."""

    outcome: Literal["succeed", "fail"]


class TamperBody(_Strict):
    """Fields of a session to falsify."""

    amount_total: int | None = None
    currency: str | None = None
    livemode: bool | None = None
    payment_status: Literal["paid", "unpaid", "no_payment_required"] | None = None


class RefundBody(_Strict):
    """Cents to give back; all that is left when not said."""

    amount: int | None = Field(None, ge=1)


class ClockBody(_Strict):
    """Seconds by which the sandbox's clock is ahead (or, negative, behind)."""

    offset_seconds: float = Field(ge=-10 * 365 * 86_400, le=10 * 365 * 86_400)
