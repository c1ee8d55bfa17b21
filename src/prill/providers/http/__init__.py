"""HTTP as providers need it: a request and an answer as data, and the transports that send one and give the other."""
