"""The departments' existing systems (既有系统), played by one program apart from the node.

``python -m gdbos_scenarios.departments --port 8100 --home DIR`` answers for eight systems that other people built at
other times: each has its own SQLite file, field names, key and quirk. Nothing here imports ``gdbos``; the node meets
them over HTTP only, as it would meet the real ones. ``docs/departments.md`` is what an integrator is handed.
"""
