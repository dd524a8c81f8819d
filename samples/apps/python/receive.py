"""Receives webhooks at http://127.0.0.1:9000/webhook, and shows each event once."""

import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from bus_lamongan_client import SignatureInvalid, verify_webhook

SECRET = os.environ.get("WEBHOOK_SECRET") or sys.exit("Set WEBHOOK_SECRET first.")
PORT = int(os.environ.get("PORT", "9000"))
seen: set[str] = set()  # in your database, in the same transaction as what you do with the event


class Webhook(BaseHTTPRequestHandler):
    """Answers 204 once the event is safe here, 401 to everybody but the bus."""

    def do_POST(self) -> None:
        """Take one event."""
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        try:
            event = verify_webhook(SECRET, dict(self.headers), body)
        except SignatureInvalid as invalid:
            print(f"refused: {invalid}", flush=True)
            self.send_response(401)
            self.end_headers()
            return
        if self.headers["webhook-id"] not in seen:
            print(f"received: {event['type']} {event.get('subject')} {event.get('data')}", flush=True)
            seen.add(self.headers["webhook-id"])
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Write no access log."""


print(f"waiting at http://127.0.0.1:{PORT}/webhook", flush=True)
ThreadingHTTPServer(("127.0.0.1", PORT), Webhook).serve_forever()
