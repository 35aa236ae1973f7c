"""The application layer that the command line, the screen and the Python API share."""
