"""OpenTelemetry traces at the edges: off until the deployment names a collector."""

from __future__ import annotations

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from gdbos.config import Telemetry

# Spans carry service codes, outcomes and route templates; never addresses with values, bodies or names of people.


def start(settings: Telemetry, node: str) -> TracerProvider | None:
    """Send traces to the collector the deployment names; nothing where it names none."""
    if not settings.otlp:
        return None
    provider = TracerProvider(
        resource=Resource.create({"service.name": "gdbos", "service.instance.id": node}),
        sampler=ParentBased(TraceIdRatioBased(settings.sample)),
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=settings.otlp), schedule_delay_millis=500))
    trace.set_tracer_provider(provider)
    return provider
