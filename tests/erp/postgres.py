"""A PostgreSQL of our own in a temporary folder, from the machine's binaries."""

from __future__ import annotations

import asyncio
import glob
import os
import pwd
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from seamline.child import Part, free_port

INSTALLED = "/usr/lib/postgresql/*/bin"
START_SECONDS_MAX = 120
OWNERS = ("postgres", "nobody")
"""PostgreSQL refuses to run as root: root starts it as the first of these that there is."""
OPTIONS = {
    # A test's data need not survive the machine.
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    # Compiling costs more than any query here.
    "jit": "off",
    "max_connections": "1000",
    "listen_addresses": "127.0.0.1",
}


class Missing(Exception):
    """What the real ERP needs is not on this machine, and cannot be installed from here."""


async def binaries() -> Path:
    """The folder of `initdb` and `postgres`: $PG_BIN, the newest installed, that on the path, or installed now."""
    if found := _found():
        return found
    if os.geteuid() == 0 and shutil.which("apt-get"):
        await told("apt-get", "install", "--yes", "--quiet", "postgresql")
        if found := _found():
            return found
    raise Missing(
        "PostgreSQL is needed for the real ERP: install it (Debian: apt-get install postgresql; "
        "macOS: brew install postgresql), or set PG_BIN to the folder of its initdb"
    )


def _found() -> Path | None:
    if given := os.environ.get("PG_BIN"):
        if (Path(given) / "initdb").exists():
            return Path(given)
        raise Missing("PG_BIN must be the folder in which PostgreSQL's initdb is")
    installed = sorted(map(Path, glob.glob(INSTALLED)), key=lambda one: float(one.parent.name), reverse=True)
    on_path = [Path(one).resolve().parent for one in [shutil.which("initdb")] if one]
    return next((one for one in [*installed, *on_path] if (one / "initdb").exists()), None)


async def told(*command: str | Path, stdin: str = "", **env: str) -> str:
    """What a command says. RuntimeError with all of it when it fails."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, **env},
    )
    output, _ = await process.communicate(stdin.encode())
    if process.returncode:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}: {output.decode()}")
    return output.decode().strip()


class Postgres:
    """A server in `folder`. Its superuser is `tryton`, whom it asks for no password on this machine."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self._folder = folder
        self._port = free_port()
        options = [part for name, value in OPTIONS.items() for part in ("-c", f"{name}={value}")]
        command = [f"{programs}/postgres", "-D", f"{folder}/data", "-p", str(self._port), "-k", str(folder), *options]
        self._server = Part(
            "PostgreSQL",
            [*_as_owner(), *command],
            folder / "log",
            self._answers,
            start_seconds_max=START_SECONDS_MAX,
        )

    @property
    def uri(self) -> str:
        """Its address, without a database."""
        return f"postgresql://tryton@127.0.0.1:{self._port}"

    async def start(self, seeded: Path | None = None) -> None:
        """Start it with an empty cluster, or with the one that `keep` wrote."""
        if seeded:
            await told("tar", "-xf", seeded, "-C", self._folder)
        _give_away(self._folder)
        if not seeded:
            about = ["--auth=trust", "--username=tryton", "--encoding=UTF8", "--locale=C", "--no-sync"]
            await told(*_as_owner(), self._programs / "initdb", *about, "-D", self._folder / "data")
        await self._server.start()

    async def stop(self) -> None:
        """Stop it in order. Nobody must be connected any more."""
        await self._server.stop()

    async def keep(self, where: Path) -> None:
        """Write the cluster of the stopped server to a file."""
        where.parent.mkdir(parents=True, exist_ok=True)
        part = where.with_suffix(".part")
        await told("tar", "-cf", part, "-C", self._folder, "data")
        part.replace(where)

    async def create(self, database: str, template: str = "template0") -> None:
        """Make a database, as a copy of another that nobody is connected to."""
        await self.run("postgres", f'CREATE DATABASE "{database}" TEMPLATE "{template}"')

    async def run(self, database: str, statement: str) -> str:
        """What a statement says: one line a row, the columns parted by `|`."""
        # Settings of whoever calls must not change what the output looks like.
        psql = [self._programs / "psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align"]
        return await told(*psql, "-v", "ON_ERROR_STOP=1", "--command", statement, f"{self.uri}/{database}")

    @asynccontextmanager
    async def locked(self, database: str, table: str) -> AsyncIterator[None]:
        """Nobody else can change this table meanwhile."""
        psql = [str(self._programs / "psql"), "--no-psqlrc", "--quiet", f"{self.uri}/{database}"]
        pipe = asyncio.subprocess.PIPE
        holder = await asyncio.create_subprocess_exec(*psql, stdin=pipe, stdout=pipe)
        assert holder.stdin
        assert holder.stdout
        holder.stdin.write(f"BEGIN; LOCK TABLE {table}; \\echo locked\n".encode())
        assert await holder.stdout.readline() == b"locked\n"
        try:
            yield
        finally:
            holder.stdin.close()
            await holder.wait()

    async def _answers(self) -> bool:
        try:
            await told(self._programs / "pg_isready", "-h", "127.0.0.1", "-p", str(self._port))
        except RuntimeError:
            return False
        return True


@asynccontextmanager
async def postgres(seeded: Path | None = None) -> AsyncIterator[Postgres]:
    """A running server in a folder of its own, which goes with it."""
    programs = await binaries()
    with tempfile.TemporaryDirectory(prefix="seamline-erp-") as folder:
        server = Postgres(programs, Path(folder))
        await server.start(seeded)
        try:
            yield server
        finally:
            await server.stop()


def _as_owner() -> Sequence[str]:
    """What makes a command run as a user that PostgreSQL accepts, and end with us."""
    if os.geteuid() != 0:
        return []
    name = _owner()
    return [
        "setpriv",
        "--reuid",
        name,
        "--regid",
        str(pwd.getpwnam(name).pw_gid),
        "--clear-groups",
        "--pdeathsig",
        "TERM",
    ]


def _owner() -> str:
    known = {one.pw_name for one in pwd.getpwall()}
    if found := next((name for name in OWNERS if name in known), None):
        return found
    raise Missing(f"PostgreSQL does not run as root, and there is no user {' or '.join(OWNERS)}")


def _give_away(folder: Path) -> None:
    """Let the owner have what root unpacked."""
    if os.geteuid() == 0:
        who = pwd.getpwnam(_owner())
        for path in [folder, *folder.rglob("*")]:
            os.chown(path, who.pw_uid, who.pw_gid)
