"""Files in etl.secrets_directory of a server: who is spoken to, and the secret."""

import shutil

from .places import hand_over
from .postgres import PostgresServer


def make_secret(server: PostgresServer, name: str, prefix: str, secret: str) -> None:
    """The directory is made, and the setting made known, when it is missing."""
    directory = server.home / "secrets"
    if not directory.exists():
        directory.mkdir(mode=0o700)
        hand_over(directory)
        server.reload(**{"etl.secrets_directory": directory})
    path = directory / name
    path.write_text(f"{prefix}\n{secret}\n", encoding="utf-8")
    path.chmod(0o600)
    hand_over(path)


def forget_secrets(server: PostgresServer) -> None:
    server.reload(**{"etl.secrets_directory": ""})
    shutil.rmtree(server.home / "secrets", ignore_errors=True)
