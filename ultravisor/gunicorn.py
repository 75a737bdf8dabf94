"""How gunicorn serves the web process: `gunicorn -c ultravisor/gunicorn.py`. Everything comes from our settings."""

from __future__ import annotations

import gc
import os
import resource
import signal
from typing import Any

from gunicorn import util

from schema.settings import Settings

#: Objects that may come before the collector looks at the young ones: with the usual 700 it took a tenth of the time of a long list.
GC_OBJECTS = 50_000

settings = Settings.read(os.environ)

wsgi_app = "app.main:wsgi()"
bind = settings.address
workers = settings.web_workers
worker_class = "gthread"
threads = settings.web_threads
# Loaded in each worker after the fork: connections are never shared, and the seal is the worker's alone.
preload_app = False
# Beats come from the main thread, so a long poll is no silence; a process that does not beat for this long hangs.
timeout = 30
graceful_timeout = 5
# Longer than any client's pause between polls, so that a beacon keeps its connection.
keepalive = 75
worker_connections = 2_000
# The journal tells what happened; a line per poll would only hide it.
accesslog = None
errorlog = "-"
loglevel = settings.log_level.lower()
proc_name = "ultravisor-web"
# It would lie in the home folder, where two servers would meet.
control_socket_disable = True


def post_worker_init(worker: Any) -> None:
    """Our error body, room for sockets; and an end of sockets and streams when the worker is told to stop, or they would use up its time."""
    # Loaded here and not above, because the main process needs no app.
    from app.serving import write_error

    # What is loaded by now stays for good; and a page of thousands of rows is no garbage, though it is made of thousands of objects.
    gc.freeze()
    gc.set_threshold(GC_OBJECTS, 20, 20)
    # gunicorn has no setting for it, and its HTML would break every client that reads JSON.
    util.write_error = write_error
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # each beacon's socket is an open file
    tail, hall = worker.wsgi.extensions["tail"], worker.wsgi.extensions["hall"]
    before = signal.getsignal(signal.SIGTERM)

    def stopping(number: int, frame: Any) -> None:
        tail.stop()
        hall.stop()
        if callable(before):
            before(number, frame)

    signal.signal(signal.SIGTERM, stopping)


def worker_exit(server: Any, worker: Any) -> None:
    """What beacons have said over their sockets is still carried out: they will not say it again."""
    if getattr(worker, "wsgi", None) is not None:
        worker.wsgi.extensions["hall"].finish(graceful_timeout - 2)
