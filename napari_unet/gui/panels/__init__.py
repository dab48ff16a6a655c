"""One panel a file: each shows one step of the work."""
