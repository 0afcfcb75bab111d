"""The API and a storage in Python's standard library, with no code of hoist's: a second opinion on the wire.

It checks what S3 checks of a presigned PUT (every signed header verbatim, Content-Type, no chunked body) in its own
simple way, keeps what it was sent, and can be told to misbehave: `presign` and `put` are functions that tests replace,
`hang_up` tells which connections are closed as soon as they are there, and `tls` is an ssl.SSLContext to speak TLS by.
"""

import canary
import http.server
import json
import socket
import threading
import time
import uuid


class Independent:
    def __init__(self, presign=None, put=None, tls=None, hang_up=None, host="127.0.0.1"):
        self.key = "independent-key-" + uuid.uuid4().hex
        canary.watch(self.key)
        self.tls, self.host = tls, host
        self.hang_up = hang_up or (lambda number: False)
        self.presign = presign or (lambda server, handler, reply: reply)
        self.put = put or (lambda server, handler, body: None)
        self.lock = threading.Lock()
        self.tickets, self.objects = {}, {}
        self.presign_requests, self.put_requests = [], []
        self.connections = 0

    def __enter__(self):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            owner = outer

            def setup(self):
                super().setup()
                self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

            def log_message(self, *_):
                pass

            def answer(self, status, body=b"", headers=None):
                self.send_response(status)
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def body(self):
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))

            def do_POST(self):
                outer.handle_presign(self)

            def do_PUT(self):
                outer.handle_put(self)

        class Quiet(http.server.ThreadingHTTPServer):
            request_queue_size = 128

            def handle_error(self, *_):
                pass  # clients that hang up are part of the tests

            def verify_request(self, *_):
                with outer.lock:
                    outer.connections += 1
                    number = outer.connections
                return not outer.hang_up(number)

            def finish_request(self, request, client):
                if outer.tls is None:
                    return Handler(request, client, self)
                with outer.tls.wrap_socket(request, server_side=True) as stream:
                    Handler(stream, client, self)

        self.http = Quiet((self.host, 0), Handler)
        self.http.daemon_threads = True
        self.port = self.http.server_address[1]
        self.endpoint = f"{'https' if self.tls else 'http'}://{self.host}:{self.port}"
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()

    def handle_presign(self, handler):
        request = handler.body()
        with self.lock:
            self.presign_requests.append((dict(handler.headers), request))
        if handler.path != "/v1/upload/presign":
            return handler.answer(404)
        if handler.headers.get("X-API-Key") != self.key:
            return handler.answer(401, b'{"error": "Invalid or missing API key"}')
        asked = json.loads(request)
        id = str(uuid.uuid4())
        signed = {"x-amz-meta-file-id": id}
        with self.lock:
            self.tickets[id] = (asked["content_type"], dict(signed), time.time() + 900)
        reply = {
            "id": id,
            "presigned_url": f"{self.endpoint}/bucket/{id}?X-Amz-Signature=secret%2Fbytes&x=%7E+&y",
            "public_url": f"{self.endpoint}/public/{id}",
            "expires_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 900)),
            "required_headers": signed,
            "a_field_of_tomorrow": [1, {"x": None}],
        }
        reply = self.presign(self, handler, reply)
        if reply is not None:
            data = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
            handler.answer(200, data, {"Content-Type": "application/json"})

    def handle_put(self, handler):
        path, _, query = handler.path.partition("?")
        id = path.rsplit("/", 1)[1]
        with self.lock:
            self.put_requests.append((id, list(handler.headers.items()), handler.path))
        if self.put(self, handler, id) == "answered":
            return
        if handler.headers.get("Transfer-Encoding"):
            return handler.answer(501)
        body = handler.body()
        content_type, signed, expires = self.tickets.get(id, (None, {}, 0))
        good = (query == "X-Amz-Signature=secret%2Fbytes&x=%7E+&y" and handler.headers.get("Content-Type") == content_type
                and all(handler.headers.get_all(k) == [v] for k, v in signed.items()) and time.time() < expires)
        if not good:
            return handler.answer(403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>")
        with self.lock:
            self.objects[id] = body
        handler.answer(200, headers={"ETag": '"opaque"'})


class Listener:
    """Takes connections and what is sent first on each, then closes: for places where nobody must come, or not so."""

    def __init__(self, host="127.0.0.1"):
        self.received = []
        self.socket = socket.create_server((host, 0), backlog=128)
        self.port = self.socket.getsockname()[1]

    def __enter__(self):
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()
        return self

    def listen(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.take(connection)

    def take(self, connection):
        with connection:
            connection.settimeout(5)
            try:
                self.received.append(connection.recv(65536))
            except OSError:
                self.received.append(b"")

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)  # wakes the accept
        self.socket.close()
        self.thread.join()


class TakesOne(Listener):
    """Stands before `port`: passes one connection at a time on, and drops every other one as soon as it is there."""

    def __init__(self, port):
        super().__init__()
        self.behind = port
        self.dropped = 0
        self.busy = threading.Lock()

    def take(self, connection):
        if self.busy.acquire(blocking=False):
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()
        else:
            self.dropped += 1
            connection.close()

    def serve(self, connection):
        with connection, socket.create_connection(("127.0.0.1", self.behind)) as onward:
            there = threading.Thread(target=self.pass_on, args=(connection, onward), daemon=True)
            there.start()
            self.pass_on(onward, connection)
            there.join()
        self.busy.release()

    @staticmethod
    def pass_on(source, to):
        try:
            while data := source.recv(65536):
                to.sendall(data)
        except OSError:
            pass
        for one in (source, to):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
