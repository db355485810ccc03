"""A certificate authority of the test's own and a server certificate for 127.0.0.1 and localhost."""

from pathlib import Path

from .process import run


def make_certificates(directory: Path, days: int = 30) -> None:
    """Write ca.crt, ca.key, server.crt and server.key (PEM, PKCS#8) into `directory`."""
    new_key = ["openssl", "req", "-newkey", "rsa:2048", "-nodes"]
    run(
        [*new_key, "-x509", "-days", days, "-subj", "/CN=pg_etl test CA", "-keyout", "ca.key", "-out", "ca.crt"],
        cwd=directory,
    )
    run([*new_key, "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr"], cwd=directory)
    (directory / "server.ext").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n", encoding="utf-8")
    run(
        [
            "openssl",
            "x509",
            "-req",
            "-in",
            "server.csr",
            "-CA",
            "ca.crt",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-days",
            days,
            "-extfile",
            "server.ext",
            "-out",
            "server.crt",
        ],
        cwd=directory,
    )
