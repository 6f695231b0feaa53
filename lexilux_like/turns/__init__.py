"""What to do next: decisions as flows. Pure; nothing here performs I/O."""
