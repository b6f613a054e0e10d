"""A cluster of real servers on loopback: three that share the slots and, if asked, a replica of our slot."""

from __future__ import annotations

from pathlib import Path

from skillcache.stores.cluster import SLOT
from tests.conftest import RedisServer, free_port, start_redis, until

_RUNS = ((0, 5_460), (5_461, 10_922), (10_923, 16_383))
_OURS = 1


def _start(folder: Path, password: str, certificates: Path | None) -> RedisServer:
    options: tuple[str, ...] = ("--cluster-enabled", "yes", "--cluster-node-timeout", "1000")
    options += ("--cluster-port", str(free_port()))
    if password:
        options += ("--masterauth", password)
    if certificates is not None:
        options += ("--tls-cluster", "yes")
    return start_redis(folder, password=password, certificates=certificates, options=options)


class Cluster:
    """others: without our slot; owner: with it; replica: of the owner."""

    def __init__(
        self, folder: Path, *, password: str = "", certificates: Path | None = None, replica: bool = False
    ) -> None:
        self.servers = [_start(folder / str(number), password, certificates) for number in range(3 + replica)]
        self._bus = {server.port: self._bus_port(server) for server in self.servers}
        for server, (first, last) in zip(self.servers, _RUNS, strict=False):
            assert server.command("CLUSTER", "ADDSLOTSRANGE", str(first), str(last)) == b"+OK\r\n"
        for server in self.servers[1:]:
            for other in self.servers:
                server.command("CLUSTER", "MEET", "127.0.0.1", str(other.port), str(self._bus[other.port]))
        self.owner = self.servers[_OURS]
        self.others = [server for server in self.servers[:3] if server is not self.owner]
        until(lambda: all(self._is_whole(server) for server in self.servers))
        if replica:
            self.replica = self.servers[3]
            until(lambda: self.replica.command("CLUSTER", "REPLICATE", self.id_of(self.owner)) == b"+OK\r\n")
            until(lambda: b"master_link_status:up" in self.replica.command("INFO", "replication"))
            until(lambda: all(b"slave" in server.command("CLUSTER", "NODES") for server in self.servers))

    @property
    def url(self) -> str:
        return self.url_of()

    def url_of(self, *ports: int, login: str = "", options: str = "") -> str:
        places = ",".join(f"127.0.0.1:{port}" for port in ports or [server.port for server in self.others])
        return f"redis+cluster://{login}{places}{options}"

    def id_of(self, server: RedisServer) -> str:
        return server.command("CLUSTER", "MYID").split(b"\r\n")[1].decode()

    def fail_over(self) -> None:
        """Kill the owner, and wait until the replica has its slots."""
        self.owner.process.kill()
        self.owner.process.wait(10)
        until(lambda: b"role:master" in self.replica.command("INFO", "replication"))
        until(lambda: all(self._is_whole(server) for server in [*self.others, self.replica]))

    def move_slot(self, target: RedisServer) -> None:
        """Give our slot, and nothing that is in it, to another server."""
        source, self.owner = self.owner, target
        source.command("FLUSHALL")
        for server in (target, source, *self.servers):
            assert server.command("CLUSTER", "SETSLOT", str(SLOT), "NODE", self.id_of(target)) == b"+OK\r\n"

    def stop(self) -> None:
        for server in self.servers:
            server.stop()

    def _is_whole(self, server: RedisServer) -> bool:
        said = server.command("CLUSTER", "INFO")
        return b"cluster_state:ok" in said and b"cluster_known_nodes:%d" % len(self.servers) in said

    def _bus_port(self, server: RedisServer) -> int:
        return int(server.command("CONFIG", "GET", "cluster-port").split(b"\r\n")[-2])
