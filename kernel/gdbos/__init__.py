"""GDBOS: the SDK. All that a plugin may import; nothing deeper is promised."""
