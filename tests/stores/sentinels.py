"""A service of real servers, one master and one replica, and real Sentinels that watch it."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import redis

from tests.conftest import RedisServer, free_port, require_program, start_redis, until

SERVICE = "results"
_CONFIGURATION = """\
bind 127.0.0.1
port {port}
dir {folder}
sentinel monitor {service} 127.0.0.1 {master} 1
sentinel down-after-milliseconds {service} 300
sentinel failover-timeout {service} 3000
{more}
"""


class Service:
    """master and replica as they began; sentinels: by port; password: of the Sentinels."""

    def __init__(self, folder: Path, password: str = "") -> None:
        self.password = password
        self.master = start_redis(folder / "master", options=("--repl-diskless-sync-delay", "0"))
        self.replica = start_redis(folder / "replica", options=("--replicaof", "127.0.0.1", str(self.master.port)))
        self.sentinels: dict[int, subprocess.Popen[bytes]] = {}
        for number in range(2):
            self._watch(folder / f"sentinel{number}")
        until(lambda: b"master_link_status:up" in self.replica.command("INFO", "replication"))
        # It is sent what is written only once it has said that it has the rest, which may take it a second.
        until(lambda: b",offset=0," not in self.master.command("INFO", "replication"))

    def url(self, *ports: int, service: str = SERVICE, login: str = "", options: str = "") -> str:
        places = ",".join(f"127.0.0.1:{port}" for port in ports or self.sentinels)
        return f"redis+sentinel://{login}{places}/{service}{options}"

    def fail_over(self) -> None:
        """Kill the master, and wait until the replica is the one that the Sentinels name."""
        self.master.process.kill()
        self.master.process.wait(10)
        until(self._has_taken_over)
        until(lambda: all(self._named_by(port) == self.replica.port for port in self.sentinels))

    def _has_taken_over(self) -> bool:
        try:
            return b"role:master" in self.replica.command("INFO", "replication")
        except ConnectionError:  # it closes its connections as it does
            return False

    def stop(self) -> None:
        for process in self.sentinels.values():
            process.kill()
            process.wait(10)
        self.replica.stop()
        self.master.stop()

    def _watch(self, folder: Path) -> None:
        folder.mkdir()
        port = free_port()
        more = f"requirepass {self.password}" if self.password else ""
        path = folder / "sentinel.conf"
        text = _CONFIGURATION.format(port=port, folder=folder, service=SERVICE, master=self.master.port, more=more)
        path.write_text(text)
        with (folder / "log").open("wb") as log:
            command = [require_program("redis-server"), str(path), "--sentinel"]
            self.sentinels[port] = subprocess.Popen(command, stdout=log, stderr=log)
        until(lambda: self._named_by(port) == self.master.port)

    def _named_by(self, port: int) -> int:
        with redis.Redis(port=port, password=self.password or None, socket_timeout=5) as sentinel:
            try:
                found = sentinel.sentinel_get_master_addr_by_name(SERVICE)
            except redis.RedisError:
                return 0
        return int(found[1]) if found else 0


class TlsSentinel:
    """One that watches `server`, of which it speaks over TLS only. clients: have to show a certificate."""

    def __init__(self, folder: Path, server: RedisServer, *, clients: bool = False) -> None:
        folder.mkdir()
        self.port = free_port()
        names = {"cert": "server.crt", "key": "server.key", "ca-cert": "ca.crt"}
        files = "".join(f"tls-{option}-file {server.certificates}/{name}\n" for option, name in names.items())
        path = folder / "sentinel.conf"
        asked = "yes" if clients else "no"
        path.write_text(
            f"bind 127.0.0.1\nport 0\ntls-port {self.port}\ntls-replication yes\ntls-auth-clients {asked}\n{files}"
            f"dir {folder}\nsentinel monitor {SERVICE} 127.0.0.1 {server.port} 1\n"
        )
        with (folder / "log").open("wb") as log:
            command = [require_program("redis-server"), str(path), "--sentinel"]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        until(self._listens)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait(10)

    def _listens(self) -> bool:
        with socket.socket() as link:
            return link.connect_ex(("127.0.0.1", self.port)) == 0
