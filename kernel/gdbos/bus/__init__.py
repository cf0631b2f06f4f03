"""The data bus: services, grants, calls, adapters, events and their delivery."""
