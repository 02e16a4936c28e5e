"""The settings that reach a Kafka cluster, as one value. Connects to nothing; the password never shows in its repr."""

import asyncio
import logging
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from core.domain.errors import SourceUnavailable

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]


@dataclass(frozen=True, slots=True)
class KafkaOptions:
    """`servers` are the bootstrap servers, `host:port` with commas between. With a SASL protocol `username` and `password` are
    sent as SASL PLAIN, letter for letter (Azure Event Hubs: `$ConnectionString` and the connection string). `ca_file` is the
    private authority (PEM) that signed the broker's certificate; without it the system's authorities count. `request_timeout`
    is in seconds."""

    servers: str
    security_protocol: SecurityProtocol = "PLAINTEXT"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    client_id: str = "marketflow"
    request_timeout: float = 10.0

    async def connection_arguments(self) -> dict[str, Any]:
        """Returns the arguments of aiokafka's connections, besides the address. Raises SourceUnavailable if the authority's file
        cannot be used."""
        # At DEBUG this logger writes every request out, and the SASL request holds the password.
        connections = logging.getLogger("aiokafka.conn")
        connections.setLevel(max(logging.INFO, connections.getEffectiveLevel()))
        arguments: dict[str, Any] = {
            "client_id": self.client_id,
            "request_timeout_ms": round(self.request_timeout * 1000),
            "security_protocol": self.security_protocol,
        }
        if self.security_protocol in {"SSL", "SASL_SSL"}:
            arguments["ssl_context"] = await asyncio.to_thread(self._tls)
        if self.security_protocol in {"SASL_PLAINTEXT", "SASL_SSL"}:
            arguments |= {
                "sasl_mechanism": "PLAIN",
                "sasl_plain_username": self.username or "",
                "sasl_plain_password": self.password or "",
            }
        return arguments

    async def client_arguments(self) -> dict[str, Any]:
        """Returns the arguments with which aiokafka's consumer and producer connect. Raises as `connection_arguments` does."""
        return {"bootstrap_servers": self.servers, **await self.connection_arguments()}

    def _tls(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=str(self.ca_file) if self.ca_file else None)
        except (OSError, ssl.SSLError) as error:
            why = error.strerror if isinstance(error, FileNotFoundError | PermissionError) else "it holds no certificate in PEM"
            raise SourceUnavailable(f"the file of KAFKA_SSL_CAFILE, {self.ca_file}, cannot be used: {why}") from None
