"""The product with as many sockets in a process of threads as the benchmark wants.

Served as `bench.many_threads:app`, to measure what the product decided against.
"""

from app.realtime import doors

doors.THREADS = doors.Capacity(in_all=2_000, per_address=200)

from wsgi import app  # noqa: E402 - it is made with the capacity above

__all__ = ["app"]
