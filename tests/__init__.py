"""The tests: a package, as a library installs one of this name, which would be found instead of a mere folder."""
