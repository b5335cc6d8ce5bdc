"""The disk is full while PDFs are stored."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.chaos.world import World

# Less than one PDF needs.
LEFT = 8 * 1024


def fills_up(world: World, invoices: int) -> Iterator[str]:
    if world.has_own_disk:
        with _full(world):
            written = world.invoices(invoices)
        how = "a tmpfs without room"
    else:
        job = world.run("write_invoices_in_small_files", world.rate, invoices, LEFT)
        written, how = job.result, "RLIMIT_FSIZE: no tmpfs may be mounted"
    world.faults["disk full"] += invoices
    yield f"{invoices} invoices written on a full disk ({how})"
    pks = [invoice["pk"] for invoice in written]
    world.run("read_documents", pks)
    yield "their customers could read them afterwards"


@contextmanager
def _full(world: World) -> Iterator[None]:
    disk = os.statvfs(world.documents)
    used = (disk.f_blocks - disk.f_bfree) * disk.f_frsize
    _resize(world, used + LEFT)
    try:
        yield
    finally:
        _resize(world, world.DISK)


def _resize(world: World, size: int) -> None:
    option = f"remount,size={size}"
    subprocess.run([*("mount", "-o", option), str(world.documents)], check=True)
