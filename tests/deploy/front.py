"""nginx from the machine, with the deployment's own configuration, on an address of our own."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import psutil
import requests

from dev.loopback import free_port
from dev.processes import end, spawn
from tests.databases import ROOT
from tests.waiting import until

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
_MAIN = """
daemon off;
user root;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/errors.log info;
events {{ worker_connections 2048; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/upstreams.conf;
    include {folder}/site.conf;
}}
"""


class Front:
    """nginx in front of web processes; `url` is plain, `tls_url` as the world sees it."""

    def __init__(self, folder: Path, address: str, webs: Sequence[str]) -> None:
        """Listen on `address`; `webs` are the hosts' addresses with their ports."""
        assert NGINX is not None, "these tests need nginx: apt-get install nginx"
        folder.mkdir()
        self.folder = folder
        self.address = address
        self._plain, tls, self._redirect = (free_port(address=address) for _ in range(3))
        self.url = f"http://{address}:{self._plain}"
        self.tls_url = f"https://{address}:{tls}"
        self.redirect_url = f"http://{address}:{self._redirect}"
        self.certificate = folder / "fullchain.pem"
        self.log = folder / "guesstheworth.log"
        _make_certificate(folder, address)
        self._write_site(tls)
        self.write_upstreams(webs, webs)
        (folder / "nginx.conf").write_text(_MAIN.format(folder=folder))
        self._process = spawn([NGINX, "-p", folder, "-c", folder / "nginx.conf"])
        until(lambda: (folder / "nginx.pid").exists() and self._answers(), 10)

    def _write_site(self, tls: int) -> None:
        """The deployed file, with this machine's ports, folders and name in place of a server's."""
        text = (ROOT / "deploy/nginx/guesstheworth.conf").read_text()
        redirect = f"{self.address}:{self._redirect}"
        for old, new in (
            ("listen 443 ssl http2;", f"listen {self.address}:{tls} ssl http2 default_server;\n    "
                                      f"listen {self.address}:{self._plain};"),
            # Browsers send no name of a server that they know by its number.
            ("listen 443 ssl default_server;", f"listen {self.address}:{tls} ssl;"),
            ("listen 80 default_server;", f"listen {redirect} default_server;"),
            ("listen 80;", f"listen {redirect};"),
            ("server_name bids.example.com;", f"server_name bids.example.com {self.address};"),
            ("/etc/nginx/tls/", f"{self.folder}/"),
            ("/etc/nginx/guesstheworth-pages/", f"{ROOT}/deploy/nginx/pages/"),
            ("/var/log/nginx/", f"{self.folder}/"),
        ):  # fmt: skip
            assert old in text, old
            text = text.replace(old, new)
        (self.folder / "site.conf").write_text(text)

    def write_upstreams(self, webs: Sequence[str], lives: Sequence[str]) -> None:
        """The deployed file of upstreams, with these addresses."""
        text = (ROOT / "deploy/nginx/upstreams.conf").read_text()
        for name, port, addresses in (("web", 5000, webs), ("live", 5001, lives)):
            block = re.search(rf"upstream guesstheworth_{name} {{.*?\n}}", text, re.S)
            assert block is not None
            [line] = re.findall(r"^ *server .+$", block[0], re.M)
            servers = "\n".join(line.replace(f"127.0.0.1:{port}", each) for each in addresses)
            text = text.replace(block[0], block[0].replace(line, servers))
        (self.folder / "upstreams.conf").write_text(text)

    def reload(self, webs: Sequence[str], lives: Sequence[str] = ()) -> None:
        """Send requests to these from now on, as `systemctl reload nginx` does."""
        self.write_upstreams(webs, lives or webs)
        master = psutil.Process(self._process.pid)
        before = master.children()
        self._process.send_signal(signal.SIGHUP)
        until(lambda: set(master.children()) - set(before), 15)
        # One of before takes nothing new once its title says so; it may hold sockets for long.
        until(lambda: not any(_takes_requests(each) for each in before), 15)

    def stop(self) -> None:
        """End it."""
        end(self._process)

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/_nginx/none", timeout=2).status_code == 404
        except requests.RequestException:
            return False


def _takes_requests(worker: psutil.Process) -> bool:
    try:
        return "shutting down" not in " ".join(worker.cmdline())
    except psutil.NoSuchProcess:
        return False


def _make_certificate(folder: Path, address: str) -> None:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=bids.example.com",
         "-addext", f"subjectAltName=DNS:bids.example.com,IP:{address}",
         "-keyout", folder / "privkey.pem", "-out", folder / "fullchain.pem"],
        check=True, capture_output=True, timeout=30,
    )  # fmt: skip
