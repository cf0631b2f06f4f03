"""A collector of OpenTelemetry traces that keeps what it is sent, to be looked at."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Collector:
    """An OTLP/HTTP collector that keeps what it is sent."""

    def __init__(self) -> None:
        self.url = ""
        self.raw: list[bytes] = []

    def spans(self) -> list[Span]:
        """Every span received, the earliest first."""
        found = []
        for body in list(self.raw):
            request = ExportTraceServiceRequest.FromString(body)
            found += [s for r in request.resource_spans for scope in r.scope_spans for s in scope.spans]
        return sorted(found, key=lambda span: span.start_time_unix_nano)

    def wait_for(self, name: str) -> list[Span]:
        """The spans, once one called ``name`` is among them."""
        until = time.monotonic() + 10
        while time.monotonic() < until:
            if any(span.name == name for span in self.spans()):
                return self.spans()
            time.sleep(0.05)
        raise AssertionError(f"no span {name} came; there are {[span.name for span in self.spans()]}")


@contextmanager
def collecting() -> Iterator[Collector]:
    found = Collector()

    class Desk(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            found.raw.append(body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Desk)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found.url = f"http://127.0.0.1:{server.server_address[1]}/v1/traces"
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
