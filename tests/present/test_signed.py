"""Who signs what: sums with what they cover, conditions with their owner, posts that are paid."""

from typing import Any

from llminfra import Scenario, evaluate
from llminfra.present import Board, signing_table

INSIDE: dict[str, Any] = {
    **{"tensor_parallel": 8, "region": "DE", "named_users": 2000, "currency": "EUR"},
    **{"data_classes": ["personal"], "policies": ["inside"], "public_body": "yes"},
    **{"sectors": ["public_administration"], "ai_use": "transparency", "fine_tuned": "no"},
    **{"residency": "eea", "ai_role": "deployer"},
}


def signed(**more: Any) -> dict[str, str]:
    table = signing_table(Board(evaluate(Scenario(**INSIDE | more))))
    assert table is not None
    return {row["cells"][0]: row["cells"][1] for row in table.rows}


def test_management_answers_for_the_policy_of_the_house() -> None:
    assert signed()["Management"].endswith(
        "R33 (own machines), the house's own policy, closes 10\u202fways"
    )
    open_house = signed(policies=["none"], hosting="owned")["Management"]
    assert open_house.endswith("no policy of the house closes a way")


def test_a_data_protection_officer_is_consulted_and_does_not_release() -> None:
    said = signed()["Data protection"]
    assert said.startswith("consulted on personal data alone; own servers in house may begin when ")
    assert "C35" in said
    assert "National and staff law is not modelled" in said
    assert "not stated" in signed(data_classes=[], policies=[], ai_use="unknown")["Data protection"]


def test_finance_is_told_of_tax_room_and_what_is_left_out() -> None:
    said = signed(vat_fraction=0.19)["Finance"]
    assert "19\u202f% VAT, not recovered" in said
    assert "a room that has to be built takes another 76.2" in said
    assert "without conditions that are not priced" in said
    rack = signed(vat_fraction=0.0, hosting="colocated")["Finance"]
    assert "before tax" in rack
    assert "room" not in rack


def test_operations_sign_the_posts_that_the_month_pays() -> None:
    assert signed(staff_fte=2.0)["Operations"].startswith("2 posts, as the month counts them")
    assert "nobody has measured these machines" in signed()["Operations"]
    assert "nobody has" not in signed(accelerator="h100-sxm")["Operations"]
