"""HTTP/2 settings: h2's names (RFC 9113 section 6.5)."""
from __future__ import annotations

from fasth2._engine.settings import ChangedSetting, SettingCodes, Settings, _setting_code_from_int
from fasth2.errors import ErrorCodes as ErrorCodes
from fasth2.exceptions import InvalidSettingsValueError as InvalidSettingsValueError

__all__ = ["ChangedSetting", "SettingCodes", "Settings", "_setting_code_from_int"]
