"""HTTP/2 settings: h2's names (RFC 9113 section 6.5)."""
from __future__ import annotations

from fasth2._engine.settings import ChangedSetting, SettingCodes, Settings, _setting_code_from_int

__all__ = ["ChangedSetting", "SettingCodes", "Settings", "_setting_code_from_int"]
