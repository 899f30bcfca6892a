"""The parameters that each operation accepts at the pinned API version.

Names, types and limits follow docs.stripe.com/api (2026-10-28.endive). What the sandbox knows
by name and does not play out is `NotSimulated`: refused aloud, never silently ignored.
"""

from __future__ import annotations

from sandbox.parameters import (
    Boolean,
    Choice,
    Either,
    Email,
    Group,
    Integer,
    Kind,
    Link,
    ListOf,
    Metadata,
    NotSimulated,
    Only,
    Text,
)


def words(text: str) -> tuple[str, ...]:
    """The words of a text, for long lists of names."""
    return tuple(text.split())


# docs.stripe.com/api/checkout/sessions/create#create_checkout_session-locale
LOCALES = words(
    "auto bg cs da de el en en-GB es es-419 et fi fil fr fr-CA hi-IN hr hu id it ja ko lt lv ms "
    "mt nb nl pl pt pt-BR ro ru sk sl sv th tr vi zh zh-HK zh-TW"
)
PAYMENT_METHOD_TYPES = words(
    "acss_debit affirm afterpay_clearpay alipay alma amazon_pay au_becs_debit bacs_debit "
    "bancontact billie bizum blik boleto card cashapp crypto customer_balance eps fpx giropay "
    "grabpay ideal kakao_pay klarna konbini kr_card link mb_way mobilepay multibanco naver_pay "
    "nz_bank_account oxxo p24 pay_by_bank payco paynow paypal paypay payto pix promptpay "
    "revolut_pay samsung_pay satispay scalapay sepa_debit sequra sofort sunbit swish twint upi "
    "us_bank_account wechat_pay zip"
)

EXPAND = ListOf(Text(5000), longest=20)
CURRENCY = Text()


CUSTOM_TEXT = Group(
    {
        name: Group({"message": Text(longest)}, required=("message",))
        for name, longest in (
            ("after_submit", None),
            ("shipping_address", 1000),
            ("submit", 1000),
            ("terms_of_service_acceptance", None),
        )
    }
)
PRODUCT_DATA = Group(
    {
        "name": Text(5000),
        "description": Text(40000),
        "images": ListOf(Link(None), longest=8),
        "metadata": Metadata(),
        "tax_code": NotSimulated(),
        "tax_details": NotSimulated(),
        "unit_label": Text(),
    },
    required=("name",),
)
PRICE_DATA = Group(
    {
        "currency": CURRENCY,
        "product": NotSimulated(),
        "product_data": PRODUCT_DATA,
        "recurring": NotSimulated(),
        "tax_behavior": Choice(("exclusive", "inclusive", "unspecified")),
        "unit_amount": Integer(least=0, most=99_999_999_999),
        "unit_amount_decimal": NotSimulated(),
    },
    required=("currency",),
)
LINE_ITEM = Group(
    {
        "adjustable_quantity": NotSimulated(),
        "metadata": Metadata(),
        "price": NotSimulated(),
        "price_data": PRICE_DATA,
        "quantity": Integer(least=1, most=999_999),
        "tax_rates": NotSimulated(),
    }
)
PAYMENT_INTENT_DATA = Group(
    {
        "application_fee_amount": NotSimulated(),
        "capture_method": Only(
            Choice(("automatic", "automatic_async", "manual")), ("automatic", "automatic_async")
        ),
        "description": Text(1000),
        "metadata": Metadata(),
        "on_behalf_of": NotSimulated(),
        "receipt_email": Email(),
        "setup_future_usage": NotSimulated(),
        "shipping": NotSimulated(),
        "statement_descriptor": Text(22),
        "statement_descriptor_suffix": Text(22),
        "transfer_data": NotSimulated(),
        "transfer_group": NotSimulated(),
    }
)

_NOT_SIMULATED = words(
    "after_expiration consent_collection custom_fields customer customer_account customer_update "
    "discounts excluded_payment_method_types invoice_creation managed_payments name_collection "
    "optional_items payment_method_configuration payment_method_data payment_method_options "
    "permissions redirect_on_completion return_url saved_payment_method_options "
    "setup_intent_data shipping_address_collection shipping_options subscription_data "
    "tax_id_collection"
)

