"""A server that does its worst."""

from __future__ import annotations

import contextlib
import gzip
import socketserver
import threading

from .asking import CITIZEN, NAME, ask, client_for, http_settings, run

JSON_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def whole(body: bytes, head: bytes = JSON_HEAD) -> bytes:
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


class Worst(socketserver.StreamRequestHandler):
    """Answers by the path asked for; remembers what it was asked."""

    def handle(self):
        with contextlib.suppress(OSError):
            while self.one():
                pass

    def one(self) -> bool:
        line = self.rfile.readline()
        if not line:
            return False
        headers = {}
        while (row := self.rfile.readline().strip()) and b":" in row:
            name, _, value = row.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        body = self.rfile.read(int(headers.get("content-length", 0)))
        self.method, path = line.split()[0].decode(), line.split()[1].decode()
        self.server.asked.append((path, headers, body))
        behave = getattr(self, path.strip("/").split("?")[0].replace("-", "_"), None)
        return bool(behave())

    def say(self, raw: bytes) -> bool:
        self.wfile.write(raw)
        return True

    def fine(self):
        return self.say(whole(b'{"ok": 1, "v": "x"}'))

    def hang(self):
        self.server.released.wait(20)

    def drip(self):
        self.say(JSON_HEAD + b"Content-Length: 100000\r\n\r\n")
        while not self.server.released.wait(0.03):
            self.say(b" ")

    def drip_head(self):
        self.say(b"HTTP/1.1 200 OK\r\nX-A: ")
        while not self.server.released.wait(0.03):
            self.say(b"a")

    def endless(self):
        self.say(JSON_HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        while not self.server.released.is_set():
            self.say(b"10000\r\n" + b" " * 65536 + b"\r\n")

    def endless_head(self):
        self.say(b"HTTP/1.1 200 OK\r\n")
        while not self.server.released.is_set():
            self.say(b"X-A: " + b"a" * 4096 + b"\r\n")

    def cut(self):
        self.say(JSON_HEAD + b'Content-Length: 1000\r\n\r\n{"ok":')

    def close(self):
        return False

    def garbage(self):
        self.say(b"\x00\xff\xfe not http at all\r\n\r\n")

    def html(self):
        return self.say(whole(b"<html>", b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"))

    def depth(self):
        return self.say(whole(b"[" * 200_000))

    def deep_object(self):
        return self.say(whole(b'{"a":' * 100_000 + b"1" + b"}" * 100_000))

    def packed(self):
        bomb = gzip.compress(b" " * 10_000_000)
        return self.say(whole(bomb, JSON_HEAD + b"Content-Encoding: gzip\r\n"))

    def lying_charset(self):
        return self.say(
            whole('{"v": "韦"}'.encode("gb18030"), b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n")
        )

    def surrogate(self):
        return self.say(whole(b'{"v": "\\ud800"}'))

    def not_a_number(self):
        return self.say(whole(b'{"v": NaN}'))

    def two_lengths(self):
        self.say(JSON_HEAD + b"Content-Length: 2\r\nContent-Length: 5\r\n\r\n{}")

    def redirect(self):
        return self.say(whole(b"", b"HTTP/1.1 307 Moved\r\nLocation: /fine\r\n"))

    def cookie(self):
        return self.say(whole(b'{"ok": 1}', JSON_HEAD + b"Set-Cookie: session=somebody\r\n"))

    def busy(self):
        return self.say(whole(b"", b"HTTP/1.1 429 Slow down\r\nRetry-After: 7\r\n"))

    def leak(self):
        return self.say(
            whole(f'{{"error": "{NAME} {CITIZEN}", "code": "{CITIZEN} 韦"}}'.encode(), b"HTTP/1.1 500 No\r\n")
        )

    def inner_leak(self):
        return self.say(whole(f'{{"ok": 0, "code": "{NAME} {CITIZEN}"}}'.encode()))

    def broken(self):
        return self.say(whole(b"", b"HTTP/1.1 500 No\r\n"))

    def once_away(self):
        away = [path for path, _, _ in self.server.asked].count("/once-away") < 2
        return self.say(whole(b"", b"HTTP/1.1 502 Bad Gateway\r\n")) if away else self.fine()

    def away(self):
        return self.say(whole(b"", b"HTTP/1.1 502 Bad Gateway\r\n"))


class WorstServer(socketserver.ThreadingTCPServer):
    daemon_threads, allow_reuse_address, block_on_close, request_queue_size = True, True, False, 128

    def __init__(self, handler=Worst):
        super().__init__(("127.0.0.1", 0), handler)
        self.asked, self.released = [], threading.Event()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request, client_address):
        pass

    def count(self, path):
        return sum(asked == path for asked, _, _ in self.asked)


def settings(server, path, **more):
    table = {"base": server.url, "path": path, "success": {"path": "ok", "equals": 1}, "response": {"v": "v"}, **more}
    return http_settings(table)


def ask_worst(server, path, *, within=0.6, times=1, **more):
    async def main():
        async with client_for(server.url) as client:
            for _ in range(times):
                answer = await ask(client, settings(server, path, **more), within=within)
            return answer

    return run(main())
