"""What every answer passes through: errors, CSRF, security headers, filters, logs, health."""
