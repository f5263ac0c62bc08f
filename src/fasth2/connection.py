"""The connection, under h2's module name, and the names that h2's module has from others."""
from fasth2._engine.connection import ConnectionState, H2Connection
from fasth2._engine.settings import ChangedSetting, SettingCodes, Settings
from fasth2.config import H2Configuration
from fasth2.errors import ErrorCodes

__all__ = [
    "ChangedSetting",
    "ConnectionState",
    "ErrorCodes",
    "H2Configuration",
    "H2Connection",
    "SettingCodes",
    "Settings",
]
