"""What the worker does and when; every job takes ids and may run twice."""
