"""A proxy that changes what a server says: to see that those who check its answers notice."""

import contextlib
import http.server
import json
import threading

import httpx

DROPPED = {"connection", "content-length", "keep-alive", "transfer-encoding", "content-encoding"}


@contextlib.contextmanager
def doctored(url, part, change):
    """The address of a proxy of @url. GET answers whose path has @part go through change(body as bytes) -> bytes."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name: value for name, value in self.headers.items() if name.lower() not in DROPPED | {"host"}}
            reply = upstream.request(self.command, self.path, content=body, headers=headers | {"Accept-Encoding": "identity"})
            content = reply.content
            if self.command == "GET" and part in self.path and reply.status_code == 200:
                content = change(content)
            self.send_response_only(reply.status_code)
            for name, value in reply.headers.items():
                if name.lower() not in DROPPED:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = answer

        def log_message(self, *_):
            pass

    with httpx.Client(base_url=url, timeout=60, trust_env=False) as upstream:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def as_json(change):
    """A change of the parsed body: change(body) changes it in place."""

    def changed(content):
        body = json.loads(content)
        change(body)
        return json.dumps(body, separators=(",", ":")).encode()

    return changed
