"""Pure objects that turn pieces of input into pieces of output: ``feed(piece)``, then ``finish()``. No I/O."""
