"""The committed OpenAPI documents are those that the services serve."""

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from shop.app import openapi_text
from shop.settings import Settings

SERVICES = Path(__file__).parents[3] / "services"
URLS = {name: f"http://{name}.invalid" for name in ("user", "product", "payment")}


def application(service: str) -> Any:
    settings = Settings(service, database_url="postgresql://database.invalid/app", call_urls=URLS)
    return import_module(f"{service}.application").create(settings)


@pytest.mark.parametrize("service", ["user", "product", "order", "payment"])
class TestDocument:
    def test_it_is_up_to_date(self, service: str) -> None:
        committed = (SERVICES / service / "openapi.json").read_bytes()
        made = openapi_text(application(service))
        assert json.loads(committed) == json.loads(made), f"stale: python -m {service} openapi > {service}/openapi.json"
        assert committed == made

    def test_every_reference_is_defined_and_every_operation_described(self, service: str) -> None:
        text = (SERVICES / service / "openapi.json").read_text()
        document = json.loads(text)
        defined = set(document["components"]["schemas"])
        references = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
        assert references <= defined
        assert "HTTPValidationError" not in text
        for operations in document["paths"].values():
            for operation in operations.values():
                assert operation["description"], operation
                assert "422" not in operation["responses"] or "problem+json" in json.dumps(
                    operation["responses"]["422"]
                )

    def test_no_secret_is_given_out(self, service: str) -> None:
        schemas = json.loads((SERVICES / service / "openapi.json").read_text())["components"]["schemas"]
        for name, schema in schemas.items():
            for field, definition in schema.get("properties", {}).items():
                if field in ("password", "card_token"):
                    assert definition["writeOnly"], f"{name}.{field}"
