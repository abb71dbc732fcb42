"""Where a source is in its place: what it gave already, and lists whose items are read one by one."""
