"""A chat whose backend is Python, with nothing but its standard library: see docs/backend.md."""
import base64, hmac, json, os, time, urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = base64.b64decode(os.environ["SOCKETIO_HOOKS_SECRET"].removeprefix("whsec_"))

def signed(headers, body):
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    want = "v1," + base64.b64encode(hmac.digest(KEY, text, "sha256")).decode()
    fresh = abs(time.time() - int(headers["webhook-timestamp"])) < 300
    return fresh and any(hmac.compare_digest(want, s) for s in headers["webhook-signature"].split())

def emit(event, *args, **to):  # to everybody in the rooms
    headers = {"Authorization": "Bearer " + os.environ["SOCKETIO_API_TOKEN"], "Content-Type": "application/json"}
    body = json.dumps({"event": event, "args": args, **to}).encode()
    urllib.request.urlopen(urllib.request.Request(os.environ["API"] + "/api/emit", body, headers), timeout=5).close()

def answer(kind, client, name):
    if kind == "connect":
        name = client["handshake"]["auth"].get("name")
        return {"rooms": ["chat"], "values": {"name": name}} if name else {"error": {"message": "who are you?"}}
    if kind == "event" and client["event"] == "message":
        emit("message", name, *client["args"], rooms=["chat"])
        return ["sent"]
    if kind == "disconnect" and name:
        emit("left", name, rooms=["chat"])

class Backend(BaseHTTPRequestHandler):
    protocol_version, disable_nagle_algorithm = "HTTP/1.1", True  # keeps connections, and answers at once

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status, reply = 401, b""
        if signed(self.headers, body):
            request = json.loads(body)
            client = request["data"]
            name = client.get("values", {}).get("name")  # what the answer to the connect set
            status, reply = 200, json.dumps(answer(request["type"], client, name)).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", 8000))), Backend).serve_forever()
