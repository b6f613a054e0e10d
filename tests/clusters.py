"""A cluster of real servers, on loopback or on hosts of their own: three that share the slots, and replicas of them."""

from __future__ import annotations

import socket
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Any

from skillcache.stores.cluster import HOME, TAGS, slot_of, tag_of
from tests.conftest import RedisServer, free_port, require_program, start_redis, until
from tests.wires import Wires, address_of

_RUNS = ((0, 5_460), (5_461, 10_922), (10_923, 16_383))
_OURS = 1


def _start(
    folder: Path,
    password: str,
    certificates: Path | None,
    *,
    port: int = 0,
    bus: int = 0,
    host: str = "127.0.0.1",
    within: tuple[str, ...] = (),
    clients: bool = False,
) -> tuple[RedisServer, int]:
    """A node, and the port that others reach it by: Redis 6 takes none but one."""
    options: tuple[str, ...] = ("--cluster-enabled", "yes", "--cluster-node-timeout", "1000")
    options += ("--cluster-require-full-coverage", "no")
    options += ("--repl-ping-replica-period", "1", "--repl-diskless-sync-delay", "0")
    if _is_old():
        while not bus:
            port = port or free_port()
            with socket.socket() as probe:
                if port < 55_000 and probe.connect_ex(("127.0.0.1", port + 10_000)) != 0:
                    bus = port + 10_000
                else:
                    port = 0
    else:
        bus = bus or free_port()
        options += ("--cluster-port", str(bus))
    if password:
        options += ("--masterauth", password)
    if certificates is not None:
        options += ("--tls-cluster", "yes", "--tls-auth-clients", "yes" if clients else "no")
    started = start_redis(
        folder, password=password, certificates=certificates, options=options, port=port, host=host, within=within
    )
    return started, bus


@lru_cache
def _is_old() -> bool:
    return (
        b"v=6."
        in subprocess.run([require_program("redis-server"), "--version"], check=True, capture_output=True).stdout
    )


