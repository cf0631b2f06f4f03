"""The one table of matters: how often each was applied for. Nothing of it says by whom."""

from __future__ import annotations

from sqlalchemy import Column, Integer, MetaData, String, Table

tables = MetaData()

matter_use = Table(
    "matter_use",
    tables,
    Column("matter", String(120), primary_key=True),
    Column("month", String(6), primary_key=True),  # 202605
    Column("submitted", Integer, nullable=False),
)
