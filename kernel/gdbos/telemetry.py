"""OpenTelemetry traces at the edges: off until the deployment names a collector."""

from __future__ import annotations

from contextlib import AbstractContextManager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from gdbos.config import Telemetry

# Spans carry service codes, outcomes and route templates; never addresses with values, bodies or names of people.

_tracer = trace.get_tracer("gdbos")


def span(
    name: str, *, context: Context | None = None, kind: trace.SpanKind = trace.SpanKind.INTERNAL
) -> AbstractContextManager[trace.Span]:
    """A span that keeps no exception: messages of drivers and libraries may hold the values they failed on."""
    return _tracer.start_as_current_span(
        name, context=context, kind=kind, record_exception=False, set_status_on_exception=False
    )


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