class Cluster:
    """masters: those that share the slots; owner: the one with HOME; others: without it; replica: of the owner."""

    def __init__(
        self,
        folder: Path,
        *,
        password: str = "",
        certificates: Path | None = None,
        clients: bool = False,
        replica: bool = False,
        replicas: bool = False,
        wires: Wires | None = None,
    ) -> None:
        """clients: have to show a certificate, too; replica: there is one of the owner; replicas: of each.

        wires: hosts, of which all but the first have one.
        """
        count = 6 if replicas else 3 + replica
        self._wires = wires
        started = [
            _start(folder / str(number), password, certificates, clients=clients, **self._place(number))
            for number in range(count)
        ]
        self.servers = [server for server, _ in started]
        self._bus = {server.port: bus for server, bus in started}
        try:
            self._join(replicas=replicas)
        except BaseException:
            self.stop()
            raise

    def _place(self, number: int) -> dict[str, Any]:
        if self._wires is None:
            return {}
        return {"host": address_of(number + 1), "within": self._wires.within(number + 1)}

    def _join(self, *, replicas: bool) -> None:
        for server, (first, last) in zip(self.servers, _RUNS, strict=False):
            slots = map(str, range(first, last + 1))  # ADDSLOTSRANGE is of Redis 7
            assert server.command("CLUSTER", "ADDSLOTS", *slots) == b"+OK\r\n"
        for server in self.servers[1:]:
            for other in self.servers:
                server.command("CLUSTER", "MEET", other.host, str(other.port), str(self._bus[other.port]))
        self.masters = self.servers[:3]
        self.owner = self.masters[_OURS]
        self.others = [server for server in self.masters if server is not self.owner]
        until(lambda: all(self._is_whole(server) for server in self.servers))
        copied = self.masters if replicas else [self.owner]
        self.replicas = {master.port: copy for master, copy in zip(copied, self.servers[3:], strict=False)}
        for master in copied if self.replicas else ():
            self._replicate(master, self.replicas[master.port])
        if self.replicas:
            self.replica = self.replicas[self.owner.port]
            until(lambda: all(self._knows_replicas(server) for server in self.servers))

    @property
    def url(self) -> str:
        return self.url_of()

    def url_of(self, *ports: int, login: str = "", options: str = "") -> str:
        hosts = {server.port: server.host for server in self.servers}
        asked = ports or [server.port for server in self.others]
        places = ",".join(f"{hosts.get(port, '127.0.0.1')}:{port}" for port in asked)
        return f"redis+cluster://{login}{places}{options}"

    def id_of(self, server: RedisServer) -> str:
        return server.command("CLUSTER", "MYID").split(b"\r\n")[1].decode()

    def kill(self) -> None:
        self.owner.process.kill()
        self.owner.process.wait(10)

    def fail_over(self) -> None:
        """Kill the owner, and wait until the replica has its slots."""
        self.kill()
        until(lambda: b"role:master" in self.replica.command("INFO", "replication"))
        gone = b":%d\r\n" % self.owner.port
        left = [*self.others, self.replica]
        until(lambda: all(gone not in server.command("CLUSTER", "SLOTS") for server in left))

    def master_now(self, number: int) -> RedisServer:
        """Who has the slots that were given to that master."""
        for server in self.servers:
            if server.process.poll() is None:
                runs = server.command("CLUSTER", "SLOTS").split(b"\r\n:%d\r\n" % _RUNS[number][1])
                if len(runs) > 1:
                    port = int(runs[1].split(b"\r\n:", 1)[1].split(b"\r\n")[0])
                    return next(each for each in self.servers if each.port == port)
        raise AssertionError

    def revive(self, killed: RedisServer) -> None:
        """As a replica of whoever has taken its place."""
        bus = self._bus[killed.port]
        number = [each.port for each in self.servers].index(killed.port)
        place = self._place(number)
        again, _ = _start(killed.path.parent, killed.password, None, port=killed.port, bus=bus, **place)
        self.servers[number] = again
        until(lambda: b"master_link_status:up" in again.command("INFO", "replication"))

    def flush(self) -> None:
        for server in self.masters:
            server.command("FLUSHALL")

    def master_of(self, key: str) -> RedisServer:
        """As the slots were given out."""
        return self.master_of_slot(slot_of(tag_of(key)))

    def master_of_slot(self, slot: int) -> RedisServer:
        return next(server for server, (_, last) in zip(self.masters, _RUNS, strict=True) if slot <= last)

    def keys(self) -> set[bytes]:
        return {key for server in self.masters for key in server.held()}

    def move_slots(self, source: RedisServer, target: RedisServer, of: RedisServer | None = None) -> None:
        """Give those that our tags are in, and nothing that is in them, to another server; `of`: whose they were."""
        source.command("FLUSHALL")
        slots = sorted(map(slot_of, (*TAGS, HOME)))
        first, last = _RUNS[self.masters.index(of or source)]
        for slot in [slot for slot in slots if first <= slot <= last]:
            for server in (target, source, *self.servers):
                assert server.command("CLUSTER", "SETSLOT", str(slot), "NODE", self.id_of(target)) == b"+OK\r\n"

    def stop(self) -> None:
        for server in self.servers:
            server.stop()

    def _knows_replicas(self, server: RedisServer) -> bool:
        said = server.command("CLUSTER", "SLOTS")
        return all(b":%d\r\n" % copy.port in said for copy in self.replicas.values())

    def _replicate(self, master: RedisServer, copy: RedisServer) -> None:
        until(lambda: copy.command("CLUSTER", "REPLICATE", self.id_of(master)) == b"+OK\r\n")
        until(lambda: b"master_link_status:up" in copy.command("INFO", "replication"))

    def _is_whole(self, server: RedisServer) -> bool:
        said = server.command("CLUSTER", "INFO")
        return b"cluster_state:ok" in said and b"cluster_known_nodes:%d" % len(self.servers) in said