CREATE_SESSION = Group(
    {
        **dict.fromkeys(_NOT_SIMULATED, NotSimulated()),
        "adaptive_pricing": Group({"enabled": Only(Boolean(), (False,))}),
        "allow_promotion_codes": Only(Boolean(), (False,)),
        "allowed_payment_method_types": ListOf(Only(Choice(PAYMENT_METHOD_TYPES), ("card",))),
        "automatic_tax": Group(
            {"enabled": Only(Boolean(), (False,)), "liability": NotSimulated()},
            required=("enabled",),
        ),
        "billing_address_collection": Choice(("auto", "required")),
        "branding_settings": Group(
            {
                "background_color": NotSimulated(),
                "border_style": NotSimulated(),
                "button_color": NotSimulated(),
                "display_name": Text(),
                "font_family": NotSimulated(),
                "icon": NotSimulated(),
                "logo": NotSimulated(),
            }
        ),
        "cancel_url": Link(),
        "client_reference_id": Text(200),
        "currency": CURRENCY,
        "custom_text": CUSTOM_TEXT,
        "customer_creation": Only(Choice(("always", "if_required")), ("if_required",)),
        "customer_email": Email(),
        "expand": EXPAND,
        "expires_at": Integer(),
        "integration_identifier": Text(),
        "line_items": ListOf(LINE_ITEM, longest=100),
        "locale": Choice(LOCALES),
        "metadata": Metadata(),
        "mode": Only(Choice(("payment", "setup", "subscription")), ("payment",)),
        "origin_context": Choice(("mobile_app", "web")),
        "payment_intent_data": PAYMENT_INTENT_DATA,
        "payment_method_collection": Only(Choice(("always", "if_required")), ("always",)),
        "phone_number_collection": Group(
            {"enabled": Only(Boolean(), (False,))}, required=("enabled",)
        ),
        "submit_type": Only(
            Choice(("auto", "book", "donate", "pay", "subscribe")),
            ("auto", "book", "donate", "pay"),
        ),
        "success_url": Link(),
        "ui_mode": Only(
            Choice(("elements", "embedded_page", "form", "hosted_page")), ("hosted_page",)
        ),
        "wallet_options": Group({"link": Group({"display": Choice(("auto", "never"))})}),
    },
)

PERIOD = Either(Integer(), Group({name: Integer() for name in ("gt", "gte", "lt", "lte")}))
PAGING: dict[str, Kind] = {
    "ending_before": Text(5000),
    "expand": EXPAND,
    "limit": Integer(least=1, most=100),
    "starting_after": Text(5000),
}
UNBOUNDED_PAGING = {**PAGING, "ending_before": Text(), "starting_after": Text()}
RETRIEVE = Group({"expand": EXPAND})
RETRIEVE_INTENT = Group({"client_secret": NotSimulated(), "expand": EXPAND})
EXPIRE_SESSION = Group({"expand": EXPAND})
LINE_ITEMS = Group(PAGING)
LIST_SESSIONS = Group(
    {
        **PAGING,
        "created": PERIOD,
        "customer": NotSimulated(),
        "customer_account": NotSimulated(),
        "customer_details": Group({"email": Text()}, required=("email",)),
        "payment_intent": Text(5000),
        "payment_link": NotSimulated(),
        "status": Choice(("complete", "expired", "open")),
        "subscription": NotSimulated(),
    }
)
LIST_INTENTS = Group(
    {**PAGING, "created": PERIOD, "customer": NotSimulated(), "customer_account": NotSimulated()}
)
LIST_CHARGES = Group(
    {
        **UNBOUNDED_PAGING,
        "created": PERIOD,
        "customer": NotSimulated(),
        "payment_intent": Text(5000),
        "transfer_group": NotSimulated(),
    }
)
LIST_REFUNDS = Group(
    {**UNBOUNDED_PAGING, "created": PERIOD, "charge": Text(), "payment_intent": Text(5000)}
)
LIST_EVENTS = Group(
    {
        **PAGING,
        "created": PERIOD,
        "delivery_success": Boolean(),
        "type": Text(5000),
        "types": ListOf(Text(5000), longest=20),
    }
)
