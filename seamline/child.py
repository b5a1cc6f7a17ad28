"""Child processes that never outlive their parent, for what runs on one machine: Temporal, simulator, worker, API."""

from __future__ import annotations

import asyncio
import ctypes
import os
import secrets
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

POLL_SECONDS = 0.05
LOG_TAIL_BYTES = 2_000
STOP_SECONDS_MAX = 25
PORT_FIRST, PORT_LAST, PORT_TRIES_MAX = 20_000, 31_999, 100
"""Below what systems hand out for outgoing connections: what is started again there finds its port free."""

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class ChildFailed(Exception):
    """A child ended, or was not ready in time. The text names it, its log file and the log's end."""


class Child:
    """One running child. Its output goes to `log`."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.name = name
        self.log = log
        self.process = process

    @staticmethod
    async def start(name: str, command: Sequence[str], log: Path, *, env: Mapping[str, str] | None = None) -> Child:
        """Start a command in a session of its own: a Ctrl-C reaches the parent alone, which stops its children."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **(env or {})},
                start_new_session=True,
                preexec_fn=die_with(os.getpid()),
            )
        return Child(name, process, log)

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self.process.returncode is None

    async def until(self, ready: Callable[[], Awaitable[bool]], seconds_max: float) -> None:
        """Wait until `ready` says so. Raises ChildFailed when the child ends first or time runs out."""
        deadline = asyncio.get_running_loop().time() + seconds_max
        while not await ready():
            if not self.running:
                raise ChildFailed(f"{self.name} ended with {self.process.returncode}: {self._tail()}")
            if asyncio.get_running_loop().time() > deadline:
                raise ChildFailed(f"{self.name} was not ready after {seconds_max:g} s: {self._tail()}")
            await asyncio.sleep(POLL_SECONDS)

    async def stop(self, seconds_max: float = 10) -> None:
        """Ask it to end (SIGTERM), and kill it when it has not after `seconds_max`."""
        if self.running:
            self.process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self.process.wait(), seconds_max)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()

    async def kill(self) -> None:
        """End it at once, with no chance to clean up (SIGKILL)."""
        if self.running:
            self.process.kill()
        await self.process.wait()

    def _tail(self) -> str:
        with self.log.open("rb") as file:
            file.seek(max(0, self.log.stat().st_size - LOG_TAIL_BYTES))
            return f"see {self.log}, which ends:\n{file.read().decode(errors='replace').strip()}"


class Part:
    """A child that can be started again after it ended, however that was, by the same command at the same place.

    `ready` is a file that it writes once it serves, or a question that answers true from then on.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        ready: Path | Callable[[], Awaitable[bool]],
        *,
        start_seconds_max: float,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.log = log
        self.child: Child | None = None
        self._command = command
        self._ready = ready
        self._start_seconds_max = start_seconds_max
        self._env = env

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self.child is not None and self.child.running

    async def start(self) -> None:
        """Start it and wait until it is ready. Raises ChildFailed, and then it does not run."""
        if isinstance(self._ready, Path):
            _remove(self._ready)
        self.child = await Child.start(self.name, self._command, self.log, env=self._env)
        try:
            await self.child.until(self._is_ready, self._start_seconds_max)
        except BaseException:
            await self.child.kill()
            raise

    async def ended(self) -> None:
        """Wait until it ends."""
        if self.child:
            await self.child.process.wait()

    async def stop(self) -> None:
        """Let it end in order, within STOP_SECONDS_MAX."""
        if self.child:
            await self.child.stop(STOP_SECONDS_MAX)

    async def kill(self) -> None:
        """End it at once (SIGKILL)."""
        if self.child:
            await self.child.kill()

    async def _is_ready(self) -> bool:
        return os.access(self._ready, os.R_OK) if isinstance(self._ready, Path) else await self._ready()


def free_port(preferred: int = 0) -> int:
    """A TCP port of this machine that nobody listens on: the preferred one if it is free."""
    span = PORT_LAST - PORT_FIRST + 1
    for port in (preferred, *(PORT_FIRST + secrets.randbelow(span) for _ in range(PORT_TRIES_MAX))):
        if not port:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("this machine has no free port")


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def die_with(parent: int) -> Callable[[], None] | None:
    """What a child runs first (`preexec_fn`), so that Linux ends it when the parent dies, however that dies.

    Elsewhere only an orderly end is covered.
    """
    libc = _libc
    if libc is None:
        return None

    def arrange() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before the arrangement stood
            os._exit(1)

    return arrange
