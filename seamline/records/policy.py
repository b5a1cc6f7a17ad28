"""The rules that the business sets. A process carries the snapshot it started with."""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field

from seamline.records.base import Record


class Policy(Record):
    """The rules of order-to-shipment and the engine's times, each with its default."""

    production: bool = Field(default=True, description="In production, test orders are ignored.")
    service_days_max: dict[str, int] = Field(
        default={"standard": 7, "express": 2},
        description="Promised delivery time in days, by the delivery the customer chose.",
    )
    default_service: str = Field(default="standard", description="What a delivery not named above counts as.")
    label_price_max: dict[str, Decimal] = Field(
        default={"USD": Decimal(60), "GBP": Decimal(50), "EUR": Decimal(55)},
        description="The dearest label bought without a person, by currency.",
    )
    time_zone: str = Field(default="Europe/London", description="Whose days and hours count.")
    patience_seconds: float = Field(
        default=300,
        gt=0,
        description="How long a failing operation is retried before the process shows as held up.",
    )
    healing_interval_max_seconds: float = Field(
        default=180, gt=0, description="The longest pause between tries once a process is held up."
    )
    poll_seconds: float = Field(
        default=30,
        gt=0,
        description="The first pause between looks at something waited for (packing, tracking).",
    )
    poll_max_seconds: float = Field(default=900, gt=0, description="The longest such pause.")
