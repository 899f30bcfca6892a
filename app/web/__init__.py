"""HTTP matters that belong to no domain: errors, headers, filters, health, metrics."""
