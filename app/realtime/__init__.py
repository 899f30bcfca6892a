"""Live updates: the only place that emits, and what may be sent to whom."""
