"""What goes wrong on one host, on two: the faults' own tests, with both hosts behind nginx."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.deploy.hosts import Hosts
from tests.faults import test_kills
from tests.faults.invariants import keeping_promises, repeated
from tests.faults.test_stripe_that_goes_wrong import (
    test_a_session_whose_creation_was_not_answered_is_found_by_the_same_key,
    test_an_expire_whose_answer_was_lost_is_asked_again_and_releases_once,
    test_when_the_end_races_the_payment_there_is_exactly_one_outcome,
)
from tests.faults.test_surroundings_that_go_wrong import (
    test_a_double_click_on_bid_is_one_bid,
    test_after_flushall_everything_owed_is_found_in_the_database,
    test_without_redis_bids_payments_webhooks_and_mails_go_on,
)
from tests.faults.test_webhooks_that_go_wrong import (
    test_a_sale_whose_webhooks_are_all_lost_is_finished_by_the_sweep,
    test_a_webhook_after_the_deadline_finds_the_sale_that_stripe_would_not_expire,
    test_expired_and_completed_in_any_order_come_to_what_stripe_says_now,
    test_the_same_event_time_after_time_has_one_effect_and_every_answer_is_200,
)

__all__ = [
    "test_a_double_click_on_bid_is_one_bid",
    "test_a_sale_whose_webhooks_are_all_lost_is_finished_by_the_sweep",
    "test_a_session_whose_creation_was_not_answered_is_found_by_the_same_key",
    "test_a_webhook_after_the_deadline_finds_the_sale_that_stripe_would_not_expire",
    "test_after_flushall_everything_owed_is_found_in_the_database",
    "test_an_expire_whose_answer_was_lost_is_asked_again_and_releases_once",
    "test_expired_and_completed_in_any_order_come_to_what_stripe_says_now",
    "test_the_same_event_time_after_time_has_one_effect_and_every_answer_is_200",
    "test_when_the_end_races_the_payment_there_is_exactly_one_outcome",
    "test_without_redis_bids_payments_webhooks_and_mails_go_on",
]


@pytest.fixture
def shop(hosts: Hosts) -> Iterator[Hosts]:
    """Both hosts as one shop, which keeps every promise."""
    hosts.forgiven |= repeated(hosts)
    with keeping_promises(hosts):
        yield hosts


@pytest.mark.timeout(300)
def test_all_of_one_host_and_redis_die_with_sales_at_every_step(shop: Hosts) -> None:
    test_kills.test_a_restart_alone_brings_every_sale_to_its_right_end(
        shop, "web, worker and Redis"
    )
