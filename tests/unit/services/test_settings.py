"""The environment, read."""

import pytest

from shop.settings import SettingsError, from_environment
from traffic.settings import Phase
from traffic.settings import from_environment as traffic_from_environment

CONTRACT = {
    "PORT": "8081",
    "DATABASE_URL": "postgresql://app:hunter2@shop-order-db:5432/app",
    "DATABASE_READ_URL": "postgresql://app:hunter2@shop-order-db-read:5432/app",
    "CACHE_URL": "redis://shop-cache:6379/0",
    "PAYMENT_URL": "http://shop-internal/order/payment/",
}


def test_the_contract_is_read() -> None:
    settings = from_environment("order", CONTRACT)
    assert settings.port == 8081
    assert settings.database_read_url == CONTRACT["DATABASE_READ_URL"]
    assert settings.call_url("payment") == "http://shop-internal/order/payment"
    assert settings.call_urls.keys() == {"payment"}


def test_a_read_url_that_is_the_primarys_is_none() -> None:
    same = {**CONTRACT, "DATABASE_READ_URL": CONTRACT["DATABASE_URL"]}
    assert from_environment("order", same).database_read_url == ""


def test_a_call_that_was_not_declared_is_named() -> None:
    with pytest.raises(SettingsError, match="PRODUCT_URL is not set: order needs the base URL of product"):
        from_environment("order", CONTRACT).call_url("product")


@pytest.mark.parametrize("value", ["x", "0", "-1"])
def test_a_wrong_number_is_named(value: str) -> None:
    with pytest.raises(SettingsError, match="DATABASE_POOL_MAX"):
        from_environment("order", {**CONTRACT, "DATABASE_POOL_MAX": value})


def test_no_password_is_shown() -> None:
    assert "hunter2" not in repr(from_environment("order", CONTRACT))


def test_phases_of_traffic() -> None:
    environment = {"TARGET_URL": "http://shop-gateway/", "PHASES": "quiet:40:2, surge:80:10.5"}
    settings = traffic_from_environment(environment)
    assert settings.phases == (Phase("quiet", 40, 2), Phase("surge", 80, 10.5))
    assert settings.target_url == "http://shop-gateway"
    assert settings.run != traffic_from_environment(environment).run
