"""PostgreSQL and Redis for a machine that has none, and the processes that use them.

The servers come from wheels (or the system), listen on private unix sockets only, and keep
everything in one state directory. A URL in the environment always wins over a server of our own.
"""

from registrar.services.endpoints import Endpoints
from registrar.services.errors import ServiceError
from registrar.services.launch import start, status, stop
from registrar.services.layout import default_state_dir

__all__ = ["Endpoints", "ServiceError", "default_state_dir", "start", "status", "stop"]
