"""The business's stories, each branch of them, on systems kept in memory and a server that skips time."""
