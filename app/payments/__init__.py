"""From a winning bid to money received, or to the artwork being free again."""
