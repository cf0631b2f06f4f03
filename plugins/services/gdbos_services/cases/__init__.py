"""Cases (办件): applied for once, numbered, timed by law and promise, decided, carried out by the department's own system."""
