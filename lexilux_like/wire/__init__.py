"""How it is spelled: values to bytes and back. Pure; nothing here performs I/O."""
