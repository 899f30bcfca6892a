"""Users, roles, signing in, tokens."""
