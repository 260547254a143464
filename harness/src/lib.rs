//! The library behind the `tidegate` command.
