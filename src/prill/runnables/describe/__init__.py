"""What a Runnable says of itself without running: types, schemas, parts, how it streams, itself as a tool."""
