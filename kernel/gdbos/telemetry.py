"""OpenTelemetry traces at the edges: off until the deployment names a collector."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased

from gdbos.config import Telemetry

# Spans carry service codes, outcomes and route templates; never addresses with values, bodies or names of people.

_tracer = trace.get_tracer("gdbos")
_UNTRACED: AbstractContextManager[trace.Span] = nullcontext(trace.INVALID_SPAN)
_share = 0.0
"""Which part of what comes in untraced begins a trace."""


def span(
    name: str, *, context: Context | None = None, kind: trace.SpanKind = trace.SpanKind.INTERNAL
) -> AbstractContextManager[trace.Span]:
    """A span that keeps no exception: messages of drivers and libraries may hold the values they failed on.

    Whether there is one at all is decided before it is made (measured: 0.3 against 7 µs for one that is made and dropped).
    """
    if not trace.get_current_span(context).get_span_context().is_valid and random.random() >= _share:  # noqa: S311
        return _UNTRACED
    return _tracer.start_as_current_span(
        name, context=context, kind=kind, record_exception=False, set_status_on_exception=False
    )


def trace_id() -> str:
    """The trace we are in, as hex; empty when none is being traced."""
    found = trace.get_current_span().get_span_context().trace_id
    return f"{found:032x}" if found else ""


def traceparent() -> str | None:
    """The current trace for whoever is asked next (W3C Trace Context); none where nothing is traced."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier.get("traceparent")


@contextmanager
def exporting(settings: Telemetry, node: str) -> Iterator[None]:
    """Send traces to the collector the deployment names as long as the block lasts; nothing where it names none.

    The provider is the running node's own and never OpenTelemetry's global one, which a process can have only once: seeding
    runs a node before the one that serves.
    """
    global _tracer, _share
    if not settings.otlp:
        yield
        return
    provider = TracerProvider(
        resource=Resource.create({"service.name": "gdbos", "service.instance.id": node}),
        sampler=ParentBased(ALWAYS_ON),  # the share is drawn in span()
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=settings.otlp), schedule_delay_millis=500))
    before = _tracer, _share
    _tracer, _share = provider.get_tracer("gdbos"), settings.sample
    try:
        yield
    finally:
        _tracer, _share = before
        provider.shutdown()
