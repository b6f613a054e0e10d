"""A server as the plugin's mod starts it, that answers as no server should: `python fake_server.py MODE SOCKET`.

hang    takes a request and never answers         die      ends with a request
mute    says nothing on its standard output
useless answers with status 500, with no HTTP, with no JSON and with JSON of no use, in turn
forever has the client wait again and again
chatter says where it listens after other words   other    is of another version
follows wants to be told how a call has ended, and never takes that
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time

from skillcache.events.server.serve import PROTOCOL

ANSWERS = {"follows": '{"follow": true}', "forever": '{"ticket": "t", "wait": 0.001}'}
OF_NO_USE = (
    "no JSON",
    "[1, 2]",
    "7",
    '{"result": {"bytes": 5}, "context": ["x"]}',
    '{"result": 5, "context": "x", "ticket": {}}',
    "status",
    "nothing",
)


def main() -> None:
    mode, path = sys.argv[1:]
    if os.path.exists(path):
        os.unlink(path)
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen()
    if mode == "chatter":
        sys.stdout.write("something else\n")
    if mode != "mute":
        sys.stdout.write(json.dumps({"protocol": PROTOCOL + (mode == "other"), "socket": path}) + "\n")
        sys.stdout.flush()
    kept = []
    while True:
        connection, _ = server.accept()
        kept.append(connection)
        request = connection.recv(1 << 16)
        with open(f"{path}.asked", "a", encoding="utf-8") as log:
            log.write(f"{mode}\n")
        if mode == "die":
            os._exit(1)
        if mode == "hang" or (mode == "follows" and request.startswith(b"POST /ended")):
            time.sleep(300)
        answer = OF_NO_USE[(len(kept) - 1) % len(OF_NO_USE)] if mode == "useless" else ANSWERS.get(mode, "{}")
        body = answer.encode()
        status = 500 if answer == "status" else 200
        head = f"HTTP/1.1 {status} said\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n".encode()
        connection.sendall(b"garbage\0\n\n" if answer == "nothing" else head + body)
        connection.close()


if __name__ == "__main__":
    main()
