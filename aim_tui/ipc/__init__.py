"""How the screen and the worker process talk: messages, framing, and the client that supervises the worker."""
