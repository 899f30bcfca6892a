"""What becomes of memory that large pieces of work have used."""

import ctypes
import os

# Of <malloc.h> of glibc.
_M_MMAP_THRESHOLD = -3
_LARGE_BYTES = 1024 * 1024


def return_large_blocks() -> None:
    """Have the system take back each large block of this process as soon as it is free.

    glibc keeps what a thread has freed in a pool, and has one for every few threads: each would
    hold the largest picture and password hash that were ever worked on there, hundreds of
    megabytes. Blocks that it asks the system for one by one are given back, and unless told it
    raises the size from which it does so to that of the largest block that was freed
    (man7.org/linux/man-pages/man3/mallopt.3.html). A hash takes a quarter to a half longer for it,
    nothing else that is measured.

    Does nothing where there is another allocator than glibc's, or the environment has chosen.
    """
    if "MALLOC_MMAP_THRESHOLD_" in os.environ:
        return
    try:
        choose = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    choose(_M_MMAP_THRESHOLD, _LARGE_BYTES)
